/**
 * Cursors (RFC 9865): the position of the last resource of a page, and a mark of the query that it belongs to. They hold
 * no state here, so they do not expire, and any process can go on with them. Whoever forges one reaches nothing that
 * the query itself would not answer: it only says where a page begins.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { invalidCursor } from './errors.ts';
import type { Position } from './order.ts';

/** Room for a userName of 1,024 characters, each of which JSON writes in six. */
const LENGTH_LIMIT = 12_000;

const content = z.tuple([
  z.string(),
  z.enum(['User', 'Group']),
  z.string().min(1).max(100),
  z.union([z.string(), z.number(), z.boolean(), z.null()]),
]);

/** Cursors of one query: the same directory, endpoint, filter and order. */
export interface Cursors {
  after(position: Position): string;
  /** The position in a cursor of this query; undefined for the empty one, which asks for the first page. Throws scim_invalid_cursor. */
  read(cursor: string): Position | undefined;
}

export function cursorsOf(...query: readonly unknown[]): Cursors {
  const mark = createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 16);
  return {
    after: ({ type, id, key }) => Buffer.from(JSON.stringify([mark, type, id, key ?? null])).toString('base64url'),
    read(cursor) {
      if (cursor === '') return undefined;
      const parsed =
        cursor.length <= LENGTH_LIMIT && /^[\w-]+$/.test(cursor) ? content.safeParse(decoded(cursor)) : undefined;
      if (!parsed?.success) throw invalidCursor('The cursor is none that this service has answered');
      const [made, type, id, key] = parsed.data;
      if (made !== mark) {
        throw invalidCursor('The cursor belongs to another query: send it with the same filter, sortBy and sortOrder');
      }
      return { type, id, ...(key !== null && { key }) };
    },
  };
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
