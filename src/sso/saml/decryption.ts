/**
 * Encrypted assertions, names and attributes. Anybody can encrypt for us and have it opened, so the plain text passes the same gate as any other
 * message, and nothing that fails until then can be told from anything else that does: not by code, not by detail.
 */
import { createDecipheriv, createPrivateKey } from 'node:crypto';
import { SignInFault } from '../protocol.ts';
import type { EncryptionShape } from './encryptionShape.ts';
import { type Message, parseText } from './message.ts';
import { openOaep } from './oaep.ts';

const GCM_NONCE = 12;
const GCM_TAG = 16;
const AES_BLOCK = 16;

/** Opens what is encrypted with the first of these keys (PEM) that fits; `what` is its name for the admin. Throws `decryption_failed`. */
export function openEncrypted(
  shape: EncryptionShape,
  keys: readonly string[],
  what: 'assertion' | 'NameID' | 'attribute',
): Message {
  for (const key of keys) {
    const message = open(shape, key);
    if (message) return message;
  }
  throw new SignInFault(
    'decryption_failed',
    keys.length === 0
      ? `The ${what} is encrypted, and this connection has no key: make one, and give its metadata to the IdP`
      : `The ${what} cannot be decrypted with any key of this connection: give its present metadata to the IdP`,
  );
}

function open({ content, data, oaep, wrappedKey, scope }: EncryptionShape, pem: string): Message | undefined {
  try {
    const key = openOaep(createPrivateKey(pem), wrappedKey, oaep);
    if (key.length !== content.keyBytes) return undefined;
    return parseInside(content.gcm ? openGcm(content.cipher, key, data) : openCbc(content.cipher, key, data), scope);
  } catch {
    return undefined;
  }
}

/**
 * Whoever encrypts an element may leave out the namespaces that are declared around it: what is opened stands where it stood (XML Encryption §4.3.3). It is
 * read as it is where it declares all that it uses; else what is missing is taken from around it. A signature inside covers each prefix that is used.
 */
function parseInside(bytes: Buffer, scope: ReadonlyMap<string, string>): Message {
  const alone = parsed(bytes);
  if (alone?.document.documentElement.namespaceURI) return alone;
  return parseText(Buffer.from(declared(bytes.toString('utf8'), scope), 'utf8'));
}

function parsed(bytes: Buffer): Message | undefined {
  try {
    return parseText(bytes);
  } catch {
    return undefined;
  }
}

const special: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '"': '&quot;' };

/** The text with these namespaces declared at its first element, but for those that it declares there itself. */
function declared(text: string, scope: ReadonlyMap<string, string>): string {
  return text.replace(/<[A-Za-z_][^<>]*/, (tag) => {
    const missing = [...scope]
      .map(([prefix, uri]) => [prefix === '' ? 'xmlns' : `xmlns:${prefix}`, uri] as const)
      .filter(([name]) => !tag.split(/[\s=]+/).includes(name))
      .map(([name, uri]) => ` ${name}="${uri.replace(/[&<"]/g, (sign) => special[sign] ?? sign)}"`);
    return tag.replace(/\s*\/?$/, (end) => `${missing.join('')}${end}`);
  });
}

/** XML Encryption 1.1 §5.2.4: the nonce first, the tag last. */
function openGcm(cipher: string, key: Buffer, data: Buffer): Buffer {
  const opener = createDecipheriv(cipher as 'aes-256-gcm', key, data.subarray(0, GCM_NONCE), {
    authTagLength: GCM_TAG,
  });
  opener.setAuthTag(data.subarray(-GCM_TAG));
  return Buffer.concat([opener.update(data.subarray(GCM_NONCE, -GCM_TAG)), opener.final()]);
}

/** XML Encryption 1.1 §5.2.3: padded with anything, whose length its last byte says. */
function openCbc(cipher: string, key: Buffer, data: Buffer): Buffer {
  const opener = createDecipheriv(cipher, key, data.subarray(0, AES_BLOCK)).setAutoPadding(false);
  const padded = Buffer.concat([opener.update(data.subarray(AES_BLOCK)), opener.final()]);
  const padding = padded.at(-1) ?? 0;
  if (padding < 1 || padding > AES_BLOCK) throw new Error('not padded');
  return padded.subarray(0, -padding);
}
