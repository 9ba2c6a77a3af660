/** docs/sso-threats.md is held to the tests: no row without tests, no title that is none, no file that does not go over HTTP. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const document = readFileSync(join('docs', 'sso-threats.md'), 'utf8');

interface Threat {
  readonly id: string;
  readonly refusedBy: string;
  readonly tests: readonly { readonly file: string; readonly title: string }[];
}

const threats: readonly Threat[] = [...document.matchAll(/^\| ([A-E]\d+) \| [^|]+ \| ([^|]+) \| ([^|]*) \|$/gm)].map(
  ([, id = '', refusedBy = '', tests = '']) => ({
    id,
    refusedBy: refusedBy.trim(),
    tests: tests
      .split('<br>')
      .map((named) => /^([\w/]+): (.+)$/.exec(named.trim()))
      .map((found) => ({ file: found?.[1] ?? '', title: found?.[2] ?? '' })),
  }),
);

/** Tables of flaws have no tests of their own: another file runs them. */
const runBy: Readonly<Record<string, string>> = {
  'oidc/flaws': 'oidc/attacks',
  'oidc/endpointFlaws': 'oidc/attacks',
};
const sources = new Map<string, string>();

function sourceOf(file: string): string {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const path = join('test', 'sso', `${file}${file in runBy ? '' : '.test'}.ts`);
  const source = existsSync(path) ? readFileSync(path, 'utf8') : '';
  sources.set(file, source);
  return source;
}

/** As a text of the source, or as the name of a row that needs no quotes. */
function hasTitle(source: string, title: string): boolean {
  const quoted = ["'", '"', '`'].some((quote) =>
    source.includes(`${quote}${title.replaceAll(quote, `\\${quote}`)}${quote}`),
  );
  return quoted || (/^\w+$/.test(title) && new RegExp(`^ +${title}: `, 'm').test(source));
}

/** How many lines of each part there are: one that is taken out is missed. */
const lines = { A: 24, B: 50, C: 19, D: 30, E: 16 };

test('every threat has its line, in order, with what refuses it', () => {
  const expected = Object.entries(lines).flatMap(([part, count]) =>
    Array.from({ length: count }, (_, index) => `${part}${index + 1}`),
  );
  expect(threats.map(({ id }) => id)).toEqual(expected);
  expect(threats.filter(({ refusedBy }) => refusedBy === '')).toEqual([]);
});

test('every line names tests, and each of them is there', () => {
  for (const { id, tests } of threats) {
    expect([id, tests.length]).not.toEqual([id, 0]);
    const missing = tests.filter(({ file, title }) => title === '' || !hasTitle(sourceOf(file), title));
    expect([id, missing]).toEqual([id, []]);
  }
});

test('what a line names goes over HTTP, through the real app, and is said how it proves the refusal', () => {
  const files = new Set(threats.flatMap(({ tests }) => tests.map(({ file }) => file)));
  const [proofs = ''] = /## How the tests prove it[\s\S]*?(?=\n## )/.exec(document) ?? [];
  const told = new Set([...proofs.matchAll(/^\| ([\w/, ]+) \|/gm)].flatMap(([, named = '']) => named.split(', ')));
  for (const file of files) {
    const source = sourceOf(runBy[file] ?? file);
    const overHttp = /\b(openSamlWorld|openBrowserWorld|openTestGatehouse)\b|from '\.\/refusals\.ts'/.test(source);
    expect([file, overHttp, /\bopenDirect\b/.test(source), told.has(file)]).toEqual([file, true, false, true]);
  }
});
