/** The pages of somebody who is signed in, and of somebody who no longer is. */
import { html } from '../../lib/html.ts';
import { hidden, type Page } from './frame.ts';

export interface AccountPage {
  readonly formToken: string;
  readonly name: string;
  readonly organizations: readonly {
    readonly name: string;
    /** Where to sign in to make the session count there; absent where it does. */
    readonly signInUrl?: string | undefined;
  }[];
  readonly sessions: readonly {
    readonly id: string;
    readonly current: boolean;
    readonly userAgent: string;
    readonly since: string;
  }[];
}

export const accountPage = ({ formToken, name, organizations, sessions }: AccountPage): Page => ({
  status: 200,
  title: 'You are signed in',
  body: html`<p>As <strong>${name}</strong>.</p>
<h2>Your organizations</h2>
${
  organizations.length === 0
    ? html`<p>You belong to no organization yet.</p>`
    : html`<ul class="plain">${organizations.map(
        (one) =>
          html`<li>${one.name}${one.signInUrl !== undefined && html` – <a href="${one.signInUrl}">sign in through ${one.name} to use it</a>`}</li>`,
      )}</ul>`
}
<h2>Your sessions</h2>
<ul class="plain">${sessions.map(
    ({ id, current, userAgent, since }) => html`<li>
<p>${userAgent}<br><span class="hint">since ${since}${current && ' – this browser'}</span></p>
${
  !current &&
  html`<form method="post" action="/signed-in/sessions">${hidden('form_token', formToken)}${hidden('session', id)}<button type="submit" class="second" aria-label="End the session of ${userAgent} since ${since}">End this session</button></form>`
}
</li>`,
  )}</ul>
<form method="post" action="/sign-out">${hidden('form_token', formToken)}<button type="submit">Sign out</button></form>`,
});

export const signOutPage = (formToken: string): Page => ({
  status: 200,
  title: 'Sign out',
  body: html`<form method="post" action="/sign-out">${hidden('form_token', formToken)}<button type="submit">Sign out</button></form>`,
});

/** `elsewhere`: where the session with the IdP can be ended, too. */
export const signedOutPage = (elsewhere: string | undefined): Page => ({
  status: 200,
  title: 'You are signed out',
  body: html`<p>This browser's session has ended. Your organization may still keep you signed in at its own page.</p>
${elsewhere === undefined ? '' : html`<p><a class="button" href="${elsewhere}">Sign out there, too</a></p>`}
<p><a class="button second" href="/sign-in">Sign in again</a></p>`,
});
