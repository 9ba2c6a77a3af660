/** From an operation of a bulk to the request that it stands for, and the handler that single requests go to. */
import { AppError } from '../../errors.ts';
import { writing } from '../answer.ts';
import type { Exchange, Handler, Routes } from '../exchange.ts';
import type { Logged } from '../requestLog.ts';
import { inspect } from '../safety.ts';
import type { Operation } from './operations.ts';
import { bulkIdIn, replaceReferences } from './references.ts';

/** An operation whose references are resolved. */
export interface Ready {
  readonly operation: Operation;
  readonly handle: Handler;
  /** The id in the path. */
  readonly target: string | undefined;
  readonly data: unknown;
  readonly logged: Logged;
  readonly exchange: Exchange;
}

/** The id at the end of a resource's address. */
export const idAt = (location: string): string => location.slice(location.lastIndexOf('/') + 1);

/** What the log says of an operation with this data: what a single request with this body would leave there. */
export const withBody = (logged: Omit<Logged, 'body'>, data: unknown): Logged => ({
  ...logged,
  body: data === undefined ? undefined : { value: data, text: JSON.stringify(data), secret: inspect(data) },
});

/** What the log says of an operation whose references may still be open. */
export function loggedOf(
  { logged }: Exchange,
  { method, endpoint, target, query, data, version }: Omit<Operation, 'verb' | 'bulkId' | 'references'>,
): Logged {
  const path = `${endpoint}${target === undefined ? '' : `/${encodeURIComponent(target)}`}${query}`;
  const conditions = { ifMatch: version, ifNoneMatch: undefined };
  return withBody({ ...logged, ...conditions, method, path, startedAt: performance.now() }, data);
}

/**
 * Makes an operation ready. Throws AppError method_not_allowed, and what `idOf` throws for a reference that stands for
 * nothing.
 */
export function prepare(whole: Exchange, routes: Routes, given: Operation, idOf: (bulkId: string) => string): Ready {
  const route = given.target === undefined ? given.endpoint : `${given.endpoint}/:id`;
  const handle = routes[route]?.[given.verb];
  if (!handle) throw new AppError('method_not_allowed', `${given.method} is not possible at this path`);
  const named = given.target === undefined ? undefined : bulkIdIn(given.target);
  const target = named === undefined ? given.target : idOf(named);
  const data = replaceReferences(given.data, idOf);
  const logged = loggedOf(whole, { ...given, target, data });
  const { path: url } = logged;
  const exchange: Exchange = {
    ...whole,
    request: {
      method: given.method,
      url,
      path: url.slice(0, url.length - given.query.length),
      params: target === undefined ? {} : { id: target },
      headers: given.version === undefined || given.verb === 'post' ? {} : { 'if-match': given.version },
    },
    logged,
    body: async () => data,
    write: writing(whole.deps.store, () => logged),
  };
  return { operation: given, handle, target, data, logged, exchange };
}
