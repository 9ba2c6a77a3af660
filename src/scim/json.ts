/** What JSON.parse does not tell of a text: a name that is given twice, a number that would not come back as it came. */
import { quoted } from '../lib/text.ts';
import { invalidSyntax, invalidValue } from './errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** How many names of one object are looked through before they are put into a set. */
const FEW = 16;

/** The names of an object so far. */
class Names {
  readonly #few: string[] = [];
  #many: Set<string> | undefined;

  /** Whether the name is new; names compare without case (RFC 7643 §2.1). */
  add(given: string): boolean {
    const name = given.toLowerCase();
    if (this.#many) return this.#many.size < this.#many.add(name).size;
    if (this.#few.includes(name)) return false;
    if (this.#few.push(name) > FEW) this.#many = new Set(this.#few);
    return true;
  }
}

/** The end of the text in quotes that begins at `start`. */
function endOfText(text: string, start: number): number {
  let at = start + 1;
  for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) at += code === BACKSLASH ? 2 : 1;
  return at + 1;
}

const number = /-?[0-9][0-9.eE+-]*/y;

/** The digits that count: what two spellings of one number have in common. */
const digits = (spelled: string): string =>
  spelled
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');

/**
 * Reads a text that JSON.parse has taken once more, from end to end. RFC 8259 §4 leaves open which of two equal names
 * counts, and §6 how exact a number is kept; a guess at either would be a silent change of what was pushed.
 */
export class Ambiguity {
  readonly #text: string;
  readonly #open: (Names | undefined)[] = [];
  #expectsName = false;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * Reads on for about so many characters; whether that was the end.
   * Throws AppError scim_invalid_syntax for a name given twice, scim_invalid_value for a number that cannot be kept.
   */
  read(characters = Number.POSITIVE_INFINITY): boolean {
    const text = this.#text;
    const open = this.#open;
    const end = Math.min(text.length, this.#at + characters);
    let at = this.#at;
    let expectsName = this.#expectsName;
    while (at < end) {
      const char = text[at] ?? '';
      if (char === '"') {
        const after = endOfText(text, at);
        if (expectsName) {
          const name: string = JSON.parse(text.slice(at, after));
          if (open.at(-1)?.add(name) === false) throw invalidSyntax(`${quoted(name)} is given twice in one object`);
          expectsName = false;
        }
        at = after;
        continue;
      }
      if (char === '-' || (char >= '0' && char <= '9')) {
        number.lastIndex = at;
        const spelled = number.exec(text)?.[0] ?? char;
        if (spelled.length > 15 || /[eE]/.test(spelled)) requireExact(spelled);
        at += spelled.length;
        continue;
      }
      if (char === '{') {
        open.push(new Names());
        expectsName = true;
      } else if (char === '[') {
        open.push(undefined);
        expectsName = false;
      } else if (char === '}' || char === ']') {
        open.pop();
        expectsName = false;
      } else if (char === ',') expectsName = open.at(-1) !== undefined;
      at++;
    }
    this.#at = at;
    this.#expectsName = expectsName;
    return at >= text.length;
  }
}

function requireExact(spelled: string): void {
  const kept = Number(spelled);
  if (!Number.isFinite(kept) || digits(String(kept)) !== digits(spelled))
    throw invalidValue(`The number ${quoted(spelled, 40)} cannot be kept exactly`);
}
