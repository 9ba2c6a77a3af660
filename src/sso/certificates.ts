/** Certificates that IdPs sign with: parsed, judged by their key, told of by subject, fingerprint and expiry (SSO-1, OPS-3). */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { AppError } from '../errors.ts';
import { signingKeys } from './saml/schemes.ts';

export interface CertificateFacts {
  readonly subject: string;
  /** SHA-256 of the certificate, as browsers and IdPs show it. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly expiresAt: Date;
}

const curves: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/**
 * The certificate in one form (PEM): from PEM text, or the base64 of its DER as metadata has it. Throws AppError
 * `certificate_invalid`: no certificate, or one whose key is too weak to trust (RSA below 2048 bits, an unusual curve).
 */
export function readCertificate(text: string): { readonly pem: string; readonly expiresAt: Date } {
  const certificate = parse(text);
  const fault = faultOf(certificate.publicKey);
  if (fault !== undefined) throw new AppError('certificate_invalid', `A signing certificate cannot be used: ${fault}`);
  return { pem: certificate.toString(), expiresAt: new Date(certificate.validTo) };
}

/** What people and lists are told of a certificate that readCertificate has let in. */
export function describeCertificate(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem);
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    fingerprint: certificate.fingerprint256,
    notBefore: new Date(certificate.validFrom),
    expiresAt: new Date(certificate.validTo),
  };
}

function parse(text: string): X509Certificate {
  const bare = text.replace(/-----(BEGIN|END) CERTIFICATE-----/g, '').replace(/\s/g, '');
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(bare)) {
    try {
      return new X509Certificate(Buffer.from(bare, 'base64'));
    } catch {
      // Told of below: OpenSSL's words help nobody.
    }
  }
  throw new AppError('certificate_invalid', 'A signing certificate cannot be read: one X.509 certificate as PEM is');
}

/** What no scheme of ours could verify with is refused when it is given, and not at the first sign-in. */
function faultOf(key: KeyObject): string | undefined {
  const kind = key.asymmetricKeyType ?? '';
  if (!signingKeys.has(kind))
    return `its key (${kind || 'unknown'}) is of a kind that is not verified here: RSA and EC keys are`;
  const {
    modulusLength = 0,
    namedCurve = '',
    hashAlgorithm,
    mgf1HashAlgorithm,
    saltLength,
  } = key.asymmetricKeyDetails ?? {};
  if (kind === 'ec') {
    return curves.includes(namedCurve) ? undefined : 'its key is on another curve than P-256, P-384 or P-521';
  }
  if (modulusLength < 2048) return `its RSA key has ${modulusLength} bits, at least 2048 are needed`;
  if (hashAlgorithm === undefined) return undefined;
  const fits = saltLengths[hashAlgorithm] === saltLength && mgf1HashAlgorithm === hashAlgorithm;
  return fits ? undefined : 'its RSA-PSS key is bound to hashes or a salt that XML signatures do not have';
}

/** RSA-PSS keys may be bound to a hash; XML signatures have a salt of its length. */
const saltLengths: Readonly<Record<string, number>> = { sha256: 32, sha384: 48, sha512: 64 };
