import { expect, test } from '@jest/globals';
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
