/** The IdP's sign-in page: choose who you are. It has no scripts and no passwords: everybody here is made up. */
import type { OidcPerson } from './vendors.ts';

const escapeMarkup = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

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
      `<p><button name="person" value="${escapeMarkup(id)}">${escapeMarkup(`${givenName} ${familyName}`)}</button> ${escapeMarkup(email)}</p>`,
  );
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${escapeMarkup(title)} (simulated)</title></head><body><main>`,
    `<h1>${escapeMarkup(title)} (simulated)</h1><p>Who are you?</p>`,
    `<form method="post" action="${escapeMarkup(action)}">${buttons.join('')}</form></main></body></html>`,
  ].join('');
}
