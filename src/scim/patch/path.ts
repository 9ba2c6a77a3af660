/** The paths of PATCH operations (RFC 7644 §3.5.2): `attribute`, `attribute.sub`, `attribute[filter].sub`, each with or without URN. */
import { quoted } from '../../lib/text.ts';
import { type AttributePath, meantInExtension, type ResourceType, resolvePath } from '../attributes.ts';
import { invalidPath } from '../errors.ts';
import { type Condition, parseElementFilter } from '../filter/parse.ts';
import { type Resource, spelled } from '../resource.ts';

export interface PatchPath {
  readonly text: string;
  /** Where the attribute (and sub-attribute) stands. With a filter, `subName` belongs to the chosen elements. */
  readonly path: AttributePath;
  readonly filter?: Condition;
}

/** The index of the bracket that closes the one at `open`, texts in quotes skipped; -1 where there is none. */
function closing(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const char = text[at];
    if (char === ']') return at;
    if (char !== '"') continue;
    for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
  }
  return -1;
}

/**
 * Parses a path.
 *
 * @param known URNs of custom extensions that the resource carries
 * @param carrier the resource, where the URN of an extension may be missing: of its own attributes that no schema has,
 *   it may carry one by that name
 * Throws scim_invalid_path where it is malformed, scim_invalid_filter where its filter is.
 */
export function parsePath(type: ResourceType, text: string, known: readonly string[], carrier?: Resource): PatchPath {
  const resolve = (name: string): AttributePath | undefined => {
    const path = resolvePath(type, name, known);
    const own = path?.name !== undefined && carrier && Object.hasOwn(carrier, spelled(carrier, path.name));
    return carrier === undefined || own ? path : (meantInExtension(type, path) ?? path);
  };
  const trimmed = text.trim();
  const open = trimmed.indexOf('[');
  if (open < 0) {
    const path = resolve(trimmed);
    if (path === undefined) throw invalidPath(`${quoted(text)} is not a path`);
    return { text: trimmed, path };
  }
  const close = closing(trimmed, open);
  const rest = trimmed.slice(close + 1);
  if (close < 0 || (rest !== '' && !/^\.[^.]+$/.test(rest))) throw invalidPath(`${quoted(text)} is not a path`);
  const path = resolve(trimmed.slice(0, open) + rest);
  if (path === undefined || resolve(trimmed.slice(0, open))?.subName !== undefined) {
    throw invalidPath(`${quoted(text)} is not a path`);
  }
  const { attribute } = path;
  if (attribute === undefined) throw invalidPath(`A ${type.name} has no attribute ${path.name ?? quoted(text)}`);
  if (!attribute.multiValued) {
    throw invalidPath(`${attribute.name} has no values to choose from by a filter`);
  }
  return { text: trimmed, path, filter: parseElementFilter(attribute, trimmed.slice(open + 1, close)) };
}
