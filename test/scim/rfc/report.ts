/**
 * `npm run scim:conformance`: runs the SCIM suites that name rows, on SQLite and, where MONGODB_URI and REDIS_URL are set, on MongoDB,
 * and writes docs/scim-conformance.md: every row of the list, the tests that prove it, and how they ended.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { document, namedInTests, reasons } from './coverage.ts';
import { type Level, type Requirement, requirements } from './requirements.ts';

const TAG = / *\[(\d{4}-[\d.]+-\d{2}(?: \d{4}-[\d.]+-\d{2})*)\]/g;

/** A title without the rows that `proves` has put into it, and those rows. */
function readTitle(title: string): { readonly promise: string; readonly ids: readonly string[] } {
  const ids = [...title.matchAll(TAG)].flatMap(([, list = '']) => list.split(' '));
  return { promise: title.replace(TAG, '').trim(), ids };
}

/** One test that names rows, and how it ended on each engine. */
interface Proof {
  readonly file: string;
  readonly promise: string;
  readonly ids: readonly string[];
  readonly passed: boolean;
}

/** The part of Jest's report that is read here. */
interface JestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

const engines = [
  { name: 'SQLite', config: 'jest.config.js', runs: true },
  {
    name: 'MongoDB',
    config: 'jest.services.config.js',
    runs: Boolean(process.env.MONGODB_URI && process.env.REDIS_URL),
  },
] as const;

const suites = [...new Set([...namedInTests().values()].flat())].map((file) => join('test', 'scim', file));

/** Runs the suites on one engine. Throws where they do not run at all; a test that fails is a result. */
function run(config: string): readonly Proof[] {
  const folder = mkdtempSync(join(tmpdir(), 'scim-conformance-'));
  try {
    const output = join(folder, 'report.json');
    const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const jest = [join('node_modules', 'jest', 'bin', 'jest.js'), '--config', config, ...suites];
    const done = spawnSync(process.execPath, [...flags, ...jest, '--json', `--outputFile=${output}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (done.error) throw done.error;
    const report = JSON.parse(readFileSync(output, 'utf8')) as JestReport;
    return report.testResults.flatMap(({ name, message, assertionResults }) => {
      if (assertionResults.length === 0) throw new Error(`${name} did not run: ${message}`);
      return assertionResults.map(({ title, status }) => {
        return { ...readTitle(title), file: basename(name, '.test.ts'), passed: status === 'passed' };
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Outcome {
  readonly row: Requirement;
  /** File and promise of each test. */
  readonly tests: readonly string[];
  /** By engine: passed, failed, or undefined where it was not run. */
  readonly results: readonly (boolean | undefined)[];
}

const outcomeOf = (row: Requirement, runs: readonly (readonly Proof[] | undefined)[]): Outcome => {
  const own = runs.map((proofs) => proofs?.filter(({ ids }) => ids.includes(row.id)));
  const tests = new Set(own.flatMap((proofs) => (proofs ?? []).map(({ file, promise }) => `${file}: ${promise}`)));
  const results = own.map((proofs) => (proofs?.length ? proofs.every(({ passed }) => passed) : undefined));
  return { row, tests: [...tests].sort(), results };
};

/** Text inside of a table. */
const cell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;');

function resultOf({ row, results }: Outcome): string {
  const known = reasons.get(row.id);
  const said = engines.flatMap(({ name }, index) =>
    results[index] === undefined ? [] : [`${name} ${results[index] ? 'pass' : '**FAIL**'}`],
  );
  return [...said, ...(known ? [`${known.standing}: ${known.reason}`] : said.length === 0 ? ['open'] : [])].join('; ');
}

const most = 3;

function testsOf({ tests }: Outcome): string {
  const more = tests.length > most ? [`… and ${tests.length - most} more`] : [];
  return [...tests.slice(0, most), ...more].map(cell).join('<br>') || '—';
}

function summary(outcomes: readonly Outcome[]): readonly string[] {
  const levels: readonly Level[] = ['MUST', 'SHOULD', 'MAY'];
  const counts = (level: Level, rfc: string) => {
    const own = outcomes.filter(({ row }) => row.level === level && row.rfc === rfc);
    const proven = own.filter(({ results }) => results.some((result) => result !== undefined));
    const failed = proven.filter(({ results }) => results.includes(false));
    const standing = (name: string) => own.filter(({ row }) => reasons.get(row.id)?.standing === name).length;
    const cells = [own.length, proven.length - failed.length, failed.length, standing('departs')];
    return `| ${rfc} | ${level} | ${[...cells, standing('not applicable'), standing('open')].join(' | ')} |`;
  };
  const rfcs = [...new Set(outcomes.map(({ row }) => row.rfc))];
  return [
    '| RFC | level | rows | proven | failing | departures | not applicable | open |',
    '|---|---|---|---|---|---|---|---|',
    ...rfcs.flatMap((rfc) => levels.map((level) => counts(level, rfc))),
  ];
}

function sections(outcomes: readonly Outcome[]): readonly string[] {
  const lines: string[] = [];
  let current = '';
  for (const outcome of outcomes) {
    const { row } = outcome;
    const heading = `## RFC ${row.rfc} §${row.section} ${row.title}`;
    if (heading !== current) {
      current = heading;
      lines.push('', heading, '', '| id | level | requirement | test | result |', '|---|---|---|---|---|');
    }
    lines.push(`| ${row.id} | ${row.level} | ${cell(row.text)} | ${testsOf(outcome)} | ${cell(resultOf(outcome))} |`);
  }
  return lines;
}

function bare(outcomes: readonly Outcome[]): readonly string[] {
  const rows = outcomes.filter(({ tests }) => tests.length === 0);
  return [
    '',
    '## Rows that no test covers',
    '',
    '| id | level | requirement | why |',
    '|---|---|---|---|',
    ...rows.map((outcome) => {
      const { id, level, text } = outcome.row;
      return `| ${id} | ${level} | ${cell(text)} | ${cell(resultOf(outcome))} |`;
    }),
  ];
}

/** Writes the document of the runs so far: one that is broken off leaves the results of the engines before. */
function write(runs: readonly (readonly Proof[] | undefined)[]): readonly Outcome[] {
  const outcomes = requirements.map((row) => outcomeOf(row, runs));
  const lines = [
    '# SCIM conformance',
    '',
    'Generated by `npm run scim:conformance`: what RFC 7643, 7644 and 9865 ask of a service provider, the tests that prove',
    'it over HTTP, and how they ended. The list is in `test/scim/rfc/requirements/`; the tests in `test/scim/`.',
    '',
    ...summary(outcomes),
    ...sections(outcomes),
    ...bare(outcomes),
    '',
  ];
  writeFileSync(document, lines.join('\n'));
  return outcomes;
}

const runs: (readonly Proof[] | undefined)[] = [];
let outcomes: readonly Outcome[] = [];
for (const { config, runs: wanted } of engines) {
  runs.push(wanted ? run(config) : undefined);
  outcomes = write(runs);
}
const failing = outcomes.filter(({ results }) => results.includes(false));
for (const { row } of failing) process.stdout.write(`fails: ${row.id} ${row.text}\n`);
process.stdout.write(`${document}: ${outcomes.length} rows, ${failing.length} failing\n`);
process.exitCode = failing.length > 0 ? 1 : 0;
