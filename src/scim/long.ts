/**
 * Answers that are too long to be held in memory: lists whose rest is read while it is sent. `JSON.stringify` shows the
 * beginning of such a list only; what is sent is made by `jsonOf`.
 */

/** A list of which the beginning is here and the rest is read when it is asked for. */
export class LongList {
  readonly #first: readonly object[];
  readonly #rest: () => AsyncIterable<object>;

  constructor(first: readonly object[], rest: () => AsyncIterable<object>) {
    this.#first = first;
    this.#rest = rest;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<object> {
    yield* this.#first;
    yield* this.#rest();
  }

  toJSON(): readonly object[] {
    return this.#first;
  }
}

/** Whether this object has a list that is not here as a whole. */
export const isLong = (body: object): boolean => Object.values(body).some((value) => value instanceof LongList);

/** Pieces are put together to about this many characters before they are sent. */
const PIECE = 64 * 1024;

/** The JSON text of an object with long lists in it, piece by piece. */
export async function* jsonOf(body: object): AsyncGenerator<string> {
  let piece = '';
  for await (const token of tokensOf(body)) {
    piece += token;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

async function* tokensOf(body: object): AsyncGenerator<string> {
  if (!isLong(body)) {
    yield JSON.stringify(body);
    return;
  }
  let before = '{';
  for (const [key, value] of Object.entries(body)) {
    if (value === undefined) continue;
    yield `${before}${JSON.stringify(key)}:`;
    before = ',';
    if (value instanceof LongList) yield* listTokens(value);
    else yield JSON.stringify(value);
  }
  yield '}';
}

async function* listTokens(list: LongList): AsyncGenerator<string> {
  let before = '[';
  for await (const entry of list) {
    yield before;
    before = ',';
    yield* tokensOf(entry);
  }
  yield before === '[' ? '[]' : ']';
}
