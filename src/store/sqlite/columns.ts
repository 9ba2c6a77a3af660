import { type Path, resolvePath } from '../condition.ts';
import type { CollectionDefinition } from '../define.ts';
import type { Fields } from '../fields.ts';
import type { CollectionName } from '../store.ts';
import type { Value } from './driver.ts';
import { type At, named, quoted } from './sql.ts';

/** A value of a row that stands beside its document, in a column of its own, because an index is built on it. */
export interface Column {
  /** The path in the row, which is the column's name too. */
  readonly path: string;
  /** That name as SQL. */
  readonly name: string;
  /** The value in a row whose dates are milliseconds already. */
  read(plain: Readonly<Record<string, unknown>>): Value | null;
}

/** The value at a path of the document of `row` as SQL, whatever columns there are. */
export const inDocument = (path: string, row = ''): string => `json_extract(${row}doc,${quoted(`$.${path}`)})`;

const scalars: ReadonlySet<string> = new Set(['text', 'number', 'boolean', 'date']);

function readValue(path: string): Column['read'] {
  const [first = '', ...rest] = path.split('.');
  return (plain) => {
    let value = plain[first];
    for (const key of rest) value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
    if (value === undefined) return null;
    return typeof value === 'boolean' ? Number(value) : (value as Value);
  };
}

/**
 * The columns of a collection: all scalars that its indexes name. SQLite would otherwise parse the document of every row
 * that it writes, and rewrite every index for each change of it.
 */
export function readColumns(definition: CollectionDefinition, fields: Fields): readonly Column[] {
  const indexed = definition.schema
    .indexes()
    .flatMap(([keys, options]) => [...Object.keys(keys), ...Object.keys(options.partialFilterExpression ?? {})]);
  const isColumn = (path: Path): boolean => path.text !== '_id' && scalars.has(path.field.kind);
  return [...new Set(indexed)]
    .map((text) => resolvePath(fields, text))
    .filter(isColumn)
    .map(({ text }) => ({ path: text, name: named(text), read: readValue(text) }));
}

/** The value at a declared path: its column, or else taken out of the document. */
export function atOf(columns: readonly Column[]): At {
  const expressions = new Map([['_id', '_id'], ...columns.map(({ path, name }) => [path, name] as const)]);
  return (path) => {
    let expression = expressions.get(path);
    if (expression === undefined) {
      expression = inDocument(path);
      expressions.set(path, expression);
    }
    return expression;
  };
}

/** The statement that makes a row: values are its id, its document, and its columns in their order. */
export function insertSql(name: CollectionName, columns: readonly Column[]): string {
  const names = ['_id', 'doc', ...columns.map((column) => column.name)];
  return `INSERT INTO ${named(name)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
}
