/** The pages of a sign-in: who are you, check your mail, which way, and off to the IdP. */
import { type Html, html } from '../../lib/html.ts';
import type { Departure } from '../protocol.ts';
import { alert, hidden, type Page } from './frame.ts';

export interface SignInPage {
  readonly formToken: string;
  readonly email?: string | undefined;
  readonly returnTo?: string | undefined;
  /** The IdP is to ask the person again. */
  readonly reauth?: '1' | undefined;
  /** Where the organization is known: its ways in. */
  readonly organization?: { readonly name: string; readonly ways: readonly Way[] } | undefined;
  /** Only the mailed link is offered. */
  readonly byLink?: boolean | undefined;
  /** What was wrong with the address. */
  readonly fault?: string | undefined;
}

/** One connection, as people see it. */
export interface Way {
  readonly name: string;
  readonly url: string;
}

const wayList = (ways: readonly Way[]): Html =>
  html`<ul class="plain">${ways.map(({ name, url }) => html`<li><a class="button" href="${url}">Continue with ${name}</a></li>`)}</ul>`;

const bothWays = html`<button type="submit" name="action" value="continue">Continue</button>
<button type="submit" class="second" name="action" value="link">Email me a sign-in link</button>`;

/** The first page. One address, two ways: through the organization, or by a link; the page never says which there are. */
export function signInPage({ formToken, email, returnTo, reauth, organization, byLink, fault }: SignInPage): Page {
  const ways = organization?.ways ?? [];
  const describedBy = fault === undefined ? 'email-hint' : 'email-fault email-hint';
  return {
    status: fault === undefined ? 200 : 400,
    title: organization === undefined ? 'Sign in' : `Sign in to ${organization.name}`,
    body: html`${fault !== undefined && alert(fault, 'email')}
${ways.length > 0 && html`${wayList(ways)}<h2>Or with your email address</h2>`}
<form method="post" action="/sign-in">
${hidden('form_token', formToken)}
${hidden('return_to', returnTo)}
${hidden('reauth', reauth)}
<label for="email">Email address</label>
<p class="hint" id="email-hint">${byLink ? 'One that is yours already: the link that we send there shows that it is you.' : 'The one that you use at work, if you sign in through your organization.'}</p>
${fault !== undefined && html`<p class="hint" id="email-fault">${fault}</p>`}
<input type="email" id="email" name="email" value="${email ?? ''}" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="254" aria-describedby="${describedBy}"${fault !== undefined && html` aria-invalid="true"`}>
${byLink ? html`<button type="submit" name="action" value="link">Email me a sign-in link</button>` : bothWays}
</form>`,
  };
}

/** The same for everybody: it knows of no account. */
export const mailSentPage = (email: string): Page => ({
  status: 200,
  title: 'Check your mail',
  body: html`<p>If <strong>${email}</strong> can sign in here by a link, or register, we have sent one to it. The link works once, for ten minutes.</p>
<p>No letter? Look into the spam folder, check the address, and wait a minute or two before you ask again.</p>
<p><a href="/sign-in">Use another address</a></p>`,
});

/** Several connections fit. */
export const choicePage = (ways: readonly Way[]): Page => ({
  status: 200,
  title: 'Choose how to sign in',
  body: html`<p>There are several ways into your organization.</p>${wayList(ways)}`,
});

/** On to an address of our own that leads to the IdP: no form, so that the policy on forms has nothing to allow. */
export const goOnPage = (url: string): Page => ({
  status: 200,
  title: 'Going on to your organization',
  goOn: url,
  body: html`<p>You sign in at your organization's own page. If it does not open by itself, go on here:</p>
<p><a class="button" href="${url}">Continue</a></p>`,
});

/**
 * A form that the IdP takes. Browsers hold the redirects that follow a form against `form-action`, too, and IdPs hand on
 * among themselves, so that the policy names the scheme and not only the one host.
 */
export function departurePage({ url, fields }: Extract<Departure, { kind: 'post' }>): Page {
  const { origin, protocol } = new URL(url);
  return {
    status: 200,
    title: 'Going on to your organization',
    formAction: protocol === 'https:' ? ['https:'] : [origin],
    submits: true,
    body: html`<p>Your organization's own page comes next. If it does not open by itself, go on here:</p>
<form method="post" action="${url}" data-go-on>
${Object.entries(fields).map(([name, value]) => hidden(name, value))}
<button type="submit">Continue</button>
</form>`,
  };
}
