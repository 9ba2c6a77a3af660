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
    for (const key of Object.keys(value)) {
      if (poisonous.test(key)) throw invalidSyntax(`${key} is not allowed as the name of an attribute`);
      if (unstorable.test(key))
        throw invalidValue('The name of an attribute holds a NUL character or half a character');
      const entry = (value as Record<string, unknown>)[key];
      if (secretName.test(key)) this.secret = true;
      if (key.toLowerCase() === 'path' && typeof entry === 'string' && secretName.test(entry)) this.secret = true;
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
  const named = /"(?:[^"\\]|\\.)*(?:password|secret|token)(?:[^"\\]|\\.)*"\s*:/i.exec(text);
  return named ? text.slice(0, named.index) : text;
}

/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

/** A copy without the values of secrets, whether named by key or by the `path` of a PATCH operation. */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const secretPath = entries.some(
    ([key, entry]) => key.toLowerCase() === 'path' && typeof entry === 'string' && secretName.test(entry),
  );
  return Object.fromEntries(
    entries.map(([key, entry]) => {
      const secret = secretName.test(key) || (secretPath && key.toLowerCase() === 'value');
      return [key, secret ? REDACTED : redact(entry)];
    }),
  );
}
