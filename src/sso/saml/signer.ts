/**
 * Which certificate has made a signature. The library that has the last word (signedXml.ts) needs time by the number of
 * elements; this asks the key first, then the digest, so that what nobody signed costs next to
 * nothing, and an admin learns which of the two is wrong.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ExclusiveCanonicalization } from 'xml-crypto';
import { SignInFault } from '../protocol.ts';
import { digests, verifiesWith } from './schemes.ts';
import type { SignatureShape } from './signatureShape.ts';

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

/** Whether the element without its signature has the digest that was signed. */
function sameContents({ element, signed, digest, digestValue, keeps }: SignatureShape): boolean {
  const next = element.nextSibling;
  signed.removeChild(element);
  try {
    const found = createHash(digests.get(digest) ?? '')
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
