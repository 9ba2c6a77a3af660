/** Which connection a sign-in goes through (SSO-2): by a link to it, by the organization, or by the address's domain. */
import { isClosed, normalizeDomain } from '../access/index.ts';
import { type Connection, type Organization, PLATFORM, type ReadStore } from '../store/index.ts';

/** A connection by its own id, whatever its state: never by an entity id or issuer, which tenants may share. */
export function findConnection(reads: ReadStore, id: string): Promise<Connection | undefined> {
  return reads.connections.findOne(PLATFORM, { _id: id });
}

/** An organization by id or slug, unless it is being deleted. */
export function findOrganization(reads: ReadStore, idOrSlug: string): Promise<Organization | undefined> {
  return reads.organizations.findOne(PLATFORM, { $or: [{ _id: idOrSlug }, { slug: idOrSlug }] });
}

/** The connections through which an organization's people may come in now. */
export async function findActiveConnections(reads: ReadStore, organizationId: string): Promise<readonly Connection[]> {
  if (await isClosed(reads, organizationId)) return [];
  return reads.connections.find(organizationId, { status: 'active' });
}

/** The organization that has verified the domain of this address; only such a one routes sign-ins (SSO-3). */
export async function findOrganizationOfAddress(reads: ReadStore, address: string): Promise<string | undefined> {
  const at = address.lastIndexOf('@');
  const domain = at > 0 ? normalizeDomain(address.slice(at + 1)) : undefined;
  if (domain === undefined) return undefined;
  return (await reads.domains.findOne(PLATFORM, { domain, verified: true }))?.organizationId;
}
