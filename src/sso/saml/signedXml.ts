/**
 * The one use of xml-crypto for what comes in: the library that verifies below node-saml, here with our tables of algorithms in place
 * of its own, so that it knows more of the strong ones (elliptic curves, PSS, SHA-384) and none of the weak. It answers the bytes that are
 * signed; what those say is for checks.ts to judge, by our clock, with an explanation for the admin.
 */
import { createHash } from 'node:crypto';
import { type HashAlgorithm, type SignatureAlgorithm, SignedXml } from 'xml-crypto';
import { SignInFault } from '../protocol.ts';
import { digests, signatureAlgorithms, verifiesWith } from './schemes.ts';
import type { SignatureShape } from './signatureShape.ts';

/** As xml-crypto calls it. It only ever verifies here. */
function signatureBy(algorithm: string): new () => SignatureAlgorithm {
  return class {
    getSignature = (): never => {
      throw new Error('nothing is signed here');
    };
    verifySignature = (material: string, key: unknown, value: string): boolean =>
      typeof key === 'string' &&
      verifiesWith(key, Buffer.from(material, 'utf8'), Buffer.from(value, 'base64'), algorithm);
    getAlgorithmName = (): string => algorithm;
  } as unknown as new () => SignatureAlgorithm;
}

function digestBy(algorithm: string, hash: string): new () => HashAlgorithm {
  return class implements HashAlgorithm {
    getHash = (xml: string): string => createHash(hash).update(xml, 'utf8').digest('base64');
    getAlgorithmName = (): string => algorithm;
  };
}

const known = {
  signatures: Object.fromEntries(signatureAlgorithms.map((name) => [name, signatureBy(name)])),
  digests: Object.fromEntries([...digests].map(([name, hash]) => [name, digestBy(name, hash)])),
};

/** Knows what our tables know, and nothing else; ids are those that readSignature has looked at. */
class Verifier extends SignedXml {
  constructor(pem: string) {
    super({ publicCert: pem });
    this.SignatureAlgorithms = known.signatures;
    this.HashAlgorithms = known.digests;
    // Each spelling costs a walk over all attributes; that an id is there once, in whatever spelling, has been seen to.
    this.idAttributes = ['ID'];
  }
}

/**
 * The element that this signature of the message `text` covers, as it is signed: canonical, and without the signature. `signer`: the
 * certificate (PEM) that has signed (signer.ts). Throws SignInFault `signature_invalid`.
 */
export function signedXml(text: string, { element, signed }: SignatureShape, signer: string): string {
  const verifier = new Verifier(signer);
  let covered: readonly string[] = [];
  let cause: unknown;
  try {
    verifier.loadSignature(element);
    if (verifier.checkSignature(text)) covered = verifier.getSignedReferences();
  } catch (error) {
    cause = error;
  }
  const [xml, ...more] = covered;
  if (xml !== undefined && more.length === 0) return xml;
  throw new SignInFault(
    'signature_invalid',
    `The signature of the ${signed.localName.toLowerCase()} is not valid`,
    cause === undefined ? {} : { cause },
  );
}
