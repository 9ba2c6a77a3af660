import { newId } from '../lib/ids.ts';
import { type AnyRow, attribution, type CheckedChange } from './checker.ts';
import type { CollectionDefinition } from './define.ts';
import type { Cause, CollectionName } from './store.ts';

/** A checked new row as it is stored: version 1, made and changed now, by `cause` where versions are kept. */
export function firstVersion(
  definition: CollectionDefinition,
  row: Record<string, unknown>,
  cause: Cause,
  at: Date,
): AnyRow {
  row.version = 1;
  row.createdAt = new Date(at);
  row.updatedAt = new Date(at);
  if (definition.history) row.changedBy = attribution(cause);
  return row;
}

/** The row after a change: the next version of it. The former one is left as it is. */
export function nextVersion(
  definition: CollectionDefinition,
  row: AnyRow,
  change: CheckedChange,
  cause: Cause,
  at: Date,
): Record<string, unknown> {
  const next: Record<string, unknown> = { ...row, ...change.set };
  for (const name of change.unset) delete next[name];
  for (const [name, by] of Object.entries(change.increase)) next[name] = ((next[name] as number | undefined) ?? 0) + by;
  next.version = (row.version as number) + 1;
  next.updatedAt = new Date(at);
  if (definition.history) next.changedBy = attribution(cause);
  return next;
}

/**
 * The history row that a change or removal leaves of the version that it ends. `former` is that version as free-form
 * data: its dates are milliseconds since 1970, on both engines.
 */
export function endedVersion(of: CollectionName, former: AnyRow, cause: Cause, at: Date): Record<string, unknown> {
  return {
    _id: newId('history'),
    organizationId: former.organizationId,
    of,
    rowId: former._id,
    from: new Date(former.updatedAt as number),
    to: new Date(at),
    row: former,
    endedBy: attribution(cause),
    version: 1,
    createdAt: new Date(at),
    updatedAt: new Date(at),
  };
}
