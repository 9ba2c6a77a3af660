/** The IdP's sign-in page: choose who you are. It has no scripts and no passwords: everybody here is made up. */
import { escapeHtml } from '../../lib/html.ts';
import type { OidcPerson } from './vendors.ts';

export interface SignInPage {
  readonly title: string;
  /** Where the choice is posted. */
  readonly action: string;
  readonly people: readonly OidcPerson[];
  /** The address that the person typed before coming here. */
  readonly hint?: string | undefined;
}

export function writeSignInPage({ title, action, people, hint }: SignInPage): string {
  const hinted = people.filter(({ email }) => email === hint);
  const shown = [...hinted, ...people.filter(({ email }) => email !== hint)];
  const buttons = shown.map(
    ({ id, email, givenName, familyName }) =>
      `<p><button name="person" value="${escapeHtml(id)}">${escapeHtml(`${givenName} ${familyName}`)}</button> ${escapeHtml(email)}</p>`,
  );
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${escapeHtml(title)} (simulated)</title></head><body><main>`,
    `<h1>${escapeHtml(title)} (simulated)</h1><p>Who are you?</p>`,
    `<form method="post" action="${escapeHtml(action)}">${buttons.join('')}</form></main></body></html>`,
  ].join('');
}
