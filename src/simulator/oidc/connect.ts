/** An organization takes a simulated OpenID provider, and the provider takes the organization: what an admin does on both sides. */
import { z } from 'zod';
import type { Platform } from '../platform.ts';
import type { OidcIdp } from './idp.ts';
import { oidcVendors, simulatedTenant } from './vendors.ts';

const connectionMade = z.looseObject({
  id: z.string(),
  forIdp: z.looseObject({ redirectUri: z.string(), backchannelLogoutUri: z.string() }),
});

/** The client as which Gatehouse is registered at a simulated provider. */
export const simulatedClient = { id: 'gatehouse', secret: 'a-secret-of-the-simulator' };

/** What makes a connection of this provider: the body of `POST …/connections`. */
export function describeOidcConnection(idp: OidcIdp) {
  const { title } = idp.vendor;
  const preset = Object.entries(oidcVendors).find(([, vendor]) => vendor.title === title)?.[0] ?? 'custom';
  const oidc = {
    ...{ issuer: idp.issuer, clientId: simulatedClient.id, clientSecret: simulatedClient.secret },
    ...(preset === 'entra' && { tenantId: simulatedTenant }),
  };
  return { name: title, preset, oidc };
}

/** Connects, activates without a test, and answers the connection's id. Throws ApiRefusal. */
export async function connectOidcIdp(
  platform: Platform,
  organizationId: string,
  idp: OidcIdp,
  more: { readonly directoryId?: string } = {},
): Promise<string> {
  const path = `/api/v1/organizations/${organizationId}/connections`;
  const { id, forIdp } = await platform.call(connectionMade, 'POST', path, {
    ...describeOidcConnection(idp),
    ...more,
  });
  idp.register({ ...simulatedClient, redirectUri: forIdp.redirectUri });
  await platform.call(z.unknown(), 'PATCH', `${path}/${id}`, { status: 'active', force: true });
  return id;
}
