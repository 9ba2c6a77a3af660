/**
 * Long JSON, parsed piece by piece: JSON.parse holds up the process for as long as it takes. What makes a body long is a
 * list; its elements are parsed some at a time, the text around them as it is.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Texts up to so many characters are parsed at once; lists are taken apart into pieces of about as many. */
const PIECE = 512 * 1024;

/** Lists deeper than this are left in their piece: `value` of an operation of a PATCH stands at the third level. */
const DEPTH = 4;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A list that is longer than a piece: where its elements begin and end, and the commas at which it is cut. */
interface Long {
  readonly start: number;
  readonly end: number;
  readonly cuts: readonly number[];
}

/**
 * The value of a JSON text. Others get their turn between the pieces. Throws SyntaxError as JSON.parse does, of a long
 * text without the place of the fault.
 */
export async function parseInTurns(text: string): Promise<unknown> {
  if (text.length <= PIECE) return JSON.parse(text);
  const lists = await findLong(text);
  const mark = randomUUID();
  let frame = '';
  let from = 0;
  for (const [index, { start, end }] of lists.entries()) {
    frame += `${text.slice(from, start)}"${mark}${index}"`;
    from = end;
  }
  const value: unknown = JSON.parse(frame + text.slice(from));
  const holders = holdersOf(value, mark);
  for (const [index, { start, end, cuts }] of lists.entries()) {
    const elements: unknown[] = [];
    let begin = start;
    for (const cut of [...cuts, end]) {
      const piece = JSON.parse(`[${text.slice(begin, cut)}]`) as unknown[];
      if (piece.length === 0) throw new SyntaxError('a list has an empty place');
      for (const element of piece) elements.push(element);
      begin = cut + 1;
      await nextTurn();
    }
    const holder = holders.get(`${mark}${index}`);
    if (holder === undefined) throw new SyntaxError('a list stands where none can stand');
    holder.length = 0;
    for (const element of elements) holder.push(element);
  }
  return value;
}

/** The lists that are longer than a piece, outermost ones only, in their order. What is no JSON is not noticed here. */
async function findLong(text: string): Promise<readonly Long[]> {
  const found: Long[] = [];
  /** Of each open bracket: where it stands; of a list that may be long, the commas so far, each a piece from the last. */
  const open: { at: number; cuts: number[] | undefined }[] = [];
  let pause = PIECE;
  for (let at = 0; at < text.length; at++) {
    if (at >= pause) {
      pause = at + PIECE;
      await nextTurn();
    }
    switch (text.charCodeAt(at)) {
      case QUOTE:
        for (at++; at < text.length && text.charCodeAt(at) !== QUOTE; at++) if (text.charCodeAt(at) === BACKSLASH) at++;
        break;
      case 0x5b: // [
        open.push({ at, cuts: open.length < DEPTH ? [] : undefined });
        break;
      case 0x7b: // {
        open.push({ at, cuts: undefined });
        break;
      case 0x2c: {
        const list = open.at(-1);
        if (list?.cuts && at - (list.cuts.at(-1) ?? list.at) >= PIECE) list.cuts.push(at);
        break;
      }
      case 0x5d: // ]
      case 0x7d: {
        const ended = open.pop();
        if (!ended?.cuts?.length) break;
        // it stands around those that were found inside of it
        while ((found.at(-1)?.start ?? -1) > ended.at) found.pop();
        found.push({ start: ended.at + 1, end: at, cuts: ended.cuts });
        break;
      }
    }
  }
  return found;
}

/** The lists that hold nothing but a mark, by it: names that are numbers are not in the order of the text. */
function holdersOf(value: unknown, mark: string): ReadonlyMap<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  const look = (one: unknown, depth: number): void => {
    if (typeof one !== 'object' || one === null || depth > DEPTH) return;
    const [only] = Array.isArray(one) && one.length === 1 ? one : [];
    if (typeof only === 'string' && only.startsWith(mark)) found.set(only, one as unknown[]);
    else for (const part of Object.values(one)) look(part, depth + 1);
  };
  look(value, 0);
  return found;
}
