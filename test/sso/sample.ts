/**
 * Tables of messages are run whole on SQLite. What a message is refused for is found before any row is looked at, so that on MongoDB, where each message is a whole
 * sign-in over the network, a sample of them is run: of each threat of docs/sso-threats.md the first row that it names in the file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { testEngine } from '../support/engines.ts';

const document = readFileSync(join('docs', 'sso-threats.md'), 'utf8');

/** Of each threat the first title that it names in this file. */
function firstsOf(file: string): ReadonlySet<string> {
  const lines = document.split('\n').filter((line) => /^\| [A-E]\d+ \|/.test(line));
  const named = lines.map((line) => line.split(`${file}: `)[1]?.split(/<br>| \|/)[0]);
  return new Set(named.filter((title) => title !== undefined));
}

/** The rows that this run sends: all, or on MongoDB the sample. `file`: as docs/sso-threats.md calls it, where its table is one to be sampled. */
export function sampleOf<Row>(
  file: string | undefined,
  rows: readonly Row[],
  titleOf: (row: Row) => string,
): readonly Row[] {
  if (testEngine === 'sqlite' || file === undefined) return rows;
  const firsts = firstsOf(file);
  return rows.filter((row) => firsts.has(titleOf(row)));
}

/** What the title of each test of a sampled table says on MongoDB. */
export const sampled = testEngine === 'sqlite' ? '' : ' (the first of its threat)';
