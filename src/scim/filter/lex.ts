/** The words of a filter (RFC 7644 §3.4.2.2), read in one pass without backtracking, each with its place. */
import { invalidFilter } from '../errors.ts';

export const LENGTH_LIMIT = 8192;
const WORD_LIMIT = 1000;

export type FilterValue = string | number | boolean | null;

/** `at` counts from 0. The last word of every filter is its `end`. */
export type Word =
  | { readonly kind: 'name'; readonly text: string; readonly at: number }
  | { readonly kind: 'value'; readonly value: FilterValue; readonly at: number }
  | { readonly kind: 'sign'; readonly text: '(' | ')' | '[' | ']' | '.'; readonly at: number }
  | { readonly kind: 'end'; readonly at: number };

const nameStart = /[A-Za-z$]/;
const name = /[\w$:.%-]*/y;
const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The refusal of a filter, with the place of the fault, counted from 1 as people do. */
export const faultAt = (at: number, what: string) =>
  invalidFilter(`The filter is not valid at position ${at + 1}: ${what}`);

/** The end of the JSON string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  throw faultAt(start, 'a text has no end');
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function readString(quoted: string, at: number): string {
  let value: unknown;
  try {
    value = JSON.parse(quoted);
  } catch {
    throw faultAt(at, 'a text is not a valid JSON string');
  }
  if (typeof value !== 'string' || /\0|\p{Surrogate}/u.test(value))
    throw faultAt(at, 'a text holds a NUL character or half a character');
  return value;
}

function readNumber(text: string, at: number): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw faultAt(at, 'the number is too large');
  return value;
}

/** Reads the words. Throws scim_invalid_filter where the text is too long or holds what is no word of the grammar. */
export function readWords(text: string): readonly Word[] {
  if (text.length > LENGTH_LIMIT) throw invalidFilter(`The filter is longer than ${LENGTH_LIMIT} characters`);
  const words: Word[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? '';
    const start = at;
    if (/\s/.test(char)) {
      at++;
      continue;
    }
    if (words.length >= WORD_LIMIT) throw faultAt(at, `it has more than ${WORD_LIMIT} words`);
    if (char === '(' || char === ')' || char === '[' || char === ']' || (char === '.' && text[at - 1] === ']')) {
      at++;
      words.push({ kind: 'sign', text: char, at: start });
    } else if (char === '"') {
      at = endOfString(text, start);
      words.push({ kind: 'value', value: readString(text.slice(start, at), start), at: start });
    } else if (nameStart.test(char)) {
      const word = match(name, text, at);
      at += word.length;
      words.push({ kind: 'name', text: word, at: start });
    } else {
      const digits = match(number, text, at);
      if (digits === '') throw faultAt(start, `${JSON.stringify(char)} is not expected here`);
      at += digits.length;
      words.push({ kind: 'value', value: readNumber(digits, start), at: start });
    }
  }
  words.push({ kind: 'end', at: text.length });
  return words;
}
