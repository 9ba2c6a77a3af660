/**
 * What a browser is shown of a refusal: one of a few pages, word for word, in which nothing but the reference differs. So no page can tell why, about whom, or what was
 * sent: a text that is not written here fails whichever test has brought it about.
 */
import type { Response } from 'supertest';

/** Titles, and what each of them may say. */
const pages: Readonly<Record<string, readonly string[]>> = {
  'Sign-in failed': [
    'You could not be signed in. Try again; if it goes on, give your administrator the reference.',
    'Your organization has been closed here. Ask its Owner.',
  ],
  'You cannot be signed in': [
    'Your identity provider knows you, but you are not let in here yet. Ask your administrator.',
    'Your organization has to verify the domain of your address again, before its identity provider can sign you in here. Tell your administrator. Until then you can sign in by a link to your own mailbox, if you have one: choose &quot;Email me a sign-in link&quot;.',
  ],
  'Sign-out failed': ['You could not be signed out by this. Sign out here, and at your organization, by yourself.'],
  'There is nothing here': [
    'There is nothing at this address.',
    'There is no single sign-on here.',
    'There is no such session.',
    'This link is no invitation, or a newer letter has replaced it: look for that one',
  ],
  'That did not work': [
    'This sign-in has ended or was never begun here. Begin again.',
    'This sign-in has had its answer: each counts once. Begin again.',
    'This page is too old. Sign in again through your organization.',
    'This page has been open for too long, or cookies are switched off. Begin again.',
    'This page cannot be asked for in that way.',
    'This link is not complete.',
    'This link has been used, or is too old. Ask for a new one.',
    'The address to return to is none that this service leads to.',
    // Told to whoever begins at a connection of it (ORG-2).
    'The organization has been closed; until it is deleted the operator can restore it',
    // Told to whoever has the letter of an invitation (MEM-2).
    'This invitation has been accepted already: each counts once',
    'You are signed in to an account that has not proven the address of this invitation: add the address to it first, or accept without that session',
    // Told to whoever reads that mailbox.
    'Another account has proven this address',
    'The form cannot be read. Go back and try again.',
    'What was sent is larger than anything that belongs here.',
    'What was sent is no form in UTF-8.',
    'What was sent cannot be read.',
  ],
  'Too many attempts': [
    'Too many sign-ins are begun from this address; try again in … s',
    'Too many sign-ins are ended from this address; try again in … s',
    'Too many sessions are ended from this address; try again in … s',
    'Too many sign-ins through this connection have failed; try again in … s',
    'Too many links from this address were none; try again in … s',
  ],
};

const confirmation =
  '<p><a class="button" href="http://gatehouse.test/sign-in/confirm?ask=…">Confirm by email that it is you</a></p>';

const write = (title: string, message: string, more: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">

<title>${title} – Gatehouse</title>
<link rel="stylesheet" href="/sign-in/style.css">

</head>
<body>
<header><p class="brand">Gatehouse</p></header>
<main>
<h1>${title}</h1>
<div role="alert"><p>${message}</p></div>
${more}
<p><a class="button second" href="/sign-in">Sign in again</a></p>
<p class="hint">If you ask for help, give this reference: <code>…</code></p>
</main>
</body>
</html>
`;

const known: ReadonlySet<string> = new Set(
  Object.entries(pages).flatMap(([title, messages]) =>
    messages.flatMap((message) => [write(title, message, ''), write(title, message, confirmation)]),
  ),
);

const neutral = (page: string): string =>
  page
    .replace(/<code>[^<]*<\/code>/, '<code>…</code>')
    .replace(/(?<=\/sign-in\/confirm\?ask=)[^"]*/, '…')
    .replace(/(?<=try again in )\d+(?= s<)/, '…');

/** Throws where an answer refuses in words of its own. An entry form that says what is wrong with an address is no refusal, nor is what the API answers. */
export function verifyRefusalPage({ status, text, headers }: Pick<Response, 'status' | 'text' | 'headers'>): void {
  if (status < 400 || !String(headers['content-type']).startsWith('text/html')) return;
  if (status === 400 && text.includes('aria-invalid="true"')) return;
  if (known.has(neutral(text))) return;
  throw new Error(`a refusal (${status}) shows a page that is not one of those which refusals show: ${text}`);
}
