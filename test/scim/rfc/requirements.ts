/**
 * What RFC 7643, 7644 and 9865 ask of a service provider: one row per demand, in our own words, in requirements/*.tsv.
 * Tests name the rows that they prove with `proves`; report.ts makes docs/scim-conformance.md of both.
 *
 * A file holds lines `# section title`, each followed by the rows of that section, fields separated by tabs:
 * id, level, what it applies to, demand. An id is never given to another demand; new rows go to the end of a section.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** MUST and SHOULD as in RFC 2119, with their negations; MAY where the provider chooses and clients rely on the choice. */
export type Level = 'MUST' | 'SHOULD' | 'MAY';

export interface Requirement {
  /** As in `7644-3.4.2.2-05`. */
  readonly id: string;
  readonly rfc: string;
  readonly section: string;
  /** What the section is about. */
  readonly title: string;
  readonly level: Level;
  /** `all`, or the part of the protocol or kind of resource that it is about, such as `bulk`. */
  readonly appliesTo: string;
  readonly text: string;
}

/** Paths are from the root of the project: tests and scripts run there, from the sources and from dist/. */
export const rfcFolder = join('test', 'scim', 'rfc');

const ID = /^(\d{4})-([\d.]+)-\d{2}$/;

/** The rows of one RFC, in the order of the file. Throws where a line is not what the head of this file says. */
function readRequirements(rfc: string): readonly Requirement[] {
  const file = join(rfcFolder, 'requirements', `${rfc}.tsv`);
  const rows: Requirement[] = [];
  let section = '';
  let title = '';
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const heading = /^# ([\d.]+) (.+)$/.exec(line);
    if (heading) {
      [, section = '', title = ''] = heading;
      continue;
    }
    const [id = '', level = '', appliesTo = '', text = '', ...more] = line.split('\t');
    const [, ofRfc, ofSection] = ID.exec(id) ?? [];
    if (ofRfc !== rfc || ofSection !== section || !isLevel(level) || !appliesTo || !text || more.length > 0) {
      throw new Error(`${file}: this is no row of section ${section}: ${line}`);
    }
    rows.push({ id, rfc, section, title, level, appliesTo, text });
  }
  return rows;
}

const isLevel = (text: string): text is Level => ['MUST', 'SHOULD', 'MAY'].includes(text);

export const requirements: readonly Requirement[] = ['7643', '7644', '9865'].flatMap(readRequirements);
