/**
 * Encrypted assertions. Anybody can encrypt for us and have it opened, so the plain text passes the same gate as any other
 * message, and nothing that fails until then can be told from anything else that does: not by code, not by detail.
 */
import { decrypt } from 'xml-encryption';
import { SignInFault } from '../protocol.ts';
import { attributeOf, elementsBelow, isNamed } from './dom.ts';
import { type Message, parseMessage } from './message.ts';
import { contentEncryption, encryptionNs, keyEncryption, keyEncryptionDigest, signatureNs } from './names.ts';

export interface Decrypted {
  readonly message: Message;
  /** The private key (PEM) that opened it. */
  readonly key: string;
}

/** Which encryption a message uses; told to admins. Throws `algorithm_refused` for one that is not listed. */
export function readEncryption(encrypted: Element): string {
  const elements = elementsBelow(encrypted);
  const [data, ...otherData] = elements.filter((element) => isNamed(element, encryptionNs, 'EncryptedData'));
  const [key, ...otherKeys] = elements.filter((element) => isNamed(element, encryptionNs, 'EncryptedKey'));
  const content = data && algorithmIn(data);
  const wrapped = key && algorithmIn(key);
  if (data?.parentNode !== encrypted || key === undefined || otherData.length > 0 || otherKeys.length > 0) {
    throw new SignInFault('malformed', 'An encrypted assertion must hold one EncryptedData with one EncryptedKey');
  }
  const ciphers = elements.filter(({ localName }) => localName === 'CipherValue').length;
  const reference = elements.find(({ localName }) => localName === 'RetrievalMethod');
  if (ciphers !== 2 || (reference && !/^#[\w.-]+$/.test(attributeOf(reference, 'URI') ?? ''))) {
    throw new SignInFault(
      'malformed',
      'An encrypted assertion must hold two cipher values, and name its key by a plain id',
    );
  }
  if (content === undefined || !contentEncryption.has(content)) throw refused(content, 'AES in CBC or GCM mode');
  if (wrapped !== keyEncryption) throw refused(wrapped, keyEncryption);
  const digests = elements.filter((element) => isNamed(element, signatureNs, 'DigestMethod'));
  const digest = digests
    .map((element) => attributeOf(element, 'Algorithm'))
    .find((name) => name !== keyEncryptionDigest);
  if (digest !== undefined) throw refused(digest, `${keyEncryptionDigest} inside of OAEP`);
  return content;
}

function algorithmIn(element: Element): string | undefined {
  const [method, ...more] = elementsBelow(element).filter(
    (child) => isNamed(child, encryptionNs, 'EncryptionMethod') && child.parentNode === element,
  );
  return method && more.length === 0 ? attributeOf(method, 'Algorithm') : undefined;
}

const refused = (name: string | undefined, wanted: string) =>
  new SignInFault('algorithm_refused', `The encryption ${name ?? '(none)'} is not accepted: use ${wanted}`);

/** Opens an encrypted assertion with the first of these keys (PEM) that fits. Throws `decryption_failed`. */
export async function openAssertion(encrypted: Element, keys: readonly string[]): Promise<Decrypted> {
  const text = encrypted.toString();
  for (const key of keys) {
    const plain = await open(text, key).catch(() => undefined);
    const message = plain === undefined ? undefined : readPlain(plain);
    if (message) return { message, key };
  }
  throw new SignInFault(
    'decryption_failed',
    keys.length === 0
      ? 'The assertion is encrypted, and this connection has no key: make one, and give its metadata to the IdP'
      : 'The assertion cannot be decrypted with any key of this connection: give its present metadata to the IdP',
  );
}

function open(text: string, key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    decrypt(text, { key, disallowDecryptionWithInsecureAlgorithm: true }, (error, plain) => {
      if (error || typeof plain !== 'string') reject(error ?? new Error('nothing was decrypted'));
      else resolve(plain);
    });
  });
}

function readPlain(plain: string): Message | undefined {
  try {
    return parseMessage(plain);
  } catch {
    return undefined;
  }
}
