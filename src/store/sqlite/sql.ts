import type { Condition, Path } from '../condition.ts';
import type { CollectionDefinition } from '../define.ts';
import type { TextPattern } from '../filter.ts';
import type { Scalar } from '../store.ts';
import type { Value } from './driver.ts';

/** A quoted SQL text. Only for names and values that schemas declare; what callers hand in is always bound. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A name of ours (a collection, an index) as SQL. */
export const named = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The value at a declared path as SQL. Indexes are built on exactly this text. */
export type At = (path: string) => string;

/** A scalar as SQLite holds it: dates are milliseconds, booleans 1 and 0. */
export const toValue = (value: Scalar): string | number =>
  typeof value === 'boolean' ? Number(value) : value instanceof Date ? value.getTime() : value;

/** The smallest text above all that begin with `prefix`, by code point; undefined where there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.length > 0) {
    const last = points.pop() ?? 0;
    // U+D800…U+DFFF are no characters: the next one after U+D7FF is U+E000.
    if (last < 0x10ffff) return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}

/** SQLite parses `a OR b OR c` to a tree as deep as it is long, and refuses depth 1000: joined in halves it stays flat. */
function joined(parts: readonly string[], operator: 'AND' | 'OR'): string {
  if (parts.length <= 8) return `(${parts.join(` ${operator} `)})`;
  const half = parts.length >> 1;
  return `(${joined(parts.slice(0, half), operator)} ${operator} ${joined(parts.slice(half), operator)})`;
}

/** So few values are bound one by one: as a table of its own, a list costs more to open than such a look-up. */
const fewValues = 8;

const operators = { $eq: '=', $ne: 'IS NOT', $gt: '>', $gte: '>=', $lt: '<', $lte: '<=' } as const;

/**
 * Which values must stand in the SQL itself: SQLite uses a partial index only where the text of the query says what
 * the index's own condition says.
 */
function readLiterals(definition: CollectionDefinition): ReadonlySet<string> {
  const literals = definition.schema
    .indexes()
    .flatMap(([, options]) => Object.entries(options.partialFilterExpression ?? {}));
  return new Set(literals.filter(([, value]) => typeof value === 'string').map(([path, value]) => `${path}=${value}`));
}

function textSql(value: string, { at: place, text }: TextPattern, values: Value[]): string {
  if (text === '') return `${value} IS NOT NULL`;
  if (place === 'anywhere') {
    values.push(text);
    return `instr(${value},?) > 0`;
  }
  if (place === 'end') {
    values.push(Array.from(text).length, text);
    return `substr(${value},-?) = ?`;
  }
  const end = afterPrefix(text);
  values.push(text);
  if (end === undefined) {
    values.push(Array.from(text).length, text);
    return `(${value} >= ? AND substr(${value},1,?) = ?)`;
  }
  values.push(end);
  return `(${value} >= ? AND ${value} < ?)`;
}

const isThere = ({ text, field }: Path, at: At): string =>
  field.kind === 'list' || field.kind === 'free' || field.kind === 'object'
    ? `json_type(doc,${quoted(`$.${text}`)}) IS NOT NULL`
    : `${at(text)} IS NOT NULL`;

/** Turns a condition into SQL that is true for the rows that match, and adds the values of its question marks. */
export type Compile = (condition: Condition, values: Value[]) => string;

/** The compiler for one collection; `at` says where its values are. */
export function compileFor(definition: CollectionDefinition, at: At): Compile {
  const literals = readLiterals(definition);

  function operand(path: Path, value: Scalar, values: Value[]): string {
    if (typeof value === 'boolean') return value ? '1' : '0';
    if (typeof value === 'string' && literals.has(`${path.text}=${value}`)) return quoted(value);
    values.push(toValue(value));
    return '?';
  }

  function compile(condition: Condition, values: Value[]): string {
    switch (condition.kind) {
      case 'always':
        return '1';
      case 'never':
        return '0';
      case 'all':
      case 'any':
      case 'none': {
        if (condition.parts.length === 0) return '1';
        const parts = condition.parts.map((part) => compile(part, values));
        if (condition.kind === 'all') return joined(parts, 'AND');
        return condition.kind === 'any' ? joined(parts, 'OR') : `${joined(parts, 'OR')} IS NOT TRUE`;
      }
      case 'compare': {
        const { path, operator, value } = condition;
        return `${at(path.text)} ${operators[operator]} ${operand(path, value, values)}`;
      }
      case 'in': {
        const { length } = condition.values;
        if (length > 0 && length <= fewValues) {
          const operands = condition.values.map((value) => operand(condition.path, value, values));
          return length === 1
            ? `${at(condition.path.text)} = ${operands[0]}`
            : `${at(condition.path.text)} IN (${operands.join(',')})`;
        }
        values.push(JSON.stringify(condition.values.map(toValue)));
        return `${at(condition.path.text)} IN (SELECT value FROM json_each(?))`;
      }
      case 'exists':
        return condition.wanted ? isThere(condition.path, at) : `NOT (${isThere(condition.path, at)})`;
      case 'text':
        return textSql(at(condition.path.text), condition.pattern, values);
      case 'inside':
        values.push(condition.test);
        return `gatehouse_inside(doc -> ${quoted(`$.${condition.path.root}`)},?)`;
    }
  }
  return compile;
}
