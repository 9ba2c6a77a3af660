/** An organization takes a simulated OpenID provider, and the provider takes the organization: what an admin does on both sides. */
import { z } from 'zod';
import type { Platform } from '../platform.ts';
import type { OidcIdp } from './idp.ts';
import { oidcVendors, simulatedTenant } from './vendors.ts';

const connectionMade = z.looseObject({
  id: z.string(),
  forIdp: z.looseObject({ redirectUri: z.string(), backchannelLogoutUri: z.string() }),
});

const client = { id: 'gatehouse', secret: 'a-secret-of-the-simulator' };

/** Connects, activates without a test, and answers the connection's id. Throws ApiRefusal. */
export async function connectOidcIdp(
  platform: Platform,
  organizationId: string,
  idp: OidcIdp,
  more: { readonly directoryId?: string } = {},
): Promise<string> {
  const path = `/api/v1/organizations/${organizationId}/connections`;
  const { title } = idp.vendor;
  const preset = Object.entries(oidcVendors).find(([, vendor]) => vendor.title === title)?.[0] ?? 'custom';
  const oidc = {
    ...{ issuer: idp.issuer, clientId: client.id, clientSecret: client.secret },
    ...(preset === 'entra' && { tenantId: simulatedTenant }),
  };
  const { id, forIdp } = await platform.call(connectionMade, 'POST', path, { name: title, preset, oidc, ...more });
  idp.register({ ...client, redirectUri: forIdp.redirectUri });
  await platform.call(z.unknown(), 'PATCH', `${path}/${id}`, { status: 'active', force: true });
  return id;
}
