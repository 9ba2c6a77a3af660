/** Signs and encrypts SAML messages as IdPs do. */
import { createPublicKey } from 'node:crypto';
import { SignedXml } from 'xml-crypto';
import { type EncryptOptions, encrypt } from 'xml-encryption';
import type { SamlKey } from './key.ts';
import { assertionNs, enveloped, exclusiveC14n, rsaSha256, sha256 } from './names.ts';

export interface SigningOptions {
  /** Of the elements of XML Signature. */
  readonly prefix?: string;
  readonly algorithm?: string;
  readonly digest?: string;
  readonly canonicalization?: string;
  readonly transforms?: readonly string[];
  /** Prefixes that canonicalization keeps, as Okta and AD FS tell it to. */
  readonly inclusivePrefixes?: readonly string[];
}

/** Signs the element of this local name, which has an ID; the signature stands behind its Issuer. */
export function signXml(xml: string, element: string, key: SamlKey, options: SigningOptions = {}): string {
  const { prefix = 'ds', inclusivePrefixes = [] } = options;
  const signer = new SignedXml({
    privateKey: key.privateKey,
    publicCert: key.certificate,
    signatureAlgorithm: options.algorithm ?? rsaSha256,
    canonicalizationAlgorithm: options.canonicalization ?? exclusiveC14n,
  });
  const place = `//*[local-name(.)='${element}']`;
  signer.addReference({
    xpath: place,
    transforms: options.transforms ?? [enveloped, exclusiveC14n],
    digestAlgorithm: options.digest ?? sha256,
    inclusiveNamespacesPrefixList: [...inclusivePrefixes],
  });
  signer.computeSignature(xml, {
    ...(prefix !== '' && { prefix }),
    location: { reference: `${place}/*[local-name(.)='Issuer']`, action: 'after' },
  });
  return signer.getSignedXml();
}

export interface EncryptionOptions {
  readonly algorithm?: string;
  readonly keyAlgorithm?: string;
}

/** An EncryptedAssertion for the holder of this certificate (PEM). */
export const encryptAssertion = (assertion: string, certificate: string, options?: EncryptionOptions) =>
  encryptFor('EncryptedAssertion', assertion, certificate, options);

/** An EncryptedID of a NameID that tells its own namespace. */
export const encryptName = (nameId: string, certificate: string, options?: EncryptionOptions) =>
  encryptFor('EncryptedID', nameId, certificate, options);

/** An EncryptedAttribute of an Attribute that tells its own namespace. */
export const encryptAttribute = (attribute: string, certificate: string, options?: EncryptionOptions) =>
  encryptFor('EncryptedAttribute', attribute, certificate, options);

function encryptFor(
  name: string,
  content: string,
  certificate: string,
  { algorithm, keyAlgorithm }: EncryptionOptions = {},
): Promise<string> {
  const options: EncryptOptions = {
    rsa_pub: createPublicKey(certificate).export({ type: 'spki', format: 'pem' }).toString(),
    pem: certificate,
    encryptionAlgorithm: (algorithm ??
      'http://www.w3.org/2009/xmlenc11#aes256-gcm') as EncryptOptions['encryptionAlgorithm'],
    keyEncryptionAlgorithm: (keyAlgorithm ??
      'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p') as EncryptOptions['keyEncryptionAlgorithm'],
    warnInsecureAlgorithm: false,
  };
  return new Promise((resolve, reject) => {
    encrypt(content, options, (error, encrypted) => {
      if (error) reject(error);
      else resolve(`<saml:${name} xmlns:saml="${assertionNs}">${encrypted}</saml:${name}>`);
    });
  });
}
