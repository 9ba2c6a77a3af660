/** The letters of a development server, which has no mail server to hand them to. */
import { html } from '../../lib/html.ts';
import type { Mail } from '../../lib/mail.ts';
import type { Page } from './frame.ts';

/** Newest first. Their links can be followed: whoever sees this page sees every mailbox. */
export const lettersPage = (letters: readonly Mail[]): Page => ({
  status: 200,
  title: 'Letters of this development server',
  body:
    letters.length === 0
      ? html`<p>Nothing has been written yet. Ask for a link at <a href="/sign-in">/sign-in</a>, and come back.</p>`
      : html`<ul class="plain">${letters.map(({ to, subject, text }) => {
          const link = /https?:\/\/\S+\?token=[0-9a-f]+/.exec(text)?.[0];
          return html`<li><h2>${subject}</h2><p>to <strong>${to}</strong></p><p>${text}</p>${
            link !== undefined && html`<p><a class="button" href="${link}">Open the link</a></p>`
          }</li>`;
        })}</ul>`,
});
