/** IdP metadata as the vendors write it, with what a test wants to be different. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from '@jest/globals';
import { generate, type SelfsignedOptions } from 'selfsigned';

export const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
export const postBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';

/** A new certificate as PEM; by default one that may sign, for a year. */
export async function makeCertificate(options: SelfsignedOptions = {}): Promise<string> {
  const made = await generate([{ name: 'commonName', value: 'idp.example' }], { algorithm: 'sha256', ...options });
  return made.cert;
}

/** The base64 of a certificate, in lines, as metadata has it. */
export const bodyOf = (pem: string): string => pem.replace(/-----[^-]+-----/g, '').trim();

export interface MetadataParts {
  readonly entityId?: string;
  readonly certificates: readonly string[];
  /** Attributes of the EntityDescriptor beside its entityID. */
  readonly entity?: string;
  /** Attributes of the IDPSSODescriptor. */
  readonly descriptor?: string;
  /** The endpoints and formats, as elements. */
  readonly services?: string;
}

export const service = (location: string, binding = redirectBinding, name = 'SingleSignOnService'): string =>
  `<md:${name} Binding="${binding}" Location="${location}"/>`;

export const keyDescriptor = (pem: string, use = ' use="signing"'): string =>
  `<md:KeyDescriptor${use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>` +
  `<ds:X509Certificate>${bodyOf(pem)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;

/** The metadata of one IdP. */
export function idpMetadata(parts: MetadataParts): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${entityOf(parts)}`;
}

export function entityOf({
  entityId = 'https://idp.example/entity',
  certificates,
  entity = '',
  descriptor = 'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"',
  services = service('https://idp.example/sso'),
}: MetadataParts): string {
  const keys = certificates.map((pem) => keyDescriptor(pem)).join('');
  return (
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entityId}" ${entity}>` +
    `<md:IDPSSODescriptor ${descriptor}>${keys}${services}</md:IDPSSODescriptor></md:EntityDescriptor>`
  );
}

const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing.splice(0)) close();
});

/** A web server on loopback, until the test file ends; answers its base URL. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
