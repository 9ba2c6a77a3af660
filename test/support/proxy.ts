/** A TCP proxy before a server: cuts connections, and loses single answers, as networks do. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ServiceProxy {
  readonly port: number;
  /** Breaks all connections and refuses new ones until `restore`. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /**
   * The next request that holds this text reaches the server; its answer does not come back, and the connection breaks.
   */
  loseAnswerTo(text: string): void;
  /** The next request that holds this text reaches the server; nothing ever comes back on its connection, which stands. */
  holdAnswerTo(text: string): void;
  /** Is told of each piece of a request before it goes on to the server. */
  onRequest(listener: (bytes: Buffer) => void): void;
  /** How many answers were lost or held so. */
  lost(): number;
  close(): Promise<void>;
}

/** Leads from a free port of the loopback address to this server. */
export async function openProxy(host: string, port: number): Promise<ServiceProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let wanted: { readonly text: string; readonly held: boolean } | undefined;
  let lost = 0;
  let told = (_bytes: Buffer): void => {};

  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(port, host);
    let loses: typeof wanted;
    for (const [socket, partner] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => partner.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        partner.destroy();
      });
    }
    client.on('data', (bytes: Buffer) => {
      told(bytes);
      if (wanted !== undefined && bytes.includes(wanted.text)) {
        loses = wanted;
        wanted = undefined;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (loses === undefined) {
        client.write(bytes);
        return;
      }
      lost += 1;
      if (!loses.held) client.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async cut() {
      isCut = true;
      breakAll();
    },
    async restore() {
      isCut = false;
    },
    loseAnswerTo(text) {
      wanted = { text, held: false };
    },
    holdAnswerTo(text) {
      wanted = { text, held: true };
    },
    onRequest(listener) {
      told = listener;
    },
    lost: () => lost,
    async close() {
      const closed = once(server, 'close');
      server.close();
      breakAll();
      await closed;
    },
  };
}
