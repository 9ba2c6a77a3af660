/**
 * Verifies a signature of the one shape that readSignature lets through: first by whose key SignedInfo is signed, then whether the digest is
 * that of the element. So what nobody signed costs next to nothing, and an admin learns which of the two is wrong. What is signed is
 * answered as it was hashed: whoever reads on reads that text, and nothing else of the message.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ExclusiveCanonicalization } from 'xml-crypto';
import { SignInFault } from '../protocol.ts';
import { namespacesAbove } from './dom.ts';
import { digests, verifiesWith } from './schemes.ts';
import type { SignatureShape } from './signatureShape.ts';

/**
 * The element that this signature covers: canonical, and without the signature. `certificates`: PEM, of the connection. Throws
 * SignInFault `signature_invalid`: none of them has signed, or other contents.
 */
export function verifySigned(signature: SignatureShape, certificates: readonly string[]): string {
  const { signed, info, infoKeeps, value, algorithm } = signature;
  const material = Buffer.from(canonical(info, infoKeeps), 'utf8');
  const what = signed.localName.toLowerCase();
  if (!certificates.some((pem) => verifiesWith(pem, material, value, algorithm))) {
    const which = certificates.length === 1 ? 'the certificate' : `any of the ${certificates.length} certificates`;
    throw invalid(`The ${what} is signed with a key that is not that of ${which} of this connection`);
  }
  const text = withoutSignature(signature);
  if (!hasDigest(text, signature)) throw invalid(`The ${what} was changed after it was signed`);
  return text;
}

const invalid = (detail: string) => new SignInFault('signature_invalid', detail);

/** The enveloped signature is left out, and nothing else (XML Signature §6.6.4). */
function withoutSignature({ element, signed, keeps }: SignatureShape): string {
  const next = element.nextSibling;
  signed.removeChild(element);
  try {
    return canonical(signed, keeps);
  } finally {
    signed.insertBefore(element, next);
  }
}

function hasDigest(text: string, { digest, digestValue }: SignatureShape): boolean {
  const found = createHash(digests.get(digest) ?? '')
    .update(text, 'utf8')
    .digest();
  return found.length === digestValue.length && timingSafeEqual(found, digestValue);
}

interface Name {
  readonly namespaceURI?: string | null;
  readonly localName: string;
}

const order = (a: string, b: string): 1 | 0 | -1 => (a === b ? 0 : a < b ? -1 : 1);

/**
 * As Canonical XML §2.2 and §2.3 order it: prefixes by their letters' numbers, attributes by namespace and then by name. xml-crypto orders prefixes as
 * people read them, `ds` before `Saml`, and attributes by both in one text, so that honest messages would seem to be changed.
 */
class Canonicalization extends ExclusiveCanonicalization {
  override nsCompare(a: { readonly prefix: string }, b: { readonly prefix: string }): 1 | 0 | -1 {
    return order(a.prefix, b.prefix);
  }

  override attrCompare(a: Name, b: Name): 1 | 0 | -1 {
    return order(a.namespaceURI ?? '', b.namespaceURI ?? '') || order(a.localName, b.localName);
  }

  /** Exclusive XML Canonicalization §3: what is kept may be the default namespace, too, by the name `#default`, which xml-crypto does not know. */
  override renderNs(
    ...[node, inScope, defaultNs, ofPrefixes, keeps]: Parameters<ExclusiveCanonicalization['renderNs']>
  ): ReturnType<ExclusiveCanonicalization['renderNs']> {
    const found = super.renderNs(node, inScope, defaultNs, ofPrefixes, keeps);
    const around = keeps.includes('#default') && node.prefix ? (node.lookupNamespaceURI('') ?? '') : defaultNs;
    return around === defaultNs ? found : { rendered: ` xmlns="${around}"${found.rendered}`, newDefaultNs: around };
  }
}

function canonical(element: Element, keeps: readonly string[]): string {
  const ancestorNamespaces = [...namespacesAbove(element)]
    .filter(([prefix]) => prefix !== '')
    .map(([prefix, namespaceURI]) => ({ prefix, namespaceURI }));
  const options = { inclusiveNamespacesPrefixList: [...keeps], ancestorNamespaces };
  return new Canonicalization().process(element, options);
}
