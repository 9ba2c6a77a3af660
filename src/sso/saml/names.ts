/** The names that SAML 2.0, XML Signature and XML Encryption give to things. */

export const protocolNs = 'urn:oasis:names:tc:SAML:2.0:protocol';
export const assertionNs = 'urn:oasis:names:tc:SAML:2.0:assertion';
export const signatureNs = 'http://www.w3.org/2000/09/xmldsig#';
export const signature11Ns = 'http://www.w3.org/2009/xmldsig11#';
export const encryptionNs = 'http://www.w3.org/2001/04/xmlenc#';
export const encryption11Ns = 'http://www.w3.org/2009/xmlenc11#';
export const exclusiveC14n = 'http://www.w3.org/2001/10/xml-exc-c14n#';
export const exclusiveC14nWithComments = `${exclusiveC14n}WithComments`;
export const envelopedSignature = `${signatureNs}enveloped-signature`;

export const success = 'urn:oasis:names:tc:SAML:2.0:status:Success';
export const partialLogout = 'urn:oasis:names:tc:SAML:2.0:status:PartialLogout';
export const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';

/** Formats of names (SAML Core §8.3). */
export const nameIdFormats = {
  unspecified: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
  email: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  x509: 'urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName',
  persistent: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  transient: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
  entity: 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity',
} as const;
