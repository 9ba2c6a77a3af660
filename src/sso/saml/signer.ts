/**
 * Which certificate has made a signature. The library that has the last word (signedAssertion.ts) needs time by the number of
 * elements and of certificates; this asks the key first, then the digest, so that what nobody signed costs next to
 * nothing, and an admin learns which of the two is wrong.
 */
import { constants, createHash, timingSafeEqual, verify, X509Certificate } from 'node:crypto';
import { ExclusiveCanonicalization } from 'xml-crypto';
import { SignInFault } from '../protocol.ts';
import type { SignatureShape } from './signatureShape.ts';

interface Scheme {
  readonly hash: string;
  readonly pss?: true;
}

const schemes: Readonly<Record<string, Scheme>> = {
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256': { hash: 'sha256' },
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512': { hash: 'sha512' },
  'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1': { hash: 'sha256', pss: true },
};

const digests: Readonly<Record<string, string>> = {
  'http://www.w3.org/2001/04/xmlenc#sha256': 'sha256',
  'http://www.w3.org/2001/04/xmlenc#sha512': 'sha512',
};

/** The certificate (PEM) of these that has signed. Throws SignInFault `signature_invalid`: none, or other contents. */
export function findSigner(signature: SignatureShape, certificates: readonly string[]): string {
  const { signed, info, value, algorithm } = signature;
  const material = Buffer.from(canonical(info, []), 'utf8');
  const signer = certificates.find((pem) => verifiesWith(pem, material, value, algorithm));
  const what = signed.localName.toLowerCase();
  if (signer === undefined) {
    const which = certificates.length === 1 ? 'the certificate' : `any of the ${certificates.length} certificates`;
    throw invalid(`The ${what} is signed with a key that is not that of ${which} of this connection`);
  }
  if (!sameContents(signature)) throw invalid(`The ${what} was changed after it was signed`);
  return signer;
}

const invalid = (detail: string) => new SignInFault('signature_invalid', detail);

/** Whether `value` is the signature of `material` by the key of this certificate (PEM). */
export function verifiesWith(pem: string, material: Buffer, value: Buffer, algorithm: string): boolean {
  const scheme = schemes[algorithm];
  const key = new X509Certificate(pem).publicKey;
  if (scheme === undefined || key.asymmetricKeyType !== 'rsa') return false;
  const padding = scheme.pss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const options = { key, padding, ...(scheme.pss && { saltLength: constants.RSA_PSS_SALTLEN_DIGEST }) };
  return verify(scheme.hash, material, options, value);
}

/** Whether the element without its signature has the digest that was signed. */
function sameContents({ element, signed, digest, digestValue, keeps }: SignatureShape): boolean {
  const next = element.nextSibling;
  signed.removeChild(element);
  try {
    const found = createHash(digests[digest] ?? '')
      .update(canonical(signed, keeps), 'utf8')
      .digest();
    return found.length === digestValue.length && timingSafeEqual(found, digestValue);
  } finally {
    signed.insertBefore(element, next);
  }
}

function canonical(element: Element, keeps: readonly string[]): string {
  const options = { inclusiveNamespacesPrefixList: [...keeps], ancestorNamespaces: namespacesAbove(element) };
  return String(new ExclusiveCanonicalization().process(element, options));
}

/** The prefixes that are bound around an element, by the nearest binding of each. */
function namespacesAbove(element: Element): { prefix: string; namespaceURI: string }[] {
  const found = new Map<string, string>();
  for (let node = element.parentNode; node !== null; node = node.parentNode) {
    for (const { prefix, localName, value } of Array.from((node as Element).attributes ?? [])) {
      if (prefix === 'xmlns' && !found.has(localName)) found.set(localName, value);
    }
  }
  return [...found].map(([prefix, namespaceURI]) => ({ prefix, namespaceURI }));
}
