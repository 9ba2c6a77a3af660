/**
 * What an encrypted assertion or NameID may look like (XML Encryption 1.1): one EncryptedData with one EncryptedKey, which stands in its KeyInfo, or
 * beside it, named by a RetrievalMethod or not; each with one method of those that count, and one cipher value.
 */
import { SignInFault } from '../protocol.ts';
import { attributeOf, childrenNamed, childrenOf, elementsBelow, isNamed, namespacesAbove, textOf } from './dom.ts';
import { encryption11Ns, encryptionNs, signatureNs } from './names.ts';
import type { OaepScheme } from './oaep.ts';

interface ContentScheme {
  /** As node calls it. */
  readonly cipher: string;
  readonly keyBytes: number;
  readonly gcm: boolean;
}

const cbc = (bits: number): ContentScheme => ({ cipher: `aes-${bits}-cbc`, keyBytes: bits / 8, gcm: false });
const gcm = (bits: number): ContentScheme => ({ cipher: `aes-${bits}-gcm`, keyBytes: bits / 8, gcm: true });

/** What assertions may be encrypted with; GCM first, for what is changed on the way cannot be opened at all. */
export const contentSchemes: ReadonlyMap<string, ContentScheme> = new Map([
  [`${encryption11Ns}aes128-gcm`, gcm(128)],
  [`${encryption11Ns}aes192-gcm`, gcm(192)],
  [`${encryption11Ns}aes256-gcm`, gcm(256)],
  [`${encryptionNs}aes128-cbc`, cbc(128)],
  [`${encryptionNs}aes192-cbc`, cbc(192)],
  [`${encryptionNs}aes256-cbc`, cbc(256)],
]);

/** What their keys may be wrapped with: the first has SHA-1 in its masks, where it is no weakness; the second names what it has. */
export const keyEncryptions = [`${encryptionNs}rsa-oaep-mgf1p`, `${encryption11Ns}rsa-oaep`] as const;

/** Inside of OAEP SHA-1 is no weakness either, and the default. */
const digests: ReadonlyMap<string, string> = new Map([
  [`${signatureNs}sha1`, 'sha1'],
  [`${encryptionNs}sha256`, 'sha256'],
  ['http://www.w3.org/2001/04/xmldsig-more#sha384', 'sha384'],
  [`${encryptionNs}sha512`, 'sha512'],
]);
const masks: ReadonlyMap<string, string> = new Map(
  ['sha1', 'sha256', 'sha384', 'sha512'].map((hash) => [`${encryption11Ns}mgf1${hash}`, hash]),
);
/** Labels are the receiver's to know; longer ones only cost time. */
const LABEL_LIMIT = 256;

export interface EncryptionShape {
  readonly content: ContentScheme;
  readonly data: Buffer;
  readonly oaep: OaepScheme;
  readonly wrappedKey: Buffer;
  /** The namespaces that hold where it stands, by their prefixes. */
  readonly scope: ReadonlyMap<string, string>;
}

const malformed = (detail: string) => new SignInFault('malformed', detail);
const refused = (name: string | undefined, wanted: string) =>
  new SignInFault('algorithm_refused', `The encryption ${name || '(none)'} is not accepted: use ${wanted}`);

/** Throws SignInFault `malformed`, and `algorithm_refused` for an encryption that is not listed. */
export function readEncryption(encrypted: Element): EncryptionShape {
  const elements = elementsBelow(encrypted);
  const [data, ...otherData] = elements.filter((element) => isNamed(element, encryptionNs, 'EncryptedData'));
  const [key, ...otherKeys] = elements.filter((element) => isNamed(element, encryptionNs, 'EncryptedKey'));
  if (data?.parentNode !== encrypted || key === undefined || otherData.length > 0 || otherKeys.length > 0) {
    throw malformed(`${encrypted.localName} must hold one EncryptedData with one EncryptedKey`);
  }
  requirePlace(encrypted, data, key);
  if (elements.filter(({ localName }) => localName === 'CipherValue').length !== 2) {
    throw malformed(`${encrypted.localName} must hold two cipher values`);
  }
  const method = only(data, 'EncryptionMethod');
  const name = attributeOf(method, 'Algorithm');
  const content = contentSchemes.get(name ?? '');
  if (content === undefined) throw refused(name, 'AES in CBC or GCM mode');
  return {
    content,
    data: cipherIn(data),
    oaep: readOaep(only(key, 'EncryptionMethod')),
    wrappedKey: cipherIn(key),
    scope: namespacesAbove(data),
  };
}

/** In the KeyInfo of the data, or beside the data; who points to it points there. */
function requirePlace(encrypted: Element, data: Element, key: Element): void {
  const infos = childrenNamed(data, signatureNs, 'KeyInfo');
  const inside = infos.some((info) => key.parentNode === info);
  if (infos.length > 1 || (!inside && key.parentNode !== encrypted)) {
    throw malformed(`The key in ${encrypted.localName} must stand in the KeyInfo of the data, or beside the data`);
  }
  const pointers = infos.flatMap((info) => childrenNamed(info, signatureNs, 'RetrievalMethod'));
  const id = attributeOf(key, 'Id');
  const astray = pointers.some(
    (pointer) => childrenOf(pointer).length > 0 || id === undefined || attributeOf(pointer, 'URI') !== `#${id}`,
  );
  if (astray || pointers.length > 1) throw malformed(`${encrypted.localName} must name its key by the id of that key`);
}

function readOaep(method: Element): OaepScheme {
  const name = attributeOf(method, 'Algorithm');
  const [plain, explicit] = keyEncryptions;
  if (name !== plain && name !== explicit) throw refused(name, plain);
  const digest = schemeOf(method, signatureNs, 'DigestMethod', digests) ?? 'sha1';
  const mgf = schemeOf(method, encryption11Ns, 'MGF', masks);
  if (mgf !== undefined && name === plain) throw malformed('rsa-oaep-mgf1p has masks by SHA-1, and names no others');
  const [label, ...more] = childrenNamed(method, encryptionNs, 'OAEPparams');
  if (more.length > 0 || (label && textOf(label).length > LABEL_LIMIT)) throw malformed('OAEPparams is no label');
  return { digest, mgf: mgf ?? 'sha1', label: label ? Buffer.from(textOf(label), 'base64') : Buffer.alloc(0) };
}

/** What the table says of the algorithm that a child names; undefined where there is no such child. */
function schemeOf(
  method: Element,
  namespace: string,
  name: string,
  table: ReadonlyMap<string, string>,
): string | undefined {
  const [child, ...more] = childrenNamed(method, namespace, name);
  if (more.length > 0) throw malformed(`${method.localName} has ${more.length + 1} elements called ${name}`);
  if (child === undefined) return undefined;
  const algorithm = attributeOf(child, 'Algorithm');
  const value = table.get(algorithm ?? '');
  if (value === undefined) throw refused(algorithm, `SHA-1 or SHA-2 inside of OAEP`);
  return value;
}

function only(parent: Element, name: string): Element {
  const [one, ...more] = childrenNamed(parent, encryptionNs, name);
  if (one === undefined || more.length > 0) throw malformed(`${parent.localName} must have one ${name}`);
  return one;
}

function cipherIn(parent: Element): Buffer {
  const value = only(only(parent, 'CipherData'), 'CipherValue');
  if (childrenOf(value).length > 0) throw malformed('CipherValue is not base64');
  return Buffer.from(textOf(value), 'base64');
}
