/** Where a person signs in to an organization that asks for more than the session they have (SSO-5). */
import { getOrganization } from '../access/index.ts';
import type { ReadStore } from '../store/index.ts';
import { findActiveConnections } from './routing.ts';

/**
 * The address at which this account signs in to the organization: the one connection that it has come through before, or
 * the only one that there is; else the page where the person chooses. `again`: the IdP is to ask them anew.
 */
export async function findStepUpUrl(
  reads: ReadStore,
  baseUrl: string,
  organizationId: string,
  accountId: string,
  { again = false }: { readonly again?: boolean } = {},
): Promise<string> {
  const active = await findActiveConnections(reads, organizationId);
  const identities = await reads.identities.find(organizationId, { accountId });
  const linked = new Set(identities.filter(({ link }) => link === 'linked').map(({ connectionId }) => connectionId));
  const known = active.filter(({ _id }) => linked.has(_id));
  const [only, ...others] = known.length > 0 ? known : active;
  if (only !== undefined && others.length === 0) {
    return `${baseUrl}/sso/start?connection=${only._id}${again ? '&reauth=1' : ''}`;
  }
  const { slug } = await getOrganization(reads, organizationId);
  return `${baseUrl}/sign-in?organization=${encodeURIComponent(slug)}${again ? '&reauth=1' : ''}`;
}
