/** The bytes of a body as they come in: plain or compressed, in one piece or many, never more than a limit of them. */

import type { IncomingMessage } from 'node:http';
import {
  type BrotliDecompress,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  type Gunzip,
  type Inflate,
} from 'node:zlib';
import { AppError } from '../errors.ts';

type Unpacker = BrotliDecompress | Gunzip | Inflate;

/** What unpacks each coding (RFC 9110 §8.4.1). */
const unpackers: Readonly<Record<string, () => Unpacker>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** How long the rest of a body that is refused is still taken, so that its sender gets to read the answer. */
const drainMs = 5000;

const tooLarge = (limit: number): AppError => new AppError('body_too_large', `The body is larger than ${limit} bytes`);
const broken = (): AppError => new AppError('malformed_json', 'The body cannot be read to its end');

/** How long the client says that its body is; undefined where it does not say, or sends it compressed. */
function declaredLength({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return codingOf(headers) === 'identity' && length !== undefined ? Number(length) : undefined;
}

const codingOf = (headers: IncomingMessage['headers']): string =>
  (headers['content-encoding'] ?? '').trim().toLowerCase() || 'identity';

/** What is read of a body, and when its reader has to wait. */
export interface Room {
  /** The most bytes, before and after unpacking. */
  readonly limit: number;
  /** So many are read at once; for more, `enter` is waited for. */
  readonly free: number;
  /** Waits for room beyond `free`: it is called once at most. */
  enter(): Promise<void>;
}

/**
 * Reads the whole body. A compressed one is unpacked no further than to the limit. Throws AppError body_too_large,
 * unsupported_content_type (a coding that is not known), malformed_json (broken off, or broken inside), and what `enter`
 * throws; then the rest of what is sent has been taken, for a while.
 */
export async function readBytes(request: IncomingMessage, room: Room): Promise<Buffer> {
  try {
    const coding = codingOf(request.headers);
    if (coding !== 'identity' && !Object.hasOwn(unpackers, coding))
      throw new AppError('unsupported_content_type', 'Send the body plain, or compressed with gzip, deflate or br');
    const declared = declaredLength(request) ?? 0;
    if (declared > room.limit) throw tooLarge(room.limit);
    if (declared > room.free) await room.enter();
    return await collect(request, unpackers[coding]?.(), { ...room, waits: declared <= room.free });
  } catch (error) {
    await drain(request);
    throw error;
  }
}

/** `waits`: there has been no waiting for room yet. */
function collect(
  request: IncomingMessage,
  unpacker: Unpacker | undefined,
  { limit, free, enter, waits }: Room & { readonly waits: boolean },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const source = unpacker ? request.pipe(unpacker) : request;
    const parts: Buffer[] = [];
    let [received, length, waiting] = [0, 0, waits];
    const settle = (error?: unknown): void => {
      for (const [name, listener] of Object.entries(ofRequest)) request.off(name, listener);
      for (const [name, listener] of Object.entries(ofSource)) source.off(name, listener);
      if (unpacker) {
        request.unpipe(unpacker);
        unpacker.on('error', () => undefined).destroy();
      }
      if (error === undefined) resolve(Buffer.concat(parts));
      else reject(error);
    };
    const ofRequest = {
      // a coding can also be made to unpack to next to nothing
      data: (chunk: Buffer) => {
        received += chunk.length;
        if (received > limit) settle(tooLarge(limit));
      },
      error: () => settle(broken()),
      close: () => request.complete || settle(broken()),
    };
    const ofSource = {
      data: (chunk: Buffer) => {
        length += chunk.length;
        if (length > limit) settle(tooLarge(limit));
        else parts.push(chunk);
        if (!waiting || length <= free || length > limit) return;
        waiting = false;
        source.pause();
        enter().then(() => source.resume(), settle);
      },
      error: () => settle(broken()),
      end: () => settle(),
    };
    for (const [name, listener] of Object.entries(ofRequest)) request.on(name, listener);
    for (const [name, listener] of Object.entries(ofSource)) source.on(name, listener);
  });
}

/** A client that still sends reads no answer where the connection ends. */
function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const name of ['end', 'close', 'error']) request.off(name, done);
      resolve();
    };
    const timer = setTimeout(done, drainMs);
    for (const name of ['end', 'close', 'error']) request.on(name, done);
    request.resume();
  });
}
