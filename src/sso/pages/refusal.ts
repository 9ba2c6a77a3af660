/** What people read when something was refused: what to do next, and a reference for whoever helps them. */
import { html } from '../../lib/html.ts';
import type { Page } from './frame.ts';

export interface RefusalPage {
  readonly status: number;
  readonly title: string;
  readonly message: string;
  readonly reference: string;
  /** Where the person may confirm that they are who they seem to be. */
  readonly confirmUrl?: string | undefined;
}

export const refusalPage = ({ status, title, message, reference, confirmUrl }: RefusalPage): Page => ({
  status,
  title,
  body: html`<div role="alert"><p>${message}</p></div>
${confirmUrl !== undefined && html`<p><a class="button" href="${confirmUrl}">Confirm by email that it is you</a></p>`}
<p><a class="button second" href="/sign-in">Sign in again</a></p>
<p class="hint">If you ask for help, give this reference: <code>${reference}</code></p>`,
});
