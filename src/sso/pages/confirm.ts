/** The pages on which a person says whether somebody whom an organization names is them (SCIM-3, SSO-6). */
import { html } from '../../lib/html.ts';
import type { Asker } from '../confirmations.ts';
import { hidden, type Page } from './frame.ts';

/** After a sign-in that ended in a question: a letter is sent for the asking, to the account's own mailbox. */
export const askPage = (formToken: string, ask: string): Page => ({
  status: 200,
  title: 'Confirm that it is you',
  body: html`<p>There is an account here that may be yours. If it is, we can send a link to its mailbox: with it you connect the account with your organization's identity provider, and then you sign in through that.</p>
<form method="post" action="/sign-in/confirm">
${hidden('form_token', formToken)}
${hidden('ask', ask)}
<button type="submit">Send me the link</button>
</form>`,
});

/** The same whether anything was sent. */
export const askedPage: Page = {
  status: 200,
  title: 'Check your mail',
  body: html`<p>If the account has a mailbox of its own, we have sent a link there. It works once, for a day.</p>
<p>No letter? Look into the spam folder, and wait a minute or two before you ask again. An administrator of your organization can help, too, by verifying its domain.</p>`,
};

export interface ConfirmPage {
  readonly asker: Asker;
  readonly email: string;
  readonly token: string;
  readonly formToken: string;
}

/** Who asks, in words that the asking organization has chosen itself, which the page says. */
export const confirmPage = ({ asker, email, token, formToken }: ConfirmPage): Page => ({
  status: 200,
  title: 'Is this you?',
  body: html`<p>An organization asks whether the person whom it knows is you, the owner of the account of <strong>${email}</strong>.</p>
<dl>
<dt>The organization calls itself</dt><dd>${asker.organization}</dd>
<dt>What speaks for it</dt><dd>${asker.speaker}</dd>
<dt>There you are called</dt><dd>${asker.name}</dd>
</dl>
<p>If you say yes, that organization decides from now on when you sign in to it, and may end your part in it. It can do nothing in other organizations, and learns nothing of them.</p>
<p>If you do not know it, or are not sure, close this page: nothing is connected.</p>
<form method="post" action="/sign-in/link">
${hidden('form_token', formToken)}
${hidden('token', token)}
<button type="submit">Yes, this is me</button>
</form>`,
});

/** `signInUrl`: through the connection that has just been connected. */
export const confirmedPage = (signInUrl: string): Page => ({
  status: 200,
  title: 'Connected',
  body: html`<p>Your account is connected with the organization. You can sign in through it now.</p>
<p><a class="button" href="${signInUrl}">Sign in</a></p>`,
});
