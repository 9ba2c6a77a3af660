/**
 * RSA-OAEP (RFC 8017 §7.1.2) where the digest and the mask generation use different hashes, as XML Encryption lets them: node's own
 * decryption, which is used wherever both are the same, knows one hash for both.
 */
import { constants, createHash, type KeyObject, privateDecrypt } from 'node:crypto';

export interface OaepScheme {
  /** Of the label. */
  readonly digest: string;
  /** Of the masks. */
  readonly mgf: string;
  readonly label: Buffer;
}

/** The content of `cipher`. Throws for everything that is none, always in the same way and after the same work (Manger's attack). */
export function openOaep(key: KeyObject, cipher: Buffer, { digest, mgf, label }: OaepScheme): Buffer {
  if (digest === mgf) {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    return privateDecrypt({ key, padding, oaepHash: digest, ...(label.length > 0 && { oaepLabel: label }) }, cipher);
  }
  return decode(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, cipher), { digest, mgf, label });
}

function decode(block: Buffer, { digest, mgf, label }: OaepScheme): Buffer {
  const expected = createHash(digest).update(label).digest();
  const size = expected.length;
  if (block.length < 2 * size + 2) throw new Error('not OAEP');
  const seed = xor(block.subarray(1, 1 + size), mask(block.subarray(1 + size), size, mgf));
  const data = xor(block.subarray(1 + size), mask(seed, block.length - size - 1, mgf));
  // No early end: which of the parts is wrong must not show.
  let wrong = block[0] ?? 1;
  for (let at = 0; at < size; at += 1) wrong |= (data[at] ?? 0) ^ (expected[at] ?? 0);
  let begin = 0;
  let searching = 1;
  for (let at = size; at < data.length; at += 1) {
    const byte = data[at] ?? 0;
    const one = searching & Number(byte === 1);
    begin += one * (at + 1);
    searching &= 1 - one;
    wrong |= searching & Number(byte !== 0);
  }
  if ((wrong | searching) !== 0) throw new Error('not OAEP');
  return data.subarray(begin);
}

/** MGF1 (RFC 8017 §B.2.1). */
function mask(seed: Buffer, length: number, hash: string): Buffer {
  const blocks: Buffer[] = [];
  for (let made = 0, counter = 0; made < length; counter += 1) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    const block = createHash(hash).update(seed).update(number).digest();
    blocks.push(block);
    made += block.length;
  }
  return Buffer.concat(blocks).subarray(0, length);
}

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));
