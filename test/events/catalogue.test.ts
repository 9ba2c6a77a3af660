/** The catalogue as it is written down for people: docs/events.md has every type, in the catalogue's own words (EVT-1). */
import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { catalog, eventTypes } from '../../src/events/index.ts';

/** The fields of data, those that may be absent with a question mark. */
function fieldsOf(data: z.ZodObject): string {
  const { properties = {}, required = [] } = z.toJSONSchema(data, { io: 'output' });
  return Object.keys(properties)
    .map((name) => `\`${name}${required.includes(name) ? '' : '?'}\``)
    .join(', ');
}

const rows = eventTypes.map((type) => {
  const { says, data } = catalog[type];
  return `| \`${type}\` | ${says} | ${fieldsOf(data)} |`;
});

test('docs/events.md lists every type of event as it is', async () => {
  const text = await readFile(new URL('../../docs/events.md', import.meta.url), 'utf8');
  expect(text.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows);
});

test.each(eventTypes)('%s is named and described as the others are', (type) => {
  expect(type).toMatch(/^[a-z_]+\.[a-z_]+$/);
  expect(catalog[type].says).toMatch(/^\p{Lu}.*\.$/u);
});
