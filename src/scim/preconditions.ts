/** Conditional requests (RFC 7644 §3.14, RFC 9110 §13): entity tags, which are weak here and compare so. */
import { AppError } from '../errors.ts';
import type { AnyRow } from './kind.ts';
import { versionOf } from './representation.ts';

/** What of a request is read here. */
interface Conditional {
  readonly headers: { readonly 'if-match'?: string; readonly 'if-none-match'?: string };
}

/** The opaque parts of a header's entity tags. */
function tagsIn(header: string | undefined): readonly string[] | undefined {
  return header?.split(',').map(opaque);
}

const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');

/**
 * The part of a tag that stands for the row alone. What stands behind a hyphen tells of the answer's other parts, such
 * as a user's groups, which no write to the row overwrites.
 */
const ofRow = (tag: string): string => tag.replace(/-[^"]*"$/, '"');

/**
 * Throws AppError `stale` (412) where a write's If-Match names another version than that of the row, or its
 * If-None-Match this very one.
 */
export function requireVersion({ headers }: Conditional, row: AnyRow): void {
  const version = versionOf(row);
  const names = (tags: readonly string[]) => tags.some((tag) => tag === '*' || ofRow(tag) === opaque(version));
  const wanted = tagsIn(headers['if-match']);
  if (wanted && !names(wanted)) {
    throw new AppError('stale', `The resource has changed: its version is ${version}, not that of If-Match`);
  }
  const unwanted = tagsIn(headers['if-none-match']);
  if (unwanted && names(unwanted)) {
    throw new AppError('stale', `The resource is there in version ${version}, which If-None-Match excludes`);
  }
}

/**
 * What the conditions of a reader come to, for the version of what would be answered: whether it is known already (304).
 * Throws AppError `stale` (412) where If-Match names another version; it goes before If-None-Match (RFC 9110 §13.2.2).
 */
export function isKnown({ headers }: Conditional, version: string): boolean {
  const wanted = tagsIn(headers['if-match']);
  const fits = (tag: string) => tag === '*' || tag === opaque(version) || tag === ofRow(opaque(version));
  if (wanted && !wanted.some(fits)) {
    throw new AppError('stale', `The resource has another version than that of If-Match: ${version}`);
  }
  const tags = tagsIn(headers['if-none-match']);
  return tags !== undefined && (tags.includes('*') || tags.includes(opaque(version)));
}
