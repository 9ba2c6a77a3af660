/** Our metadata as the service provider of one connection (saml-metadata-2.0-os §2.4.4), for the IdP to read. */
import type { Connection } from '../../store/index.ts';
import { samlAddresses } from '../addresses.ts';
import { findKeys } from '../keys.ts';
import type { SsoDeps } from '../protocol.ts';
import { samlOf } from '../settings.ts';
import { contentSchemes, keyEncryptions } from './encryptionShape.ts';
import { protocolNs, signatureNs } from './names.ts';

const bindings = {
  redirect: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
  post: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
} as const;

const special: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const text = (value: string): string => value.replace(/[&<>"]/g, (sign) => special[sign] ?? sign);

/**
 * The document, with the current and the next key, so that an IdP which reads it knows a key before it is used. Former keys
 * are not in it: nothing new is to be encrypted for them.
 */
export async function writeSpMetadata(
  deps: Pick<SsoDeps, 'store' | 'baseUrl'>,
  connection: Connection,
): Promise<string> {
  const settings = samlOf(connection);
  const { entityId, acsUrl, sloUrl } = samlAddresses(deps.baseUrl, connection._id);
  const keys = (await findKeys(deps.store.read, connection)).filter(({ state }) => state !== 'former');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="${signatureNs}" entityID="${text(entityId)}">`,
    `<md:SPSSODescriptor AuthnRequestsSigned="${settings.signRequests}" WantAssertionsSigned="true" protocolSupportEnumeration="${protocolNs}">`,
    ...keys.map(({ certificate }) => keyDescriptor('signing', certificate)),
    ...keys.map(({ certificate }) => keyDescriptor('encryption', certificate)),
    `<md:SingleLogoutService Binding="${bindings.redirect}" Location="${text(sloUrl)}"/>`,
    `<md:SingleLogoutService Binding="${bindings.post}" Location="${text(sloUrl)}"/>`,
    ...(settings.nameIdFormat === undefined
      ? []
      : [`<md:NameIDFormat>${text(settings.nameIdFormat)}</md:NameIDFormat>`]),
    `<md:AssertionConsumerService Binding="${bindings.post}" Location="${text(acsUrl)}" index="0" isDefault="true"/>`,
    '</md:SPSSODescriptor></md:EntityDescriptor>\n',
  ].join('');
}

function keyDescriptor(use: 'signing' | 'encryption', certificate: string): string {
  const bare = certificate.replace(/-----[A-Z ]+-----|\s/g, '');
  const methods = use === 'signing' ? [] : [...contentSchemes.keys(), ...keyEncryptions];
  return [
    `<md:KeyDescriptor use="${use}"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${bare}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`,
    ...methods.map((name) => `<md:EncryptionMethod Algorithm="${name}"/>`),
    '</md:KeyDescriptor>',
  ].join('');
}
