/** Requests that take their time: the server has their head, and waits for the rest. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SlowRequest {
  /** Sends the rest; answers all that the server says until it ends the connection. */
  finish(): Promise<string>;
}

/** Begins a request, without the end of its body. */
export async function beginRequest(
  port: number,
  method: string,
  path: string,
  token: string,
  json: object,
): Promise<SlowRequest> {
  const body = JSON.stringify(json);
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nAuthorization: Bearer ${token}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
  );
  await sleep(100);
  return {
    async finish() {
      socket.write(body.slice(5));
      let text = '';
      for await (const chunk of socket) {
        text += chunk;
        if (/^Connection: keep-alive/im.test(text) && text.trimEnd().endsWith('}')) break;
      }
      return text;
    },
  };
}
