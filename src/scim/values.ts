/** Reading the value of one attribute by its table: type, sub-attributes, the dialects in which it may come. */
import { caseKey } from '../lib/text.ts';
import { type Attribute, isPoisonous } from './attributes.ts';
import { invalidSyntax, invalidValue } from './errors.ts';
import { isObject, memberOf, type Resource } from './resource.ts';
import { inspect } from './safety.ts';

/** `null` and the empty list say that there is no value (RFC 7643 §2.5). */
export const unassigned = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0);

/**
 * Keeps what no table has as it came; only what says nothing is left out. Throws scim_invalid_syntax, for a name that is
 * there in another case too.
 */
export function keepUnknown(target: Resource, key: string, value: unknown): void {
  if (isPoisonous(key)) throw invalidSyntax(`${key} is not allowed as the name of an attribute`);
  if (unassigned(value)) return;
  const names = kept.get(target) ?? new Set();
  kept.set(target, names);
  if (Object.hasOwn(target, key) || names.has(key.toLowerCase())) throw invalidSyntax(`${key} is given twice`);
  names.add(key.toLowerCase());
  target[key] = value;
}

/** The names that were kept in an object, without case: to look through all of them for each would take too long where there are many. */
const kept = new WeakMap<Resource, Set<string>>();

/** One attribute's value in canonical form; undefined where unassigned. Throws scim_invalid_value, scim_invalid_syntax. */
export function readValue(attribute: Attribute, label: string, value: unknown): unknown {
  if (unassigned(value)) return undefined;
  if (!attribute.multiValued) return readSingle(attribute, label, onlyOne(attribute, value));
  const list = Array.isArray(value) ? value : [value];
  const clean = distinct(
    attribute,
    list.map((entry) => readSingle(attribute, label, entry)).filter((entry) => entry !== undefined),
  );
  if (clean.filter((entry) => isObject(entry) && entry.primary === true).length > 1) {
    throw invalidValue(`${label}: primary may be true on one value only`);
  }
  return clean.length === 0 ? undefined : clean;
}

/** Entra also sends a reference, such as the manager, in a list of one. */
export const onlyOne = (attribute: Attribute, value: unknown): unknown =>
  attribute.type === 'complex' && Array.isArray(value) && value.length === 1 ? value[0] : value;

/**
 * Each pair of value and type once (RFC 7643 §2.4): of two entries, the later one tells the other parts, and one that is
 * primary stays so.
 */
export function distinct(attribute: Attribute, list: readonly unknown[]): readonly unknown[] {
  if (list.length < 2) return list;
  const found = new Map<string, unknown>();
  for (const entry of list) {
    const identity = identityOf(attribute, entry);
    const before = found.get(identity);
    const primary = isObject(before) && before.primary === true && { primary: true };
    found.set(identity, isObject(before) && isObject(entry) ? { ...before, ...entry, ...primary } : entry);
  }
  return [...found.values()];
}

/** What tells an entry of a list from the others: its value and type, else all of it. */
export function identityOf({ subAttributes }: Attribute, entry: unknown): string {
  const value = isObject(entry) ? memberOf(entry, 'value') : undefined;
  if (!isObject(entry) || value === undefined || value === null) return JSON.stringify(entry);
  const part = (name: string, given: unknown) =>
    typeof given === 'string' && subAttributes?.get(name)?.caseExact !== true ? caseKey(given) : (given ?? null);
  return JSON.stringify([part('value', value), part('type', memberOf(entry, 'type'))]);
}

/** Whether a list names the same value more than once. */
export const hasRepetitions = (attribute: Attribute, value: unknown): boolean =>
  Array.isArray(value) &&
  value.length > 1 &&
  new Set(value.map((entry) => identityOf(attribute, entry))).size < value.length;

function readSingle(attribute: Attribute, label: string, value: unknown): unknown {
  if (value === null) return undefined;
  switch (attribute.type) {
    case 'complex':
      return readComplex(attribute, label, value);
    case 'boolean':
      return readBoolean(label, value);
    case 'integer':
      return readNumber(label, value, Number.isSafeInteger, 'a whole number');
    case 'decimal':
      return readNumber(label, value, Number.isFinite, 'a number');
    case 'dateTime':
      return readText(label, value, isDateTime, 'a date such as 2026-01-31T08:30:00Z');
    case 'reference':
      return readText(label, value, isReference, 'a URI');
    case 'binary':
      return readText(label, value, isBase64, 'binary data in base64');
    case 'string':
      return readText(label, value, () => true, 'a text');
  }
}

function readText(label: string, value: unknown, fits: (text: string) => boolean, what: string): string {
  if (typeof value !== 'string' || !fits(value)) throw invalidValue(`${label} must be ${what}`);
  return value;
}

/** A number, also one that comes as a text, as Entra's booleans do. */
function readNumber(label: string, value: unknown, fits: (number: number) => boolean, what: string): number {
  const number = typeof value === 'string' && /^-?\d{1,15}(?:\.\d{1,15})?$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !fits(number)) throw invalidValue(`${label} must be ${what}`);
  return number;
}

/** xsd:dateTime with its zone left open, as RFC 7643 §2.3.5 has it. */
const dateTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|[+-](\d\d):(\d\d))?$/;

function isDateTime(text: string): boolean {
  const parts = dateTime.exec(text);
  if (!parts) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ahead = 0, minutesAhead = 0] = parts
    .slice(1)
    .map((part) => Number(part ?? 0));
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return (
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= days &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59 &&
    ahead <= 14 &&
    minutesAhead <= 59
  );
}

/** An absolute or relative URI (or IRI): nothing that could not stand in one. */
const isReference = (text: string): boolean => !/[\s\p{Cc}"<>\\^`{|}]/u.test(text);

/** RFC 4648 §4 or §5, with or without padding (RFC 7643 §2.3.6). */
function isBase64(text: string): boolean {
  const digits = text.replace(/={1,2}$/, '');
  return /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)$/.test(digits) && digits.length % 4 !== 1;
}

/** Entra writes booleans as texts, with a capital; a text attribute with the value "True" stays what it is. */
function readBoolean(label: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    const lower = value.toLowerCase();
    if (lower === 'true' || lower === 'false') return lower === 'true';
  }
  throw invalidValue(`${label} must be true or false`);
}

function readComplex(attribute: Attribute, label: string, value: unknown): unknown {
  const source = typeof value === 'string' ? fromText(attribute, value) : value;
  if (!isObject(source)) throw invalidValue(`${label} must be an object`);
  const complex: Resource = {};
  for (const key of Object.keys(source)) {
    const sub = attribute.subAttributes?.get(key.toLowerCase());
    if (sub === undefined) keepUnknown(complex, key, source[key]);
    else if (sub.mutability !== 'readOnly') {
      if (Object.hasOwn(complex, sub.name)) throw invalidSyntax(`${label}.${sub.name} is given twice`);
      const clean = readValue(sub, `${label}.${sub.name}`, source[key]);
      if (clean !== undefined) complex[sub.name] = clean;
    }
  }
  const nobody = !attribute.multiValued && complex.value === '';
  return nobody || Object.keys(complex).length === 0 ? undefined : complex;
}

/** A complex value as text: its `value` alone (manager), or JSON in a text (Entra's app roles). */
function fromText(attribute: Attribute, text: string): unknown {
  const parsed = attribute.multiValued ? objectIn(text) : undefined;
  if (parsed) return parsed;
  return attribute.subAttributes?.has('value') ? { value: text } : undefined;
}

/** The object that a text holds as JSON; undefined where it holds none, or one that no body may hold. */
function objectIn(text: string): Resource | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    inspect(parsed);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
