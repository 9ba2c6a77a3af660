import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * A new bearer secret: `prefix` (recognisable by people and secret scanners) and 256 random bits in hex.
 */
export function newSecret(prefix: string): string {
  return prefix + randomBytes(32).toString('hex');
}

/** SHA-256 in hex: enough for secrets of 256 random bits, and fast enough for every request. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Whether two secrets are equal, in constant time whatever their lengths. */
export function equalSecrets(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

/** The test of a text against secrets that stay the same: their hashes are made once. In constant time, as `equalSecrets` is. */
export function matcherOf(secrets: readonly string[]): (text: string) => boolean {
  const known = secrets.map((secret) => createHash('sha256').update(secret).digest());
  return (text) => {
    if (known.length === 0) return false;
    const asked = createHash('sha256').update(text).digest();
    return known.some((one) => timingSafeEqual(one, asked));
  };
}

/** Encrypts and decrypts what must be read again (Default Keys, client secrets, private keys). */
export interface Sealer {
  seal(plain: string): string;
  /** Throws where the text was not sealed with a key of this sealer, or was changed since. */
  open(sealed: string): string;
  /** Whether the text was sealed with the key that seals now. */
  isCurrent(sealed: string): boolean;
  /** Whether it also opens what a former key has sealed (OPS-4). */
  readonly hasFormer: boolean;
}

/**
 * AES-256-GCM under a key derived from `key`; the sealed text is `v1.` and base64url of iv, tag and cipher text. `key` may
 * be two, separated by a comma: the first seals, both open.
 */
export function openSealer(key: string): Sealer {
  const [current, ...former] = key.split(',').map(deriveSecret) as [Buffer, ...Buffer[]];
  return {
    seal: (plain) => sealWith(current, plain),
    open(sealed) {
      const owner = former.length === 0 ? current : [current, ...former].find((secret) => opens(secret, sealed));
      return openWith(owner ?? current, sealed);
    },
    isCurrent: (sealed) => opens(current, sealed),
    hasFormer: former.length > 0,
  };
}

const deriveSecret = (key: string): Buffer =>
  createHash('sha256').update('gatehouse-seal\n').update(key.trim(), 'utf8').digest();

function sealWith(secret: Buffer, plain: string): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', secret, iv);
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return `v1.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')}`;
}

function openWith(secret: Buffer, sealed: string): string {
  if (!sealed.startsWith('v1.')) throw new Error('not a sealed text of a known version');
  const bytes = Buffer.from(sealed.slice(3), 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}

function opens(secret: Buffer, sealed: string): boolean {
  try {
    openWith(secret, sealed);
    return true;
  } catch {
    return false;
  }
}
