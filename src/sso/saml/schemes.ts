/** How signatures and digests are computed here, by their names in XML Signature; what is not in these tables counts for nothing. */
import { constants, type KeyObject, verify, X509Certificate } from 'node:crypto';

interface Scheme {
  readonly hash: string;
  /** Kinds of keys (`asymmetricKeyType`) that make such signatures: no key is ever used for another kind than its own. */
  readonly keys: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

const pkcs1 = (hash: string): Scheme => ({
  hash,
  keys: ['rsa'],
  options: { padding: constants.RSA_PKCS1_PADDING },
});

/** RFC 9231 §2.3.10: MGF1 with the same hash, and a salt of its length. */
const pss = (hash: string): Scheme => ({
  hash,
  keys: ['rsa', 'rsa-pss'],
  options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
});

/** RFC 9231 §2.3.6: the two numbers one behind the other, as XML Signature writes them, and not as DER. */
const ecdsa = (hash: string): Scheme => ({ hash, keys: ['ec'], options: { dsaEncoding: 'ieee-p1363' } });

const more = 'http://www.w3.org/2001/04/xmldsig-more#';
const mgf1 = 'http://www.w3.org/2007/05/xmldsig-more#';

/** What signatures may be made with: SHA-256 or stronger, by a private key (docs/sso-threats.md, B17). */
const schemes: ReadonlyMap<string, Scheme> = new Map([
  [`${more}rsa-sha256`, pkcs1('sha256')],
  [`${more}rsa-sha384`, pkcs1('sha384')],
  [`${more}rsa-sha512`, pkcs1('sha512')],
  [`${mgf1}sha256-rsa-MGF1`, pss('sha256')],
  [`${mgf1}sha384-rsa-MGF1`, pss('sha384')],
  [`${mgf1}sha512-rsa-MGF1`, pss('sha512')],
  [`${more}ecdsa-sha256`, ecdsa('sha256')],
  [`${more}ecdsa-sha384`, ecdsa('sha384')],
  [`${more}ecdsa-sha512`, ecdsa('sha512')],
]);

export const signatureAlgorithms: readonly string[] = [...schemes.keys()];

/** Names of digests → what node calls them. */
export const digests: ReadonlyMap<string, string> = new Map([
  ['http://www.w3.org/2001/04/xmlenc#sha256', 'sha256'],
  [`${more}sha384`, 'sha384'],
  ['http://www.w3.org/2001/04/xmlenc#sha512', 'sha512'],
]);

/** The kinds of keys that any of the schemes takes. */
export const signingKeys: ReadonlySet<string> = new Set([...schemes.values()].flatMap(({ keys }) => keys));

/** Whether `value` is the signature of `material` by the key of this certificate (PEM). */
export function verifiesWith(pem: string, material: Buffer, value: Buffer, algorithm: string): boolean {
  const scheme = schemes.get(algorithm);
  const key: KeyObject = new X509Certificate(pem).publicKey;
  if (scheme === undefined || !scheme.keys.includes(key.asymmetricKeyType ?? '')) return false;
  try {
    return verify(scheme.hash, material, { key, ...scheme.options }, value);
  } catch {
    // A key that was made for another hash or salt than this scheme's (RSASSA-PSS parameters).
    return false;
  }
}
