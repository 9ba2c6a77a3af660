/**
 * What a signature may look like before anybody computes anything: enveloped in what it signs, one reference to exactly
 * that, nothing but the listed algorithms and transforms (docs/sso-threats.md, A8, A10, B17). What the library is lenient about, or reads
 * from wherever it stands, is not there any more when it looks.
 */
import { SignInFault } from '../protocol.ts';
import { attributeOf, childrenNamed, childrenOf, elementsBelow, isNamed, textOf } from './dom.ts';
import { envelopedSignature, exclusiveC14n, exclusiveC14nWithComments, signature11Ns, signatureNs } from './names.ts';
import { digests, signatureAlgorithms } from './schemes.ts';

/** A signature of the one shape that there is here. */
export interface SignatureShape {
  readonly element: Element;
  readonly signed: Element;
  readonly info: Element;
  /** Prefixes that the canonicalization of `info` keeps. */
  readonly infoKeeps: readonly string[];
  readonly algorithm: string;
  readonly value: Buffer;
  readonly digest: string;
  readonly digestValue: Buffer;
  /** Prefixes that the canonicalization of what is signed keeps. */
  readonly keeps: readonly string[];
  /** The certificate that the message brings along, base64 of DER: shown to admins, never trusted. */
  readonly certificate?: string;
}

/** What may stand in KeyInfo: a hint for people. Whoever signs is checked by the connection's certificates alone. */
const keyInfoNames: ReadonlySet<string> = new Set([
  'KeyName',
  'KeyValue',
  'RSAKeyValue',
  'Modulus',
  'Exponent',
  'X509Data',
  'X509Certificate',
  'X509IssuerSerial',
  'X509IssuerName',
  'X509SerialNumber',
  'X509SubjectName',
  'X509SKI',
  'X509CRL',
]);

/** Characters of a list of prefixes: each is compared with every namespace around, before any key is asked. */
const PREFIX_LIST_LIMIT = 256;

const malformed = (detail: string) => new SignInFault('signature_invalid', detail);
const base64Text = /^[A-Za-z0-9+/=\s]+$/;

/** The signature that stands directly in `signed`. Throws SignInFault where there are several, or one of another shape. */
export function readSignature(signed: Element): SignatureShape | undefined {
  const [element, ...more] = childrenNamed(signed, signatureNs, 'Signature');
  if (element === undefined) return undefined;
  if (more.length > 0) throw malformed(`${signed.localName} holds ${more.length + 1} signatures`);
  const [info, value, keyInfo] = exactly(element, ['SignedInfo', 'SignatureValue'], ['KeyInfo']);
  const [canonicalization, method, reference] = exactly(info, [
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  ]);
  allow('canonicalization', canonicalization, isExclusive);
  onlyPrefixes(canonicalization);
  const algorithm = allow('signature algorithm', method, (name) => signatureAlgorithms.includes(name));
  exactly(method, []);
  const certificate = keyInfo && readKeyInfo(keyInfo);
  return {
    element,
    signed,
    info,
    infoKeeps: prefixesIn(canonicalization),
    algorithm,
    value: bytesOf(value),
    ...readReference(reference, signed),
    ...(certificate !== undefined && { certificate }),
  };
}

function readReference(reference: Element, signed: Element): Pick<SignatureShape, 'digest' | 'digestValue' | 'keeps'> {
  const id = attributeOf(signed, 'ID') ?? '';
  const uri = attributeOf(reference, 'URI');
  if (id === '' || uri !== `#${id}`) throw malformed(`The signature in ${signed.localName} signs something else`);
  const [transforms, method, value] = exactly(reference, ['Transforms', 'DigestMethod', 'DigestValue']);
  const steps = childrenOf(transforms);
  const names = steps.map((step) => {
    if (!isNamed(step, signatureNs, 'Transform')) throw malformed('Transforms holds something else than transforms');
    onlyPrefixes(step);
    return allow('transform', step, (name) => name === envelopedSignature || isExclusive(name));
  });
  const [first, second = ''] = names;
  if (names.length !== 2 || first !== envelopedSignature || !isExclusive(second)) {
    throw malformed(
      `A signature has the two transforms enveloped-signature and exclusive canonicalization, not ${names.length}`,
    );
  }
  const digest = allow('digest algorithm', method, (name) => digests.has(name));
  exactly(method, []);
  return { digest, digestValue: bytesOf(value), keeps: prefixesIn(steps.at(-1)) };
}

/** The children of an element, which are these of XML Signature in this order, each once. */
function exactly<R extends readonly string[], O extends readonly string[] = []>(
  element: Element,
  required: readonly [...R],
  optional?: readonly [...O],
): [...{ [N in keyof R]: Element }, ...{ [N in keyof O]: Element | undefined }] {
  const children = childrenOf(element);
  const names: readonly string[] = [...required, ...(optional ?? [])];
  const fits =
    children.length >= required.length &&
    children.length <= names.length &&
    children.every((child, index) => isNamed(child, signatureNs, names[index] ?? ''));
  if (fits) return children as ReturnType<typeof exactly<R, O>>;
  throw malformed(`${element.localName} must hold ${names.join(', ') || 'nothing'}, and nothing else`);
}

/** "With or without comments" (SAML Core §5.4.3): no message that has come so far has any (message.ts), so that both are one text. */
const isExclusive = (name: string): boolean => name === exclusiveC14n || name === exclusiveC14nWithComments;

/** The Algorithm of an element; throws `algorithm_refused` where it is not allowed. */
function allow(what: string, element: Element, allowed: (name: string) => boolean): string {
  const name = attributeOf(element, 'Algorithm') ?? '';
  if (allowed(name)) return name;
  throw new SignInFault(
    'algorithm_refused',
    `The ${what} ${name || '(none)'} is not accepted: use RSA or ECDSA with SHA-256 or stronger, and exclusive canonicalization`,
  );
}

/** Canonicalization may be told which prefixes to keep, and nothing else. xml-crypto writes that in a namespace of its own. */
function onlyPrefixes(element: Element): void {
  const children = childrenOf(element);
  const fits = children.every((child) => child.localName === 'InclusiveNamespaces' && childrenOf(child).length === 0);
  if (!fits || children.length > 1)
    throw malformed(`${element.localName} holds something else than InclusiveNamespaces`);
  const list = (children[0] && attributeOf(children[0], 'PrefixList')) ?? '';
  if (list.length > PREFIX_LIST_LIMIT) throw malformed(`${element.localName} keeps more prefixes than any message has`);
}

function prefixesIn(element: Element | undefined): readonly string[] {
  const [list] = element === undefined ? [] : childrenOf(element);
  const text = (list && attributeOf(list, 'PrefixList')) ?? '';
  return text.split(/\s+/).filter((prefix) => prefix !== '');
}

function bytesOf(element: Element): Buffer {
  const text = textOf(element);
  if (childrenOf(element).length > 0 || !base64Text.test(text)) throw malformed(`${element.localName} is not base64`);
  return Buffer.from(text, 'base64');
}

/** What XML Signature 1.1 has added (§4.5.2.3, §4.5.4, §4.5.9) is in a namespace of its own. */
const keyInfo11Names: ReadonlySet<string> = new Set([
  'ECKeyValue',
  'NamedCurve',
  'PublicKey',
  'X509Digest',
  'DEREncodedKeyValue',
]);

const isHint = ({ namespaceURI, localName }: Element): boolean =>
  (namespaceURI === signatureNs && keyInfoNames.has(localName)) ||
  (namespaceURI === signature11Ns && keyInfo11Names.has(localName));

function readKeyInfo(keyInfo: Element): string | undefined {
  const parts = elementsBelow(keyInfo);
  const odd = parts.find((part) => !isHint(part));
  if (odd) throw malformed(`KeyInfo holds ${odd.localName}`);
  const certificate = parts.find(({ localName }) => localName === 'X509Certificate');
  return certificate && textOf(certificate).replace(/\s+/g, '');
}
