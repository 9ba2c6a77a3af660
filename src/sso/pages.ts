/** The pages of sign-in: made on the server, readable without script and style, telling nobody what an attacker could use. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Markup that is safe to send: made by `html` only. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Piece = string | number | Markup | undefined | readonly Markup[];

/** A template in which every value is escaped, unless it is markup itself. */
export function html(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return new Markup(parts.reduce((text, part, at) => text + part + (at < pieces.length ? render(pieces[at]) : ''), ''));
}

function render(piece: Piece): string {
  if (piece === undefined) return '';
  if (piece instanceof Markup) return piece.text;
  if (Array.isArray(piece)) return (piece as readonly Markup[]).map(({ text }) => text).join('');
  return String(piece).replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}

/** A whole page. */
export function page(title: string, content: Markup): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Gatehouse</title></head>
<body><main><h1>${title}</h1>
${content}
</main></body></html>
`.text;
}

/** A refusal: what the person can do, and the reference under which their admin finds why. */
export function refusalPage(title: string, advice: string, reference: string): string {
  return page(
    title,
    html`<p role="alert">${advice}</p>
<p>Reference for your administrator: <code>${reference}</code></p>
<p><a href="/sign-in">Sign in again</a></p>`,
  );
}

/** The way to the IdP by a form, for who has no script: a button. */
export function departurePage(url: string, fields: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return page(
    'Continue to your identity provider',
    html`<form method="post" action="${url}">${inputs}<button type="submit">Continue</button></form>`,
  );
}

/** Which of several ways to take. */
export function choicePage(choices: readonly { readonly name: string; readonly href: string }[]): string {
  const links = choices.map(({ name, href }) => html`<li><a href="${href}">${name}</a></li>`);
  return page('Choose how to sign in', html`<ul>${links}</ul>`);
}
