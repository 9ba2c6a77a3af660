/**
 * Which handler an address below a directory is for. One look-up in a table: Express would try a pattern for each route
 * in turn, on the hottest path there is.
 */
import type { Handler, Method, Routes } from './exchange.ts';

/** Where an address leads: the pattern that it fits, the id in it, and what can be done there. */
export interface Place {
  readonly pattern: string;
  readonly id: string | undefined;
  readonly methods: Partial<Record<Method, Handler>>;
}

/** Finds the place of a path; undefined where there is none. Throws URIError for percent signs that make no UTF-8. */
export type FindPlace = (path: string) => Place | undefined;

interface Listed {
  readonly pattern: string;
  readonly methods: Partial<Record<Method, Handler>>;
}

/**
 * The look-up over these routes: patterns of at most two segments, of which the second may be `:id`; a fixed name goes
 * before an id. Names compare without case, a slash at the end says nothing.
 */
export function findPlaceIn(routes: Routes): FindPlace {
  const fixed = new Map<string, Listed>();
  const withId = new Map<string, Listed>();
  for (const [pattern, methods] of Object.entries(routes)) {
    const [, base] = /^(.*)\/:id$/.exec(pattern) ?? [];
    if (base === undefined) fixed.set(pattern.toLowerCase(), { pattern, methods });
    else withId.set(base.toLowerCase(), { pattern, methods });
  }
  return (path) => {
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    const lower = plain.toLowerCase();
    const exact = fixed.get(lower);
    if (exact) return { ...exact, id: undefined };
    const slash = plain.lastIndexOf('/');
    const listed = withId.get(lower.slice(0, slash));
    if (listed === undefined || slash === plain.length - 1) return undefined;
    return { ...listed, id: decodeURIComponent(plain.slice(slash + 1)) };
  };
}
