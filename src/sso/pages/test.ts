/** The end of a test sign-in: what the IdP sent, what it would come to, and why (SSO-1). */
import { type Html, html } from '../../lib/html.ts';
import type { JsonObject } from '../../store/index.ts';
import type { Page } from './frame.ts';

export interface TestPage {
  readonly title: string;
  /** What would become of the person, or what is wrong with the answer. */
  readonly detail: string;
  readonly reference: string;
  readonly received: JsonObject | undefined;
}

/** Shown to the browser in which an admin has opened the link of the test, so that it may tell everything. */
export const testPage = ({ title, detail, reference, received }: TestPage): Page => ({
  status: 200,
  title,
  body: html`<div role="status"><p>${detail}.</p></div>
${received !== undefined && html`<h2>What the identity provider sent</h2><dl>${rows(received, '')}</dl>`}
<p class="hint">The record of this test: <code>${reference}</code></p>`,
});

/** Nested facts as flat lines, `certificate.expiresAt`. */
function rows(value: unknown, name: string): readonly Html[] {
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return [row(name, value.join(', '))];
  if (typeof value !== 'object' || value === null) return [row(name, String(value))];
  return Object.entries(value).flatMap(([key, item]) => rows(item, name === '' ? key : `${name} › ${key}`));
}

const row = (name: string, value: string): Html => html`<dt>${name}</dt><dd>${value === '' ? '(empty)' : value}</dd>`;
