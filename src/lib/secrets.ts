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

/** Encrypts and decrypts what must be read again (the Organization Default Key). */
export interface Sealer {
  seal(plain: string): string;
  /** Throws where the text was not sealed with this key, or was changed since. */
  open(sealed: string): string;
}

/** AES-256-GCM under a key derived from `key`; the sealed text is `v1.` and base64url of iv, tag and cipher text. */
export function openSealer(key: string): Sealer {
  const secret = createHash('sha256').update('gatehouse-seal\n').update(key, 'utf8').digest();
  return {
    seal(plain) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', secret, iv);
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return `v1.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')}`;
    },
    open(sealed) {
      if (!sealed.startsWith('v1.')) throw new Error('not a sealed text of a known version');
      const bytes = Buffer.from(sealed.slice(3), 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
  };
}
