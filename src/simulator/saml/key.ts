/** A key pair with a self-signed certificate: what a SAML party signs with, and is encrypted for. */

export interface SamlKey {
  /** PEM, both. */
  readonly certificate: string;
  readonly privateKey: string;
}

/** Makes an RSA key of 2048 bits; takes some tenths of a second. */
export async function makeSamlKey(commonName: string): Promise<SamlKey> {
  const { generate } = await import('selfsigned');
  const { cert, private: privateKey } = await generate([{ name: 'commonName', value: commonName }], {
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: new Date('2020-01-01T00:00:00Z'),
    notAfterDate: new Date('2049-01-01T00:00:00Z'),
  });
  return { certificate: cert, privateKey };
}

/** A certificate as metadata and KeyInfo have it. */
export const bareCertificate = (pem: string): string => pem.replace(/-----[A-Z ]+-----|\s/g, '');
