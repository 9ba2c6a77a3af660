/** A copy of the data file as it is at one instant, made beside a Gatehouse that goes on writing to it. */
import { DatabaseSync } from '@photostructure/sqlite';
import { AppError } from '../../errors.ts';
import { migrations, pendingMigrations } from '../migrations.ts';

export interface DataCopy {
  /** The version of the data, which says what programs read it. */
  readonly version: number;
  readonly collections: number;
  readonly rows: number;
}

const patienceMs = 30_000;

/**
 * Copies the data file to `target`, which must not be there, and checks the copy page by page. The copy is one snapshot:
 * all that was committed when it began, and nothing else; the writer is not held up. It is not yet flushed to the disk.
 * Throws AppError('store_unavailable') where the file cannot be read, or is damaged, and for data of a newer program.
 */
export function copyDataFile(path: string, target: string): DataCopy {
  try {
    const source = new DatabaseSync(path, { timeout: patienceMs });
    try {
      source.prepare('VACUUM INTO ?').run(target);
    } finally {
      source.close();
    }
    return inspect(target);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const why =
      typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause);
    throw new AppError('store_unavailable', `${path} cannot be copied: ${why}`, { cause });
  }
}

function inspect(path: string): DataCopy {
  const copy = new DatabaseSync(path, { readOnly: true });
  try {
    const first = (sql: string): unknown => copy.prepare(sql, { returnArrays: true }).get()?.[0];
    const verdict = first('PRAGMA integrity_check');
    if (verdict !== 'ok') throw new AppError('store_unavailable', `The copy is damaged: ${String(verdict)}`);
    const version = Number(first('PRAGMA user_version'));
    pendingMigrations(migrations, version);
    const tables = copy
      .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`, {
        returnArrays: true,
      })
      .all()
      .map(([name]: readonly unknown[]) => String(name));
    const counts = tables.map((name) => Number(first(`SELECT count(*) FROM "${name}"`)));
    return { version, collections: tables.length, rows: counts.reduce((sum, count) => sum + count, 0) };
  } finally {
    copy.close();
  }
}
