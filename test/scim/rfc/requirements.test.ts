import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { document, namedInTests, reasons } from './coverage.ts';
import { requirements } from './requirements.ts';

test('every row of the list has an id of its own, and no demand stands twice in a section', () => {
  const ids = requirements.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const demands = requirements.map(({ rfc, section, text }) => `${rfc} §${section} ${text}`);
  expect(new Set(demands).size).toBe(demands.length);
});

test('the list speaks of every part of the protocol that the three RFCs have', () => {
  const sections = new Set(requirements.map(({ rfc, section }) => `${rfc} ${section.split('.')[0]}`));
  const parts = { 7643: [2, 3, 4, 5, 6, 7, 8, 9], 7644: [2, 3, 4, 5, 6, 7, 8], 9865: [2, 3, 4, 5] };
  for (const [rfc, own] of Object.entries(parts)) for (const part of own) expect(sections).toContain(`${rfc} ${part}`);
});

test('tests name rows of the list only, and a row that none names has its reason', () => {
  const named = namedInTests();
  const known = new Set(requirements.map(({ id }) => id));
  expect([...named].filter(([id]) => !known.has(id))).toEqual([]);
  for (const { id } of requirements) {
    const standing = reasons.get(id)?.standing;
    if (named.has(id)) expect([id, standing ?? 'departs']).toEqual([id, 'departs']);
    else expect([id, standing === undefined]).toEqual([id, false]);
  }
});

test('docs/scim-conformance.md has the rows of the list, and for each whether a test proves it (npm run scim:conformance)', () => {
  const rows = [
    ...readFileSync(document, 'utf8').matchAll(/^\| ((?:7643|7644|9865)-\S+) \| \w+ \| .*? \| (.+?) \| .*\|$/gm),
  ];
  const table = new Map(rows.slice(0, requirements.length).map(([, id, tests]) => [id, tests !== '—']));
  const named = namedInTests();
  expect([...table]).toEqual(requirements.map(({ id }) => [id, named.has(id)]));
});
