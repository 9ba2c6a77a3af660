/** What a service provider asks of an IdP, read from a redirect or a posted form. */
import { inflateRawSync } from 'node:zlib';
import { DOMParser } from '@xmldom/xmldom';

export interface SamlRequest {
  readonly kind: 'AuthnRequest' | 'LogoutRequest' | 'LogoutResponse';
  readonly xml: string;
  readonly id: string;
  readonly issuer: string;
  readonly acsUrl: string | undefined;
  readonly forceAuthn: boolean;
}

/** Reads a message; that of a redirect is deflated. Throws an Error where it is none. */
export function readSamlRequest(field: string, binding: 'redirect' | 'post'): SamlRequest {
  const bytes = Buffer.from(field, 'base64');
  const xml = (binding === 'redirect' ? inflateRawSync(bytes, { maxOutputLength: 100_000 }) : bytes).toString('utf8');
  const root = new DOMParser().parseFromString(xml, 'text/xml').documentElement;
  const kind = root.localName;
  if (kind !== 'AuthnRequest' && kind !== 'LogoutRequest' && kind !== 'LogoutResponse') {
    throw new Error(`an IdP cannot answer a ${kind}`);
  }
  const issuer = root.getElementsByTagNameNS('urn:oasis:names:tc:SAML:2.0:assertion', 'Issuer')[0]?.textContent ?? '';
  return {
    kind,
    xml,
    id: root.getAttribute('ID') ?? '',
    issuer,
    acsUrl: root.getAttribute('AssertionConsumerServiceURL') || undefined,
    forceAuthn: root.getAttribute('ForceAuthn') === 'true',
  };
}
