/** The readable page of the API, from the same declarations as the routes. No script, no inline style: CSP needs no holes. */
import { z } from 'zod';
import { organizationPermissions, projectPermissions } from '../access/index.ts';
import { type ErrorCode, errorCatalogue } from '../errors.ts';
import { groupBy } from '../lib/groupBy.ts';
import { escapeHtml } from '../lib/html.ts';
import { statusOf, titleOf } from './errors.ts';
import { accessInWords, errorsOf } from './openapi.ts';
import type { Route } from './route.ts';

/** Text in which `words` in backticks are code. */
const prose = (text: string): string => escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
const anchor = (route: Route): string => `${route.method}-${route.path.replace(/[^A-Za-z0-9]+/g, '-')}`;

/** The page that describes these routes and all error codes. */
export function docsPage(routes: readonly Route[]): string {
  const byTag = [...groupBy(routes, ({ tag }) => tag)];
  const contents = byTag.map(
    ([tag, tagged]) => `<li><a href="#${tag}">${tag}</a><ul>${tagged.map(entry).join('')}</ul></li>`,
  );
  const sections = byTag.map(([tag, tagged]) => `<h2 id="${tag}">${tag}</h2>${tagged.map(section).join('')}`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Gatehouse API</title><link rel="stylesheet" href="/docs/style.css"></head><body>
<nav><h1>Gatehouse API</h1><p><a href="/openapi.json">OpenAPI 3.1</a></p><ul>${contents.join('')}
<li><a href="#permissions">Permissions</a></li>
<li><a href="#problems">Errors</a></li></ul></nav>
<main>
<p>Send <code>Authorization: Bearer …</code> with the operator token, the token of a session, or a service credential. The operator may send
<code>Gatehouse-Act-As</code> with an account's id or proven email and then has exactly that person's rights.
Lists take <code>limit</code> and <code>cursor</code>, and answer <code>items</code> and, where there is more,
<code>nextCursor</code>. SCIM 2.0 is served under <code>/scim/v2/{directoryId}</code>.</p>
${sections.join('\n')}
<h2 id="permissions">Permissions</h2>
<p>What an evaluation's <code>action.name</code> may be, on the type of resource that carries it.</p>
<table><thead><tr><th>Permission</th><th>On</th><th>Roles</th></tr></thead><tbody>${permissionRows()}</tbody></table>
<h2 id="problems">Errors</h2>
<p>Errors are problems of RFC 9457 with a stable <code>code</code> and the id of the request.</p>
<table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead><tbody>${problemRows()}</tbody></table>
</main></body></html>`;
}

function entry(route: Route): string {
  return `<li><a href="#${anchor(route)}">${escapeHtml(route.summary)}</a></li>`;
}

function section(route: Route): string {
  const parts = [
    `<section id="${anchor(route)}"><h3>${escapeHtml(route.summary)}</h3>`,
    `<p class="route"><b>${route.method.toUpperCase()}</b> <code>${escapeHtml(route.path)}</code></p>`,
    route.description ? `<p>${prose(route.description)}</p>` : '',
    `<p>${prose(`Who may: ${accessInWords(route)}`)}</p>`,
    shape('Query', route.query, 'input'),
    shape('Body', route.body, 'input'),
    shape(`Answer ${route.status}`, route.response, 'output'),
    route.response ? '' : `<h4>Answer ${route.status}</h4>`,
    `<h4>Errors</h4><p>${errorsOf(route).map(problemLink).join(', ')}</p>`,
  ];
  return `${parts.join('')}</section>`;
}

function problemLink(code: ErrorCode): string {
  return `<a href="#problem-${code}"><code>${code}</code></a>`;
}

/** A schema as one line per field. */
function shape(title: string, schema: z.ZodType | undefined, io: 'input' | 'output'): string {
  if (!schema) return '';
  const root: JsonSchema = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
  const lines = describeSchema(root, 0, (root.$defs ?? {}) as Definitions);
  return `<h4>${title}</h4><pre>${escapeHtml(lines)}</pre>`;
}

type JsonSchema = Readonly<Record<string, unknown>>;
/** The named schemas of a document, which `$ref: '#/$defs/<name>'` stands for. */
type Definitions = Readonly<Record<string, JsonSchema>>;

function describeSchema(schema: JsonSchema, depth: number, named: Definitions): string {
  const pad = '  '.repeat(depth);
  if (typeof schema.$ref === 'string') {
    return describeSchema(named[schema.$ref.replace('#/$defs/', '')] ?? {}, depth, named);
  }
  if (schema.properties && typeof schema.properties === 'object') {
    const required = Array.isArray(schema.required) ? schema.required : [];
    const lines = Object.entries(schema.properties as Record<string, JsonSchema>).map(([name, field]) => {
      const optional = required.includes(name) && field.default === undefined ? '' : '?';
      const note = typeof field.description === 'string' ? `  — ${field.description}` : '';
      return `${pad}  ${name}${optional}: ${describeSchema(field, depth + 1, named)}${note}`;
    });
    return `{\n${lines.join('\n')}\n${pad}}`;
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return choices.map((one) => describeSchema(one, depth, named)).join(' | ');
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'array') return `[${describeSchema((schema.items ?? {}) as JsonSchema, depth, named)}]`;
  return String(schema.format ?? schema.type ?? 'anything');
}

function permissionRows(): string {
  const rows = (on: string, table: Readonly<Record<string, readonly string[]>>) =>
    Object.entries(table).map(
      ([name, roles]) => `<tr><td><code>${name}</code></td><td>${on}</td><td>${roles.join(', ')}</td></tr>`,
    );
  return [...rows('organization', organizationPermissions), ...rows('project', projectPermissions)].join('');
}

function problemRows(): string {
  const codes = Object.entries(errorCatalogue).map(([code, kind]) => row(code, statusOf(kind), kind));
  return [
    ...codes,
    row('internal_error', 500, 'a fault of the service; its log has more under the id of the request'),
  ].join('');
}

function row(code: string, status: number, meaning: string): string {
  const words = titleOf(meaning).toLowerCase();
  return `<tr id="problem-${code}"><td><code>${code}</code></td><td>${status}</td><td>${words}</td></tr>`;
}

/** The page's style. */
export const docsStyle = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { display: grid; grid-template-columns: 20rem minmax(0, 1fr); gap: 2rem; margin: 0; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; box-sizing: border-box; border-right: 1px solid #8884; font-size: .875rem; }
nav ul { list-style: none; padding-left: .75rem; margin: 0; }
nav > ul { padding: 0; }
main { padding: 1rem 2rem 4rem 0; max-width: 60rem; }
section { border-top: 1px solid #8884; margin-top: 1.5rem; }
pre { background: #8881; padding: .75rem; overflow: auto; font-size: .8125rem; }
code { font-size: .9em; }
table { border-collapse: collapse; }
td, th { text-align: left; padding: .25rem 1rem .25rem 0; vertical-align: top; }
:target { background: #fd04; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0; } main { padding: 1rem; } }
`;
