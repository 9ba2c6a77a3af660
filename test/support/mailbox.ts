/** A mail server of the tests' own: takes what nodemailer sends over a real connection, and keeps the letters. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll } from '@jest/globals';
import { until } from './until.ts';

export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The one address with a token in it. */
  readonly link: string | undefined;
}

export interface Mailbox {
  /** For SMTP_URL. */
  readonly url: string;
  /** All letters to this address, in the order of coming. */
  to(address: string): readonly Letter[];
  /** The letters to this address, once there are `count` of them. */
  waitFor(address: string, count?: number): Promise<readonly Letter[]>;
  /** How the next recipients are answered, instead of by 250. */
  refuse(reply: string | undefined): void;
}

const closers = new Set<() => void>();
afterAll(() => {
  for (const close of closers) close();
});

/** A server on a port of its own; it goes with the test file. */
export async function openMailbox(): Promise<Mailbox> {
  const letters: Letter[] = [];
  let refusal: string | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    converse(
      socket,
      (letter) => letters.push(letter),
      () => refusal,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.add(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const to = (address: string) => letters.filter((letter) => letter.to === address);
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to,
    async waitFor(address, count = 1) {
      await until(`${count} letters to ${address}`, () => to(address).length >= count);
      return to(address);
    },
    refuse(reply) {
      refusal = reply;
    },
  };
}

/** One SMTP session (RFC 5321), as far as a client that behaves goes. */
function converse(socket: Socket, keep: (letter: Letter) => void, refusal: () => string | undefined): void {
  let buffer = '';
  let recipient = '';
  let inData = false;
  const reply = (line: string) => socket.write(`${line}\r\n`);
  reply('220 mailbox');
  socket.on('data', (bytes) => {
    buffer += bytes.toString('latin1');
    for (;;) {
      const mark = inData ? '\r\n.\r\n' : '\r\n';
      const end = buffer.indexOf(mark);
      if (end < 0) return;
      const part = buffer.slice(0, end);
      buffer = buffer.slice(end + mark.length);
      if (inData) {
        inData = false;
        keep(read(recipient, part));
        reply('250 kept');
        continue;
      }
      const command = part.slice(0, 4).toUpperCase();
      if (command === 'RCPT') {
        recipient = /<([^>]*)>/.exec(part)?.[1] ?? '';
        reply(refusal() ?? '250 ok');
      } else if (command === 'DATA') {
        inData = true;
        reply('354 go on');
      } else if (command === 'QUIT') {
        reply('221 bye');
        socket.end();
      } else reply('250 ok');
    }
  });
}

function read(to: string, message: string): Letter {
  const [head = '', ...body] = message.split('\r\n\r\n');
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1] ?? '';
  const whole = body.join('\r\n\r\n');
  const encoding = header('content-transfer-encoding').toLowerCase();
  const text = encoding === 'quoted-printable' ? decodeQuoted(whole) : encoding === 'base64' ? decode64(whole) : whole;
  return { to, subject: header('subject'), text, link: /https?:\/\/\S+token=[0-9a-f]+/.exec(text)?.[0] };
}

const decode64 = (text: string): string => Buffer.from(text, 'base64').toString('utf8');

function decodeQuoted(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
