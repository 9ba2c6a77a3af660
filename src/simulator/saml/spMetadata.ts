/** What a service provider's metadata tells an IdP: who it is, and where answers go. */
import { DOMParser } from '@xmldom/xmldom';
import type { SamlAudience } from './idp.ts';
import { bindings } from './names.ts';

/** A service provider as this IdP knows it. */
export interface SamlProvider extends SamlAudience {
  readonly sloUrl: string;
}

/** Reads a metadata document. Throws an Error where it names no entity, no place for answers or none for log-outs. */
export function readSpMetadata(xml: string): SamlProvider {
  const root = new DOMParser().parseFromString(xml, 'text/xml').documentElement;
  const all = (name: string) => Array.from(root.getElementsByTagNameNS('*', name));
  const placeOf = (name: string, binding: string): string =>
    all(name)
      .find((one) => one.getAttribute('Binding') === binding)
      ?.getAttribute('Location') ?? '';
  const entityId = root.getAttribute('entityID') ?? '';
  const acsUrl = placeOf('AssertionConsumerService', bindings.post);
  const sloUrl = placeOf('SingleLogoutService', bindings.redirect);
  if (!entityId || !acsUrl || !sloUrl) throw new Error('this is no metadata of a service provider');
  const bare = all('KeyDescriptor')
    .find((one) => one.getAttribute('use') !== 'signing')
    ?.getElementsByTagNameNS('*', 'X509Certificate')[0]
    ?.textContent?.replace(/\s/g, '');
  const certificate =
    bare && `-----BEGIN CERTIFICATE-----\n${bare.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`;
  return { entityId, acsUrl, sloUrl, ...(certificate && { certificate }) };
}

/**
 * Reads the metadata that a Gatehouse at this base URL publishes for one of its connections, at its entity id.
 * Throws an Error for any other entity.
 */
export async function fetchSpMetadata(entityId: string, baseUrl: string): Promise<SamlProvider> {
  if (!entityId.startsWith(`${baseUrl}/sso/saml/`))
    throw new Error(`this IdP does not know ${entityId}: it signs people in to ${baseUrl} (--gatehouse)`);
  const answer = await fetch(entityId, { redirect: 'error', signal: AbortSignal.timeout(5_000) });
  if (!answer.ok) throw new Error(`${entityId} answered ${answer.status}`);
  const provider = readSpMetadata(await answer.text());
  if (provider.entityId !== entityId) throw new Error(`the metadata at ${entityId} is of ${provider.entityId}`);
  return provider;
}
