/** OpenSSH public keys as one line of an `authorized_keys` file: read strictly, and written in one form only. */
import { createHash, createPublicKey } from 'node:crypto';

export interface SshPublicKey {
  readonly type: string;
  /** The type and the key in base64, without a comment. */
  readonly line: string;
  /** As `ssh-keygen -l` writes it: `SHA256:` and base64 without padding. */
  readonly fingerprint: string;
  /** What stood behind the key. */
  readonly comment: string | undefined;
}

/** A text that is no public key that we take, and why. */
export interface SshKeyFault {
  readonly fault: string;
}

const curves: Readonly<Record<string, { readonly crv: string; readonly size: number }>> = {
  nistp256: { crv: 'P-256', size: 32 },
  nistp384: { crv: 'P-384', size: 48 },
  nistp521: { crv: 'P-521', size: 66 },
};

const minRsaBits = 2048;
const maxRsaBits = 16_384;
const application = (fields: Fields): string | undefined =>
  fields.text()?.startsWith('ssh:') ? undefined : 'its application is none of ssh';

/** What the fields behind the type must be (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4, OpenSSH's PROTOCOL.u2f). */
const forms: Readonly<Record<string, (fields: Fields) => string | undefined>> = {
  'ssh-ed25519': ed25519,
  'ssh-rsa': rsa,
  'ecdsa-sha2-nistp256': (fields) => ecdsa(fields, 'nistp256'),
  'ecdsa-sha2-nistp384': (fields) => ecdsa(fields, 'nistp384'),
  'ecdsa-sha2-nistp521': (fields) => ecdsa(fields, 'nistp521'),
  'sk-ssh-ed25519@openssh.com': (fields) => ed25519(fields) ?? application(fields),
  'sk-ecdsa-sha2-nistp256@openssh.com': (fields) => ecdsa(fields, 'nistp256') ?? application(fields),
};

/**
 * Reads `type base64 [comment]`: one line, no options before the type. RSA has 2048 bits or more, points lie on their curve,
 * and nothing follows the last field. The fault never repeats the text, which may be a private key.
 */
export function parseSshPublicKey(text: string): SshPublicKey | SshKeyFault {
  if (/PRIVATE KEY/.test(text)) {
    return { fault: 'this is a private key: keep it to yourself, and send the file that ends in .pub' };
  }
  const line = text.trim();
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(line.replaceAll('\t', ' '))) return { fault: 'must be one line' };
  const [type = '', encoded = '', ...comment] = line.split(/[ \t]+/);
  const form = Object.hasOwn(forms, type) ? forms[type] : undefined;
  if (form === undefined) {
    return { fault: `must begin with one of ${Object.keys(forms).join(', ')}: options and other types are not taken` };
  }
  const blob = Buffer.from(encoded, 'base64');
  if (blob.length === 0 || blob.toString('base64') !== encoded) return { fault: 'the key is not written in base64' };
  const fields = new Fields(blob);
  const fault = fields.text() === type ? form(fields) : 'the key is of another type than it says';
  if (fault !== undefined) return { fault };
  if (!fields.atEnd) return { fault: 'the key is followed by something else' };
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return {
    type,
    line: `${type} ${encoded}`,
    fingerprint: `SHA256:${digest}`,
    comment: comment.length === 0 ? undefined : comment.join(' '),
  };
}

/** The length-prefixed fields of a key (RFC 4251 §5); one that is cut short is undefined. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(): Buffer | undefined {
    if (this.#at + 4 > this.#bytes.length) return undefined;
    const from = this.#at + 4;
    const end = from + this.#bytes.readUInt32BE(this.#at);
    if (end > this.#bytes.length) return undefined;
    this.#at = end;
    return this.#bytes.subarray(from, end);
  }

  text(): string | undefined {
    return this.bytes()?.toString('latin1');
  }

  /** A positive integer in its shortest form. */
  integer(): bigint | undefined {
    const bytes = this.bytes();
    const [first = 0, second = 0] = bytes ?? [];
    if (bytes === undefined || bytes.length === 0 || first >= 0x80 || (first === 0 && second < 0x80)) return undefined;
    return BigInt(`0x${bytes.toString('hex')}`);
  }
}

function ed25519(fields: Fields): string | undefined {
  return fields.bytes()?.length === 32 ? undefined : 'an Ed25519 key has 32 bytes';
}

function rsa(fields: Fields): string | undefined {
  const exponent = fields.integer();
  const modulus = fields.integer();
  if (exponent === undefined || modulus === undefined) return 'the RSA key cannot be read';
  const bits = modulus.toString(2).length;
  if (bits < minRsaBits) return `an RSA key needs ${minRsaBits} bits or more; this one has ${bits}`;
  if (bits > maxRsaBits) return `an RSA key has at most ${maxRsaBits} bits; this one has ${bits}`;
  return exponent >= 3n && exponent % 2n === 1n ? undefined : 'the exponent of the RSA key is none';
}

function ecdsa(fields: Fields, name: 'nistp256' | 'nistp384' | 'nistp521'): string | undefined {
  if (fields.text() !== name) return 'the key lies on another curve than it says';
  const { crv, size } = curves[name] ?? { crv: '', size: 0 };
  const point = fields.bytes();
  if (point?.length !== 1 + 2 * size || point[0] !== 4) return 'the point of the key cannot be read';
  const coordinate = (from: number) => point.subarray(from, from + size).toString('base64url');
  try {
    createPublicKey({ key: { kty: 'EC', crv, x: coordinate(1), y: coordinate(1 + size) }, format: 'jwk' });
    return undefined;
  } catch {
    return 'the point of the key does not lie on its curve';
  }
}
