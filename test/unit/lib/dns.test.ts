/** Look-ups against a DNS server on loopback that answers as it is told. */
import { createSocket, type Socket } from 'node:dgram';
import { lookup as lookUpBySystem } from 'node:dns/promises';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openAddressLookup, openTxtLookup } from '../../../src/lib/dns.ts';
import { openOutgoing } from '../../../src/lib/outgoing.ts';

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

/** What a server answers to a question of this type: a code (RFC 1035 §4.1.1) and the data of records; nothing where undefined. */
type Answer = (type: number) => { readonly code: number; readonly data: readonly Buffer[] } | undefined;

async function serve(answerTo: Answer): Promise<string> {
  const socket = createSocket('udp4');
  open.push(socket);
  socket.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const type = question.readUInt16BE(end - 4);
    const answer = answerTo(type);
    if (answer === undefined) return;
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8180 | answer.code, 2);
    header.writeUInt16BE(answer.data.length, 6);
    header.writeUInt32BE(0, 8);
    const answers = answer.data.map((data) => {
      // The name of the question, its type, IN, 60 s.
      const head = Buffer.from([0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 0xff]);
      return Buffer.concat([head, data]);
    });
    socket.send(Buffer.concat([header, question.subarray(12, end), ...answers]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return `127.0.0.1:${socket.address().port}`;
}

/** A server of these TXT records, each in pieces. */
function serveDns(code: number, records: readonly (readonly string[])[] = []): Promise<string> {
  const data = records.map((pieces) =>
    Buffer.concat(pieces.map((piece) => Buffer.concat([Buffer.from([piece.length]), Buffer.from(piece)]))),
  );
  return serve(() => ({ code, data }));
}

const lookUp = async (code: number, records?: readonly (readonly string[])[]) =>
  openTxtLookup([await serveDns(code, records)])('_gatehouse.acme.example');

describe('a TXT lookup', () => {
  test('answers all records, each put together from its pieces', async () => {
    expect(await lookUp(0, [['one'], ['gatehouse-', 'verification=', 'x']])).toEqual([
      'one',
      'gatehouse-verification=x',
    ]);
  });

  test('answers none where there is no such name, or no such record', async () => {
    expect(await lookUp(3)).toEqual([]);
    expect(await lookUp(0)).toEqual([]);
  });

  test.each([
    ['fails', 2],
    ['refuses', 5],
  ])('says that there is no answer where the server %s', async (_what, code) => {
    await expect(lookUp(code)).rejects.toMatchObject({ code: 'dns_unanswered' });
  });
});

describe('a look-up of addresses', () => {
  const [a, aaaa] = [1, 28];
  const silent: Answer = () => undefined;
  const found = async (answerTo: Answer, name = 'idp.acme.example') => openAddressLookup([await serve(answerTo)])(name);

  test('answers those of both families, and those of one where there are no others', async () => {
    const four = Buffer.from([192, 0, 2, 7]);
    const six = Buffer.from('20010db8000000000000000000000007', 'hex');
    const both: Answer = (type) => ({ code: 0, data: [type === a ? four : six] });
    expect(await found(both)).toEqual(['192.0.2.7', '2001:db8::7']);
    expect(await found((type) => ({ code: 0, data: type === a ? [four] : [] }))).toEqual(['192.0.2.7']);
    expect(await found((type) => (type === aaaa ? { code: 0, data: [six] } : { code: 2, data: [] }))).toEqual([
      '2001:db8::7',
    ]);
  });

  test.each([
    ['there is no such name', 'ENOTFOUND', () => ({ code: 3, data: [] })],
    ['it has no address', 'ENOTFOUND', () => ({ code: 0, data: [] })],
    ['the server fails', 'EAI_AGAIN', () => ({ code: 2, data: [] })],
    ['nobody answers', 'EAI_AGAIN', silent],
    [
      'nobody answers for one family, and the other has none',
      'EAI_AGAIN',
      (type) => (type === a ? undefined : { code: 0, data: [] }),
    ],
  ] as [string, string, Answer][])('says why where %s: %s', async (_why, code, answerTo) => {
    await expect(found(answerTo)).rejects.toMatchObject({ code });
  });

  test('asks nobody who this machine is', async () => {
    expect(await found(silent, 'a.LocalHost.')).toEqual(['127.0.0.1', '::1']);
  });

  test('many of a name for which nobody answers hold up no other look-up of the process', async () => {
    const sendOut = openOutgoing({ allowPrivate: false, dnsServers: [await serve(silent)] });
    let ended = 0;
    const asked = Array.from({ length: 16 }, () =>
      sendOut('https://hooks.silent.example/').catch((error: unknown) => {
        ended += 1;
        return error;
      }),
    );
    expect((await lookUpBySystem('localhost')).address).toMatch(/^(127\.|::1)/);
    expect(ended).toBe(0);
    for (const error of await Promise.all(asked)) {
      expect(error).toMatchObject({
        code: 'remote_unreachable',
        message: expect.stringContaining('cannot be resolved'),
      });
    }
  }, 30_000);
});
