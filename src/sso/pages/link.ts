/** The pages behind a mailed link. Opening them uses nothing up: mail programs and scanners open links, people press buttons. */
import { html } from '../../lib/html.ts';
import type { MailedLink } from '../../store/index.ts';
import { hidden, type Page } from './frame.ts';

/** The purposes of links that this page is for; a question about the person has one of its own (confirm.ts). */
type LinkPurpose = Exclude<MailedLink['purpose'], 'confirm'>;

export interface LinkPage {
  readonly link: Pick<MailedLink, 'email' | 'returnTo'> & { readonly purpose: LinkPurpose };
  readonly token: string;
  readonly formToken: string;
  /** Asked for by this very browser. */
  readonly here: boolean;
}

const words: Readonly<Record<LinkPurpose, { readonly title: string; readonly button: string }>> = {
  sign_in: { title: 'Sign in', button: 'Sign in' },
  register: { title: 'Make an account', button: 'Make the account and sign in' },
  prove_email: { title: 'Prove your address', button: 'Add the address' },
};

/**
 * Says whose link it is before it signs anybody in: who was sent somebody else's link sees it. Whoever presses the button
 * comes to where the link leads, which the policy on forms therefore allows.
 */
export function linkPage({ link: { purpose, email, returnTo }, token, formToken, here }: LinkPage): Page {
  const { title, button } = words[purpose];
  const what = {
    sign_in: html`<p>You are about to sign in as <strong>${email}</strong>.</p>`,
    register: html`<p>You are about to make an account for <strong>${email}</strong>.</p>`,
    prove_email: html`<p>You are about to add <strong>${email}</strong> to the account that is signed in here.</p>`,
  }[purpose];
  return {
    status: 200,
    title,
    ...(returnTo !== undefined && { formAction: [new URL(returnTo).origin] }),
    body: html`${what}
${!here && purpose !== 'prove_email' && html`<p>The link was asked for in another browser, or on another device. Go on only if you asked for it yourself and <strong>${email}</strong> is your own address.</p>`}
<form method="post" action="/sign-in/link">
${hidden('form_token', formToken)}
${hidden('token', token)}
<button type="submit">${button}</button>
</form>`,
  };
}

export const emailProvenPage = (email: string): Page => ({
  status: 200,
  title: 'Address added',
  body: html`<p><strong>${email}</strong> is yours: sign-in links may be sent there from now on.</p><p><a href="/signed-in">Your account</a></p>`,
});
