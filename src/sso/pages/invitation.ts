/** The page behind an invitation's link. Opening it uses nothing up; its button accepts. */
import { type Html, html } from '../../lib/html.ts';
import { hidden, type Page } from './frame.ts';

export interface InvitationPage {
  readonly organization: string;
  readonly email: string;
  readonly role: 'admin' | 'member';
  readonly token: string;
  readonly formToken: string;
  /**
   * `here`: whoever opens it may accept. `another`: this browser is signed in to an account that has not proven the address; it is
   * signed out by accepting. `sign_in_first`: only a session of the address's account may accept.
   */
  readonly way: 'here' | 'another' | 'sign_in_first';
  /** Where to sign in and come back from. */
  readonly signInUrl: string;
}

export function invitationPage(page: InvitationPage): Page {
  const { organization, email, role } = page;
  return {
    status: 200,
    title: `Join ${organization}`,
    body: html`<p><strong>${organization}</strong> invites <strong>${email}</strong> as ${role === 'admin' ? 'an Admin' : 'a Member'}.</p>
${wayIn(page)}`,
  };
}

function wayIn({ way, email, token, formToken, signInUrl }: InvitationPage): Html {
  if (way === 'sign_in_first') {
    return html`<p>There is an account with this address, whose sign-in links go to its other addresses. Sign in to it first; you come back here.</p>
<p><a class="button" href="${signInUrl}">Sign in</a></p>`;
  }
  return html`${
    way === 'another'
      ? html`<p>This browser is signed in to another account. By accepting you sign out of that, and in as <strong>${email}</strong>. To join with the other account instead, add the address to it first.</p>`
      : html`<p>Go on only if <strong>${email}</strong> is your own address. If you have no account yet, this makes one.</p>`
  }
<form method="post" action="/sign-in/invitation">
${hidden('form_token', formToken)}
${hidden('token', token)}
${hidden('leave', way === 'another' ? '1' : undefined)}
<button type="submit">Accept and join</button>
</form>`;
}
