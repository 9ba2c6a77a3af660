import { type AnyRow, deepFreeze } from '../checker.ts';
import type { Fields } from '../fields.ts';

/** How rows of one collection become JSON text and come back: dates are milliseconds there. */
export interface Codec {
  /** The row with its dates as milliseconds: what its JSON says. */
  toPlain(row: AnyRow): AnyRow;
  /** The frozen row of such a plain one, which becomes a part of it. */
  fromPlain(plain: AnyRow): AnyRow;
  /** The row that a text holds. */
  decode(text: string): AnyRow;
}

/** Declared dates, by the names that lead to them. */
function datePaths(fields: Fields): readonly (readonly string[])[] {
  return [...fields].flatMap(([name, { field }]) => {
    if (field.kind === 'date') return [[name]];
    return field.kind === 'object' ? datePaths(field.fields).map((path) => [name, ...path]) : [];
  });
}

function convert(
  row: Record<string, unknown>,
  [name, ...rest]: readonly string[],
  to: (date: unknown) => unknown,
): void {
  if (name === undefined || row[name] === undefined) return;
  if (rest.length === 0) {
    row[name] = to(row[name]);
  } else {
    const inner = { ...(row[name] as AnyRow) };
    convert(inner, rest, to);
    row[name] = inner;
  }
}

export function codecFor(fields: Fields): Codec {
  const paths = datePaths(fields);
  const toPlain = (row: AnyRow): AnyRow => {
    const plain = { ...row };
    for (const path of paths) convert(plain, path, (date) => (date as Date).getTime());
    return plain;
  };
  const fromPlain = (plain: AnyRow): AnyRow => {
    const row = { ...plain };
    for (const path of paths) convert(row, path, (date) => new Date(date as number));
    return deepFreeze(row);
  };
  return { toPlain, fromPlain, decode: (text) => fromPlain(JSON.parse(text) as AnyRow) };
}
