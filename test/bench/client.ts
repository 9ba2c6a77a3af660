/**
 * A small HTTP/1.1 load client over raw keep-alive sockets: the load generator shares the machine with the servers it
 * measures, so it must cost far less than they do. Understands Content-Length and chunked answers, nothing more.
 */
import { connect, type Socket } from 'node:net';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A body that is no JSON; its type is among the headers. */
  readonly text?: string;
}

export interface Answer {
  readonly status: number;
  /** Status line and header lines. */
  readonly head: string;
  readonly body: string;
}

/** Connections to one server, each with one call under way at a time. */
export interface Client {
  readonly base: URL;
  /** The server's process. */
  readonly pid: number;
  /** Sends on any free connection; waits where all are busy. */
  send(call: Call): Promise<Answer>;
  close(): void;
}

interface Connection {
  readonly socket: Socket;
  /** When it was last free; in the milliseconds of performance.now(). */
  restsSince: number;
  buffer: Buffer;
  settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
}

/** Servers close what rests for a minute or so. */
const longestRestMs = 20_000;

export async function openClient({ base, pid }: { base: URL; pid: number }, connections: number): Promise<Client> {
  const free: Connection[] = [];
  const waiting: ((connection: Connection) => void)[] = [];
  const all = new Set(await Promise.all(Array.from({ length: connections }, () => open(base, release))));
  free.push(...all);

  function release(connection: Connection): void {
    connection.restsSince = performance.now();
    const next = waiting.shift();
    if (next) next(connection);
    else free.push(connection);
  }

  /** One in the place of a connection that has rested while others were measured, and may be closed at any moment. */
  async function anew(rested: Connection): Promise<Connection> {
    all.delete(rested);
    rested.socket.destroy();
    const connection = await open(base, release);
    all.add(connection);
    return connection;
  }

  return {
    base,
    pid,
    async send(call) {
      const found = free.pop() ?? (await new Promise<Connection>((resolve) => waiting.push(resolve)));
      const rested = found.socket.destroyed || performance.now() - found.restsSince > longestRestMs;
      const connection = rested ? await anew(found) : found;
      return new Promise<Answer>((resolve, reject) => {
        connection.settle = { resolve, reject };
        connection.socket.write(encode(base, call));
      });
    },
    close() {
      for (const connection of all) connection.socket.destroy();
    },
  };
}

function encode(base: URL, call: Call): string {
  const body = call.text ?? (call.body === undefined ? '' : JSON.stringify(call.body));
  let head = `${call.method} ${call.path} HTTP/1.1\r\nHost: ${base.host}\r\n`;
  for (const [name, value] of Object.entries(call.headers ?? {})) head += `${name}: ${value}\r\n`;
  if (call.body !== undefined) head += 'Content-Type: application/json\r\n';
  if (body !== '') head += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${head}\r\n${body}`;
}

function open(base: URL, release: (connection: Connection) => void): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(base.port), base.hostname);
    socket.setNoDelay(true);
    const connection: Connection = {
      socket,
      restsSince: performance.now(),
      buffer: Buffer.alloc(0),
      settle: undefined,
    };
    socket.once('connect', () => resolve(connection));
    socket.on('error', (error) => {
      reject(error);
      connection.settle?.reject(error);
    });
    socket.on('close', () => connection.settle?.reject(new Error('the server closed the connection')));
    socket.on('data', (chunk) => {
      connection.buffer = connection.buffer.length === 0 ? chunk : Buffer.concat([connection.buffer, chunk]);
      const answer = takeAnswer(connection);
      if (!answer) return;
      const settle = connection.settle;
      connection.settle = undefined;
      release(connection);
      settle?.resolve(answer);
    });
  });
}

/** The whole answer at the head of the buffer, taken off it; undefined while parts are missing. */
function takeAnswer(connection: Connection): Answer | undefined {
  const { buffer } = connection;
  const headEnd = buffer.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = buffer.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const start = headEnd + 4;
  if (length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head))
    return takeChunked(connection, { status, head }, start);
  const end = start + Number(length ?? 0);
  if (buffer.length < end) return undefined;
  connection.buffer = buffer.subarray(end);
  return { status, head, body: buffer.toString('utf8', start, end) };
}

function takeChunked(
  connection: Connection,
  begun: Pick<Answer, 'status' | 'head'>,
  start: number,
): Answer | undefined {
  const { buffer } = connection;
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = buffer.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(buffer.toString('latin1', at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (buffer.length < next) return undefined;
    if (size === 0) {
      connection.buffer = buffer.subarray(next);
      return { ...begun, body: Buffer.concat(parts).toString('utf8') };
    }
    parts.push(buffer.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}
