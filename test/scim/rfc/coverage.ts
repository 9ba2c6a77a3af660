/** What is known of the rows beside the list itself: why one is not proven or met otherwise, and which tests name it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requirements, rfcFolder } from './requirements.ts';

/**
 * - `not applicable`: the demand is on what this provider does not offer, or not on a program but on its operation;
 * - `departs`: the provider does otherwise on purpose;
 * - `open`: nothing proves it yet.
 */
type Standing = 'not applicable' | 'departs' | 'open';

interface Reason {
  readonly standing: Standing;
  readonly reason: string;
}

const isStanding = (text: string): text is Standing => ['not applicable', 'departs', 'open'].includes(text);

/** requirements/reasons.tsv: id, standing, reason. Throws on what is not. */
function readReasons(): ReadonlyMap<string, Reason> {
  const known = new Set(requirements.map(({ id }) => id));
  const reasons = new Map<string, Reason>();
  for (const line of readFileSync(join(rfcFolder, 'requirements', 'reasons.tsv'), 'utf8')
    .trimEnd()
    .split('\n')) {
    const [id = '', standing = '', reason = ''] = line.split('\t');
    if (!known.has(id) || reasons.has(id) || !isStanding(standing) || !reason)
      throw new Error(`reasons.tsv: this is no reason for a row: ${line}`);
    reasons.set(id, { standing, reason });
  }
  return reasons;
}

export const reasons = readReasons();

/** Where the generated table is. */
export const document = join('docs', 'scim-conformance.md');

/** The ids that the sources of the SCIM tests name, each with the files that do. */
export function namedInTests(): ReadonlyMap<string, readonly string[]> {
  const named = new Map<string, string[]>();
  for (const entry of readdirSync(join('test', 'scim'), { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.test.ts')) continue;
    const source = readFileSync(join('test', 'scim', entry), 'utf8');
    for (const id of new Set(source.match(/\b(?:7643|7644|9865)-\d[\d.]*-\d{2}\b/g)))
      named.set(id, [...(named.get(id) ?? []), entry]);
  }
  return named;
}
