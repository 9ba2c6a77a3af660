/** What no JSON from outside may hold, whatever attribute it is meant for (OPS-1). */
import { invalidSyntax, invalidValue } from './errors.ts';

const DEPTH_LIMIT = 24;

// Half a surrogate pair cannot be written as UTF-8; a NUL ends texts early in one of the stores.
const unstorable = /\0|\p{Surrogate}/u;
/**
 * Also as a part of a path used as a name: `constructor.prototype.x`. The last one is the mark by which MongoDB's driver
 * knows its own types: no object from outside may pass for one.
 */
const poisonous = /(?:^|[.:\]])(?:__proto__|constructor|prototype|_bsontype)(?:$|[.[])/i;
const secretName = /password|secret|token/i;

/** No resource has nearly as many; what is looked for by name without case would take too long. */
export const NAME_LIMIT = 500;

/** Walks a value once and refuses poisonous names, NUL characters, halves of characters and endless nesting. */
export class Inspection {
  /** Whether a name in it speaks of a secret, so that it must be redacted before it is logged. */
  secret = false;
  readonly #values: unknown[];
  readonly #depths: number[] = [0];

  constructor(value: unknown) {
    this.#values = [value];
  }

  /** Looks at about so many values more; whether those were all. Throws AppError scim_invalid_syntax, scim_invalid_value. */
  read(most = Number.POSITIVE_INFINITY): boolean {
    for (let left = most; left > 0 && this.#values.length > 0; left--) {
      this.#look(this.#values.pop(), this.#depths.pop() ?? 0);
    }
    return this.#values.length === 0;
  }

  #look(value: unknown, depth: number): void {
    if (typeof value === 'string') {
      if (unstorable.test(value)) throw invalidValue('A value holds a NUL character or half a character');
      return;
    }
    if (typeof value === 'number' && !Number.isFinite(value)) throw invalidValue('A number is too large');
    if (typeof value !== 'object' || value === null) return;
    if (depth >= DEPTH_LIMIT) throw invalidSyntax(`The body is nested more than ${DEPTH_LIMIT} levels deep`);
    if (Array.isArray(value)) {
      for (const entry of value) this.#add(entry, depth + 1);
      return;
    }
    const keys = Object.keys(value);
    if (keys.length > NAME_LIMIT) throw invalidSyntax(`An object holds more than ${NAME_LIMIT} names`);
    for (const key of keys) {
      if (poisonous.test(key)) throw invalidSyntax(`${key} is not allowed as the name of an attribute`);
      if (unstorable.test(key))
        throw invalidValue('The name of an attribute holds a NUL character or half a character');
      const entry = (value as Record<string, unknown>)[key];
      if (secretName.test(key)) this.secret = true;
      if (namesSecret(key, entry)) this.secret = true;
      this.#add(entry, depth + 1);
    }
  }

  #add(value: unknown, depth: number): void {
    this.#values.push(value);
    this.#depths.push(depth);
  }
}

/** Looks at all of a value at once. Answers and throws as an Inspection does. */
export function inspect(value: unknown): boolean {
  const inspection = new Inspection(value);
  inspection.read();
  return inspection.secret;
}

/** The text of a JSON answer without the values of secrets: the rule of `redact`, at no cost where no name is near. */
export const redactText = (text: string): string =>
  secretName.test(text) ? JSON.stringify(redact(JSON.parse(text))) : text;

/** The beginning of a JSON text up to the first name that speaks of a secret: what is cut cannot be read as JSON. */
export function redactBeginning(text: string): string {
  for (let start = text.indexOf('"'); start >= 0; ) {
    const end = endOfText(text, start);
    if (end < 0) return text;
    if (text[end] === ':' && secretName.test(text.slice(start, end))) return text.slice(0, start);
    start = text.indexOf('"', end);
  }
  return text;
}

/** Behind the text that begins here; -1 where it does not end. The texts are our own JSON: no blanks stand before a colon. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return -1;
}

/** Whether a value speaks of a secret itself: the `path` of an operation, a `filter` that may hold what it asks for. */
const namesSecret = (key: string, value: unknown): boolean =>
  /^(?:path|filter)$/i.test(key) && typeof value === 'string' && secretName.test(value);

/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

/** A copy without the values of secrets, whether named by key or by the `path` of a PATCH operation. */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const secretPath = entries.some(([key, entry]) => key.toLowerCase() === 'path' && namesSecret(key, entry));
  return Object.fromEntries(
    entries.map(([key, entry]) => {
      const secret =
        secretName.test(key) ||
        (secretPath && key.toLowerCase() === 'value') ||
        (key.toLowerCase() === 'filter' && namesSecret(key, entry));
      return [key, secret ? REDACTED : redact(entry)];
    }),
  );
}
