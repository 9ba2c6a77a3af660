import { generateKeyPairSync } from 'node:crypto';

/** A new public key as PEM. */
export const samplePem = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString();
