import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseSshPublicKey } from '../../../src/lib/sshPublicKey.ts';
import { shortRsaKey, sshKeys } from '../../support/sshKeys.ts';

const field = (bytes: Buffer | string): Buffer => {
  const body = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
};
const lineOf = (type: string, ...fields: readonly (Buffer | string)[]): string =>
  `${type} ${Buffer.concat([type, ...fields].map(field)).toString('base64')}`;
const faultOf = (text: string): string => {
  const parsed = parseSshPublicKey(text);
  return 'fault' in parsed ? parsed.fault : 'taken';
};

const known = sshKeys.ed25519.line;
const [type = '', encoded = ''] = known.split(' ');
const point = Buffer.from(sshKeys.nistp256.line.split(' ')[1] ?? '', 'base64').subarray(-65);

describe('an OpenSSH public key (ACC-5)', () => {
  test.each(Object.entries(sshKeys))(
    '%s is taken, with the fingerprint of ssh-keygen',
    (_name, { line, fingerprint }) => {
      const [keyType, key, ...comment] = line.split(' ');
      expect(parseSshPublicKey(`${line}\n`)).toEqual({
        type: keyType,
        line: `${keyType} ${key}`,
        fingerprint,
        comment: comment.join(' '),
      });
    },
  );

  test.each([
    ['sk-ssh-ed25519@openssh.com', Buffer.alloc(32, 7), 'ssh:'],
    ['sk-ecdsa-sha2-nistp256@openssh.com', 'nistp256', point, 'ssh:work'],
  ] as const)('%s of a security key is taken', (keyType, ...fields) => {
    expect(parseSshPublicKey(lineOf(keyType, ...fields))).toMatchObject({ type: keyType, comment: undefined });
  });

  test.each([
    ['nothing', '', /must begin with/],
    ['options before it', `no-pty ${known}`, /options/],
    ['two lines', `${known}\n${known}`, /one line/],
    ['a control character in the comment', `${known}\u0007`, /one line/],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n', /private key/],
    ['DSA', lineOf('ssh-dss', Buffer.alloc(20, 1)), /other types/],
    ['a certificate', known.replace('ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com'), /other types/],
    ['the name of an inherited property', `constructor ${encoded}`, /other types/],
    ['no base64', `${type} !!!!`, /base64/],
    ['base64 without its padding', sshKeys.nistp256.line.split(' ').slice(0, 2).join(' ').replace(/=+$/, ''), /base64/],
    ['another type than it says', `ssh-rsa ${encoded}`, /another type/],
    ['another curve than it says', lineOf('ecdsa-sha2-nistp256', 'nistp384', point), /another curve/],
    [
      'a point off the curve',
      lineOf('ecdsa-sha2-nistp256', 'nistp256', Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)])),
      /does not lie/,
    ],
    [
      'a compressed point',
      lineOf('ecdsa-sha2-nistp256', 'nistp256', Buffer.concat([Buffer.from([2]), Buffer.alloc(32, 1)])),
      /cannot be read/,
    ],
    ['31 bytes of Ed25519', lineOf('ssh-ed25519', Buffer.alloc(31, 1)), /32 bytes/],
    ['something behind the key', lineOf('ssh-ed25519', Buffer.alloc(32, 1), 'x'), /something else/],
    ['RSA of 1024 bits', shortRsaKey, /2048 bits or more; this one has 1024/],
    [
      'RSA of 2047 bits',
      lineOf('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.concat([Buffer.from([0x40]), Buffer.alloc(255, 1)])),
      /2047/,
    ],
    ['a negative modulus', lineOf('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(256, 0xff)), /cannot be read/],
    [
      'an exponent of one',
      lineOf('ssh-rsa', Buffer.from([1]), Buffer.concat([Buffer.from([0]), Buffer.alloc(256, 0xff)])),
      /exponent/,
    ],
    [
      'a security key of another application',
      lineOf('sk-ssh-ed25519@openssh.com', Buffer.alloc(32, 7), 'https://x'),
      /application/,
    ],
  ])('%s is refused, and says why', (_what, text, fault) => {
    expect(faultOf(text)).toMatch(fault);
    for (const word of text.split(/\s+/).filter((part) => part.length > 20 && !part.includes('@')))
      expect(faultOf(text)).not.toContain(word);
  });

  test('is never read from a key that was cut short or changed in length, and reading never throws', () => {
    const blob = Buffer.from(encoded, 'base64');
    fc.assert(
      fc.property(fc.nat(blob.length - 1), (length) => {
        expect(faultOf(`${type} ${blob.subarray(0, length).toString('base64')}`)).not.toBe('taken');
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void parseSshPublicKey(text)));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const body = Buffer.concat([field('ssh-rsa'), Buffer.from(bytes)]);
        expect(faultOf(`ssh-rsa ${body.toString('base64')}`)).not.toBe('taken');
      }),
    );
  });
});
