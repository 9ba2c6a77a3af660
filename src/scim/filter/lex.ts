/**
 * The words of a filter (RFC 7644 §3.4.2.2), read in one pass without backtracking.
 *
 * scim2-parse-filter 0.2 knows the grammar's precedence, but its own reader hangs on long texts without an end, doubles
 * escapes, refuses `$ref` and negative numbers, and takes `emails[type eq "work"].value eq "x"` for two conditions on
 * two different addresses. So it is handed a text in which every value is a placeholder, `$` is escaped, and a
 * sub-attribute behind a value path stands inside of it.
 */
import { invalidFilter } from '../errors.ts';

const LENGTH_LIMIT = 8192;
const WORD_LIMIT = 1000;
const DEPTH_LIMIT = 20;

export type FilterValue = string | number | boolean | null;

interface Word {
  readonly kind: 'name' | 'value' | 'sign';
  readonly text: string;
  readonly at: number;
}

/** A filter that the grammar's parser can be trusted with; `values` are what its placeholders `"0"`, `"1"`, … stand for. */
export interface PreparedFilter {
  readonly text: string;
  readonly values: readonly FilterValue[];
}

const nameStart = /[A-Za-z$]/;
const name = /[\w$:.%-]*/y;
const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

const fail = (what: string, at: number) => invalidFilter(`The filter is not valid at position ${at + 1}: ${what}`);

/** The end of the JSON string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  throw fail('a text has no end', start);
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

/** Reads words and literal values. Throws scim_invalid_filter with the position. */
function readWords(text: string, values: FilterValue[]): Word[] {
  const words: Word[] = [];
  const literal = (value: FilterValue, at: number) => {
    words.push({ kind: 'value', text: `"${values.length}"`, at });
    values.push(value);
  };
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? '';
    const start = at;
    if (/\s/.test(char)) at++;
    else if ('()[]'.includes(char)) {
      at++;
      words.push({ kind: 'sign', text: char, at: start });
    } else if (char === '.' && text[at - 1] === ']') {
      at++;
      words.push({ kind: 'sign', text: '.', at: start });
    } else if (char === '"') {
      at = endOfString(text, start);
      literal(readString(text.slice(start, at), start), start);
    } else if (nameStart.test(char)) {
      const word = match(name, text, at);
      at += word.length;
      words.push({ kind: 'name', text: word, at: start });
    } else {
      const digits = match(number, text, at);
      if (digits === '') throw fail(`${JSON.stringify(char)} is not expected here`, start);
      at += digits.length;
      literal(Number(digits), start);
    }
    if (words.length > WORD_LIMIT) throw invalidFilter(`The filter has more than ${WORD_LIMIT} words`);
  }
  return words;
}

function readString(quoted: string, at: number): string {
  let value: unknown;
  try {
    value = JSON.parse(quoted);
  } catch {
    throw fail('a text is not a valid JSON string', at);
  }
  if (typeof value !== 'string' || /\0|\p{Surrogate}/u.test(value))
    throw fail('a text holds a NUL character or half a character', at);
  return value;
}

const keywords: Readonly<Record<string, FilterValue>> = { true: true, false: false, null: null };
const comparisons = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'lt', 'ge', 'le']);

/**
 * Prepares a filter for the parser. Throws scim_invalid_filter where it is too long, too deep or not made of words of
 * the grammar.
 */
export function prepareFilter(text: string): PreparedFilter {
  if (text.length > LENGTH_LIMIT) throw invalidFilter(`The filter is longer than ${LENGTH_LIMIT} characters`);
  const values: FilterValue[] = [];
  const words = readWords(text, values);
  if (words.length === 0) throw invalidFilter('The filter is empty');
  const out: string[] = [];
  let depth = 0;
  let open = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as Word;
    if (word.text === '(' || word.text === '[') {
      if (++depth > DEPTH_LIMIT) throw invalidFilter(`The filter is nested more than ${DEPTH_LIMIT} levels deep`);
    } else if (word.text === ')' || word.text === ']') depth--;
    else if (word.text.toLowerCase() === 'not' && words[i + 1]?.text !== '(')
      throw fail('not needs a group in parentheses', word.at);
    if (word.text === '[') {
      if (++open > 1) throw fail('a value path cannot stand inside of another', word.at);
      out.push('[(');
    } else if (word.text === ']') {
      open--;
      i = closeValuePath(words, i, values, out);
    } else if (word.text === '.') throw fail('"." is not expected here', word.at);
    else out.push(emit(words, i, values));
  }
  return { text: out.join(' '), values };
}

/** A name as the parser takes it; `true`, `false` and `null` behind a comparison become values. */
function emit(words: readonly Word[], i: number, values: FilterValue[]): string {
  const word = words[i] as Word;
  if (word.kind !== 'name') return word.text;
  const lower = word.text.toLowerCase();
  if (Object.hasOwn(keywords, lower) && comparisons.has(words[i - 1]?.text.toLowerCase() ?? '')) {
    values.push(keywords[lower] ?? null);
    return `"${values.length - 1}"`;
  }
  return word.text.replaceAll('%', '%25').replaceAll('$', '%24').replace(/^%/, 'escaped%');
}

/** `]`, or `].sub op value`, which moves inside of the brackets. Answers the index of the last word that it took. */
function closeValuePath(words: readonly Word[], i: number, values: FilterValue[], out: string[]): number {
  if (words[i + 1]?.text !== '.') {
    out.push(')]');
    return i;
  }
  const [sub, op] = [words[i + 2], words[i + 3]];
  if (sub?.kind !== 'name' || op?.kind !== 'name')
    throw fail('a sub-attribute and an operator are expected', (words[i + 1] as Word).at);
  out.push(') and', emit(words, i + 2, values), op.text);
  if (op.text.toLowerCase() === 'pr') {
    out.push(']');
    return i + 3;
  }
  if (words[i + 4] === undefined) throw fail('a value is expected', op.at);
  out.push(emit(words, i + 4, values), ']');
  return i + 4;
}

/** A name as it stood in the filter. */
export const nameOf = (emitted: string): string =>
  emitted
    .replace(/^escaped%/, '%')
    .replaceAll('%24', '$')
    .replaceAll('%25', '%');
