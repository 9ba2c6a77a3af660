import type { CollectionDefinition } from '../define.ts';
import { readFields } from '../fields.ts';
import { type Migration, migrationFailure, migrations, pendingMigrations, versionAfter } from '../migrations.ts';
import { atOf, type Column, inDocument, readColumns } from './columns.ts';
import type { Connection } from './driver.ts';
import { type At, named, quoted } from './sql.ts';

type Definitions = Readonly<Record<string, CollectionDefinition>>;

/** A literal of a schema (never of a caller) as SQL. */
const literal = (value: boolean | string): string =>
  typeof value === 'boolean' ? String(Number(value)) : quoted(value);

function partialClause(expression: Readonly<Record<string, unknown>>, at: At): string {
  const parts = Object.entries(expression).map(([path, wanted]) => {
    if (typeof wanted === 'boolean' || typeof wanted === 'string') return `${at(path)} = ${literal(wanted)}`;
    // Fields hold their declared type or nothing, so that $type and $exists both ask whether there is one.
    return `${at(path)} IS NOT NULL`;
  });
  return ` WHERE ${parts.join(' AND ')}`;
}

/** Indexes by their names; a changed definition has another text. */
function readIndexes(collection: string, { schema }: CollectionDefinition, at: At): [string, string][] {
  return schema.indexes().map(([keys, options]) => {
    const fields = Object.keys(keys);
    const partial = options.partialFilterExpression;
    const places = fields.map((field) => `${at(field)}${keys[field] === -1 ? ' DESC' : ''}`).join(', ');
    const body = `ON ${named(collection)} (${places})${partial ? partialClause(partial, at) : ''}`;
    const name = [collection, ...fields, ...(partial ? ['where', ...Object.keys(partial)] : [])].join('.');
    return [name, `CREATE ${options.unique ? 'UNIQUE ' : ''}INDEX ${named(name)} ${body}`];
  });
}

/** The triggers of OWN-6 by their names. They look into the document, which is what reads answer. */
function readTriggers(collection: string, { protection }: CollectionDefinition): [string, string][] {
  if (protection === undefined) return [];
  const all = (row: 'NEW' | 'OLD', wanted: Readonly<Record<string, boolean | string>>): string =>
    Object.entries(wanted)
      .map(([path, value]) => `${inDocument(path, `${row}.`)} IS ${literal(value)}`)
      .join(' AND ');
  const refuse = `BEGIN SELECT RAISE(ABORT, 'protected row'); END`;
  const broken = `WHEN ${all('NEW', protection.when)} AND NOT (${all('NEW', protection.require)})`;
  const alive = `EXISTS (SELECT 1 FROM organizations WHERE _id = ${inDocument('organizationId', 'OLD.')})`;
  const table = named(collection);
  return [
    ['insert', `BEFORE INSERT ON ${table} ${broken} ${refuse}`],
    ['update', `BEFORE UPDATE ON ${table} ${broken} ${refuse}`],
    ['delete', `BEFORE DELETE ON ${table} WHEN ${all('OLD', protection.when)} AND ${alive} ${refuse}`],
  ].map(([event, body]) => {
    const name = `${collection}.protect.${event}`;
    return [name, `CREATE TRIGGER ${named(name)} ${body}`];
  });
}

/** What the file has of one kind: name → SQL. */
function findExisting(connection: Connection, kind: 'table' | 'index' | 'trigger'): ReadonlyMap<string, string> {
  const sql = `SELECT json_array(name, sql) FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL`;
  return new Map(connection.all(sql, [kind]).map((pair) => JSON.parse(String(pair)) as [string, string]));
}

/** Drops indexes or triggers that the schemas no longer have, or have otherwise. */
function dropForeign(connection: Connection, kind: 'index' | 'trigger', wanted: ReadonlyMap<string, string>): void {
  for (const [name, sql] of findExisting(connection, kind)) {
    if (wanted.get(name) !== sql) connection.exec(`DROP ${kind} ${named(name)}`);
  }
}

function createMissing(connection: Connection, kind: 'index' | 'trigger', wanted: ReadonlyMap<string, string>): void {
  const existing = findExisting(connection, kind);
  for (const [name, sql] of wanted) if (!existing.has(name)) connection.exec(sql);
}

/**
 * Makes the table, or brings the columns of an existing one to the schema: new ones are filled from the documents, which
 * hold the whole row; all of them where a migration has changed documents. Tables and their rows are never dropped. No
 * index or trigger may name a column that goes.
 */
function buildTable(connection: Connection, name: string, columns: readonly Column[], migrated: boolean): void {
  const table = named(name);
  const present = connection.all(`SELECT name FROM pragma_table_info(?)`, [name]).map(String);
  if (present.length === 0) {
    const own = columns.map((column) => `, ${column.name} ANY`).join('');
    connection.exec(`CREATE TABLE ${table} (_id TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL${own}) STRICT`);
    return;
  }
  const wanted = new Set(['_id', 'doc', ...columns.map(({ path }) => path)]);
  for (const path of present) if (!wanted.has(path)) connection.exec(`ALTER TABLE ${table} DROP COLUMN ${named(path)}`);
  const missing = columns.filter(({ path }) => !present.includes(path));
  for (const column of missing) connection.exec(`ALTER TABLE ${table} ADD COLUMN ${column.name} ANY`);
  const filled = (migrated ? columns : missing).map((column) => `${column.name} = ${inDocument(column.path)}`);
  if (filled.length > 0) connection.exec(`UPDATE ${table} SET ${filled.join(', ')}`);
}

/**
 * Brings the file to what the schemas say: the migrations that it has not seen, one table per collection (`_id`, the
 * whole row as JSON, and what indexes stand on in columns), the indexes, and the triggers of OWN-6 unless `protection` is
 * off; all in one transaction.
 * Throws AppError('store_unavailable') for a file of a newer program, and where a migration fails.
 */
export function buildTables(
  connection: Connection,
  definitions: Definitions,
  protection: boolean,
  upgrades: readonly Migration[] = migrations,
): void {
  const tables = Object.entries(definitions).map(([name, definition]) => {
    const columns = readColumns(definition, readFields(definition.schema));
    return { name, definition, columns, at: atOf(columns) };
  });
  const indexes = new Map(tables.flatMap(({ name, definition, at }) => readIndexes(name, definition, at)));
  const triggers = new Map(protection ? tables.flatMap(({ name, definition }) => readTriggers(name, definition)) : []);
  connection.exec('BEGIN IMMEDIATE');
  try {
    const migrated = migrate(connection, upgrades);
    dropForeign(connection, 'index', indexes);
    dropForeign(connection, 'trigger', triggers);
    for (const { name, columns } of tables) buildTable(connection, name, columns, migrated);
    createMissing(connection, 'index', indexes);
    createMissing(connection, 'trigger', triggers);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isInTransaction()) connection.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Runs what a file of an earlier program lacks, and answers whether there was any. `user_version` is 0 in a new file,
 * which has nothing to migrate.
 */
function migrate(connection: Connection, upgrades: readonly Migration[]): boolean {
  const version = Number(connection.first('PRAGMA user_version', []));
  const known = pendingMigrations(upgrades, version);
  const pending = version === 0 ? [] : known;
  for (const migration of pending) {
    try {
      migration.sqlite?.(connection);
    } catch (cause) {
      throw migrationFailure(migration, cause);
    }
  }
  const newest = versionAfter(upgrades);
  if (version < newest) connection.exec(`PRAGMA user_version = ${newest}`);
  return pending.length > 0;
}
