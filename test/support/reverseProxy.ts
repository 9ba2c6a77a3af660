/** An HTTP proxy between a client and processes of Gatehouse: shares out the requests, and loses answers on demand. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReverseProxy {
  readonly url: string;
  /** The base URLs of the processes behind it, in turn for each request. */
  targets: readonly string[];
  /** The process that answered the latest request. */
  readonly latest: string | undefined;
  /** Whether the answer of this request is lost: the process carries it out, the client sees a broken connection. */
  loses: (method: string, path: string) => boolean;
  close(): Promise<void>;
}

/** Listens on a free port of the loopback address; what is behind it is set afterwards. */
export async function openReverseProxy(): Promise<ReverseProxy> {
  let taken = 0;
  let latest: string | undefined;
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const target = proxy.targets[taken++ % proxy.targets.length];
    const { method = 'GET', url = '/', headers } = incoming;
    const cut = () => outgoing.socket?.destroy();
    if (target === undefined) return void cut();
    const upstream = request(target + url, { method, headers }, (answer) => {
      latest = target;
      if (proxy.loses(method, url)) {
        answer.resume();
        answer.on('end', cut);
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      // A process that dies in the middle of an answer must not leave the client waiting.
      answer.on('error', cut);
      answer.pipe(outgoing);
    });
    upstream.on('error', cut);
    incoming.pipe(upstream);
  };
  const server = createServer(forward);
  // Longer than clients keep an idle connection: they would else meet its end with a request.
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: ReverseProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: [],
    get latest() {
      return latest;
    },
    loses: () => false,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return proxy;
}
