/** The TXT lookup against a DNS server on loopback that answers as it is told. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openTxtLookup } from '../../../src/lib/dns.ts';

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

/** A server that answers every question with this code (RFC 1035 §4.1.1) and these TXT records, each in pieces. */
async function serveDns(code: number, records: readonly (readonly string[])[] = []): Promise<string> {
  const socket = createSocket('udp4');
  open.push(socket);
  socket.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8180 | code, 2);
    header.writeUInt16BE(records.length, 6);
    header.writeUInt32BE(0, 8);
    const answers = records.map((pieces) => {
      const data = Buffer.concat(
        pieces.map((piece) => Buffer.concat([Buffer.from([piece.length]), Buffer.from(piece)])),
      );
      // The name of the question, TXT, IN, 60 s.
      const head = Buffer.from([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 0xff]);
      return Buffer.concat([head, data]);
    });
    socket.send(Buffer.concat([header, question.subarray(12, end), ...answers]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return `127.0.0.1:${socket.address().port}`;
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
