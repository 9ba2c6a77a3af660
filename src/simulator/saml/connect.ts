/** An organization takes a simulated SAML IdP, and the IdP takes the organization: what an admin does on both sides. */
import { z } from 'zod';
import type { Platform } from '../platform.ts';
import { writeIdpMetadata } from './idp.ts';
import type { SamlIdpServer } from './server.ts';

const connectionMade = z.looseObject({
  id: z.string(),
  startUrl: z.string().optional(),
  forIdp: z.looseObject({ entityId: z.string(), acsUrl: z.string(), sloUrl: z.string() }),
});

/** Connects, activates without a test, and answers the connection's id. Throws ApiRefusal. */
export async function connectSamlIdp(
  platform: Platform,
  organizationId: string,
  { idp, trust }: SamlIdpServer,
  more: { readonly directoryId?: string } = {},
): Promise<string> {
  const path = `/api/v1/organizations/${organizationId}/connections`;
  const { title: name, preset } = idp.vendor;
  const saml = { metadataXml: writeIdpMetadata(idp) };
  const { id, forIdp } = await platform.call(connectionMade, 'POST', path, { name, preset, saml, ...more });
  trust(forIdp);
  await platform.call(z.unknown(), 'PATCH', `${path}/${id}`, { status: 'active', force: true });
  return id;
}
