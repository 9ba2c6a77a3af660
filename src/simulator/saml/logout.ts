/** Log-out as an IdP does it: its requests and answers, by redirect or as a form, signed (SAML Profiles §4.4). */
import { createSign } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { SamlKey } from './key.ts';
import { assertionNs, protocolNs, rsaSha256, escapeMarkup as text } from './names.ts';
import { signXml } from './sign.ts';

export interface LogoutFacts {
  readonly id: string;
  readonly issuer: string;
  readonly destination: string;
  readonly at: Date;
}

const head = (name: string, { id, issuer, destination, at }: LogoutFacts, more = ''): string =>
  `<samlp:${name} xmlns:samlp="${protocolNs}" xmlns:saml="${assertionNs}" ID="${id}" Version="2.0" IssueInstant="${at.toISOString()}" Destination="${text(destination)}"${more}><saml:Issuer>${text(issuer)}</saml:Issuer>`;

/** The IdP's word that somebody's session is over; without indexes, that all of them are. */
export function writeLogoutRequest(
  facts: LogoutFacts,
  { nameId, indexes = [] }: { readonly nameId?: string | undefined; readonly indexes?: readonly string[] },
): string {
  const name = nameId === undefined ? '' : `<saml:NameID>${text(nameId)}</saml:NameID>`;
  const sessions = indexes.map((index) => `<samlp:SessionIndex>${text(index)}</samlp:SessionIndex>`).join('');
  return `${head('LogoutRequest', facts)}${name}${sessions}</samlp:LogoutRequest>`;
}

/** The IdP's answer to a request. */
export function writeLogoutResponse(facts: LogoutFacts, inResponseTo: string, status = 'Success'): string {
  const code = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${status}"/></samlp:Status>`;
  return `${head('LogoutResponse', facts, ` InResponseTo="${text(inResponseTo)}"`)}${code}</samlp:LogoutResponse>`;
}

export type LogoutField = 'SAMLRequest' | 'SAMLResponse';

/** The query of a redirect: deflated, and signed as it is written. */
export function signRedirect(
  field: LogoutField,
  xml: string,
  key: SamlKey,
  relayState?: string,
  algorithm = rsaSha256,
): string {
  const parts = [
    `${field}=${encodeURIComponent(deflateRawSync(xml).toString('base64'))}`,
    ...(relayState === undefined ? [] : [`RelayState=${encodeURIComponent(relayState)}`]),
    `SigAlg=${encodeURIComponent(algorithm)}`,
  ];
  const hash = algorithm.endsWith('sha1') ? 'RSA-SHA1' : 'RSA-SHA256';
  const signature = createSign(hash).update(parts.join('&')).sign(key.privateKey, 'base64');
  return [...parts, `Signature=${encodeURIComponent(signature)}`].join('&');
}

/** The field of a form: signed inside. */
export function signForm(field: LogoutField, xml: string, key: SamlKey): string {
  const name = field === 'SAMLRequest' ? 'LogoutRequest' : 'LogoutResponse';
  return Buffer.from(signXml(xml, name, key)).toString('base64');
}
