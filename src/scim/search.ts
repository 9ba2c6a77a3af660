/** Queries by POST to `/.search` (RFC 7644 §3.4.3): the parameters of a list in a body. */
import { invalidSyntax } from './errors.ts';
import { memberOf, requireObject, requireSchema } from './input.ts';
import { SEARCH_URN } from './messages.ts';
import type { Parameters } from './query.ts';

const texts = ['filter', 'sortBy', 'sortOrder', 'cursor'] as const;
const numbers = ['startIndex', 'count'] as const;
const lists = ['attributes', 'excludedAttributes'] as const;

/** The body as the parameters of a URL; what it does not know it leaves out, as a URL's. Throws scim_invalid_syntax. */
export function readSearchRequest(body: unknown): Parameters {
  const source = requireObject(body);
  requireSchema(source, SEARCH_URN);
  const parameters: Record<string, string> = Object.create(null);
  const take = (name: string, read: (value: unknown) => string | undefined, expected: string): void => {
    const value = memberOf(source, name);
    if (value === undefined || value === null) return;
    const text = read(value);
    if (text === undefined) throw invalidSyntax(`${name} must be ${expected}`);
    parameters[name.toLowerCase()] = text;
  };
  for (const name of texts) take(name, asText, 'a text');
  for (const name of numbers)
    take(name, (value) => (Number.isInteger(value) ? String(BigInt(Number(value))) : asText(value)), 'a whole number');
  for (const name of lists) take(name, asNames, 'a list of names');
  return parameters;
}

const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function asNames(value: unknown): string | undefined {
  const list = Array.isArray(value) ? value : [value];
  return list.every((entry) => typeof entry === 'string') ? list.join(',') : undefined;
}
