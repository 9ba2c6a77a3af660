/** A SAML IdP that signs for real: its metadata, and its answers to our requests (DEV-1). */
import { randomBytes } from 'node:crypto';
import { bareCertificate, type SamlKey } from './key.ts';
import { type ResponseFacts, writeAssertion, writeResponse } from './message.ts';
import { bindings, escapeMarkup, formats, protocolNs } from './names.ts';
import { encryptAssertion, signXml } from './sign.ts';
import type { SamlPerson, SamlVendor } from './vendors.ts';

export interface SamlIdp {
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly sloUrl?: string | undefined;
  readonly vendor: SamlVendor;
  /** The first signs; all of them are in the metadata. */
  readonly keys: readonly [SamlKey, ...SamlKey[]];
}

/** The service provider that a response is for. */
export interface SamlAudience {
  readonly entityId: string;
  readonly acsUrl: string;
  /** PEM, where it takes encrypted assertions. */
  readonly certificate?: string | undefined;
}

export const newSamlId = (): string => `_${randomBytes(20).toString('hex')}`;
const iso = (ms: number): string => new Date(ms).toISOString();

/** What a response to `request` (its id; undefined where the IdP begins) says of a person at this time. */
export function factsFor(
  idp: SamlIdp,
  to: SamlAudience,
  person: SamlPerson,
  { request, at }: { readonly request: string | undefined; readonly at: Date },
): ResponseFacts {
  const now = at.getTime();
  return {
    responseId: newSamlId(),
    assertionId: newSamlId(),
    issuer: idp.entityId,
    issueInstant: iso(now),
    destination: to.acsUrl,
    inResponseTo: request,
    nameId: idp.vendor.nameId(person),
    recipient: to.acsUrl,
    audience: to.entityId,
    notBefore: iso(now - 30_000),
    notOnOrAfter: iso(now + 5 * 60_000),
    authnInstant: iso(now),
    sessionIndex: newSamlId(),
    attributes: idp.vendor.attributes(person),
  };
}

/** Writes, signs, and where the vendor does so, encrypts. Answers the XML. */
export async function issueResponse(idp: SamlIdp, to: SamlAudience, facts: ResponseFacts): Promise<string> {
  const { vendor, keys } = idp;
  const { hand, signs, inclusivePrefixes = [], encrypts } = vendor;
  const options = { prefix: hand.signature, inclusivePrefixes };
  const plain = writeAssertion(facts, hand);
  const signed = signs.assertion ? signXml(plain, 'Assertion', keys[0], options) : plain;
  const held =
    encrypts !== undefined && to.certificate !== undefined
      ? await encryptAssertion(signed, to.certificate, { algorithm: encrypts })
      : signed;
  const response = writeResponse(facts, held, hand);
  return signs.response ? signXml(response, 'Response', keys[0], options) : response;
}

/** The metadata document that an admin hands over. */
export function writeIdpMetadata({ entityId, ssoUrl, sloUrl, keys, vendor }: SamlIdp): string {
  const descriptors = keys.map(
    ({ certificate }) =>
      `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${bareCertificate(certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
  );
  const at = (name: string, binding: string, url: string) =>
    `<md:${name} Binding="${binding}" Location="${escapeMarkup(url)}"/>`;
  const { format } = vendor.nameId({ id: '', email: '', givenName: '', familyName: '', groups: [] });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${escapeMarkup(entityId)}">`,
    `<md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="${protocolNs}">`,
    ...descriptors,
    ...(sloUrl === undefined
      ? []
      : [at('SingleLogoutService', bindings.redirect, sloUrl), at('SingleLogoutService', bindings.post, sloUrl)]),
    `<md:NameIDFormat>${format === '' ? formats.unspecified : format}</md:NameIDFormat>`,
    at('SingleSignOnService', bindings.redirect, ssoUrl),
    at('SingleSignOnService', bindings.post, ssoUrl),
    '</md:IDPSSODescriptor></md:EntityDescriptor>',
  ].join('');
}
