/** What all pages have in common: a document that reads well without style and works without scripts. */
import { type Html, html } from '../../lib/html.ts';

export interface Page {
  readonly status: number;
  readonly title: string;
  readonly body: Html;
  /** Where the browser goes on by itself, at once; the page has a link there, too. */
  readonly goOn?: string;
  /** Where forms of this page may lead, beside here: sources of a content security policy. */
  readonly formAction?: readonly string[];
  /** Submits the page's form by itself, where scripts run. */
  readonly submits?: true;
}

export const stylePath = '/sign-in/style.css';
export const scriptPath = '/sign-in/go-on.js';

/** The whole document. */
export function renderPage({ title, body, goOn, submits }: Page): string {
  return `<!doctype html>\n${html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${goOn !== undefined && html`<meta http-equiv="refresh" content="0; url=${goOn}">`}
<title>${title} – Gatehouse</title>
<link rel="stylesheet" href="${stylePath}">
${submits && html`<script src="${scriptPath}" defer></script>`}
</head>
<body>
<header><p class="brand">Gatehouse</p></header>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`}`;
}

/** What is wrong with what was entered: read out at once, and first in the page. */
export const alert = (message: string, field?: string): Html =>
  html`<div class="alert" role="alert" tabindex="-1"><h2>There is a problem</h2><p>${
    field === undefined ? message : html`<a href="#${field}">${message}</a>`
  }</p></div>`;

export const hidden = (name: string, value: string | undefined): Html =>
  value === undefined ? html`` : html`<input type="hidden" name="${name}" value="${value}">`;
