/** Whether somebody who was removed would be back at their next sign-in (MEM-4): asked of what is known, decided by the same facts. */
import { findAccountEmails, ownsVerifiedDomain } from '../access/index.ts';
import { findUsersOfAccount } from '../directory/index.ts';
import type { ReadStore } from '../store/index.ts';
import { findActiveConnections } from './routing.ts';

/**
 * Whether an active connection would make this account, which has no membership in the organization now, a member again. With
 * a directory: one whose user there is linked and active. Else, where just-in-time provisioning is on: one whose subject
 * there is linked, or who has proven an address in a verified domain, by which it would be linked (SSO-4, SSO-6).
 */
export async function comesBackBySignIn(reads: ReadStore, organizationId: string, accountId: string): Promise<boolean> {
  const connections = await findActiveConnections(reads, organizationId);
  if (connections.length === 0) return false;
  const pushed = await findUsersOfAccount(reads, organizationId, accountId);
  const inDirectory = new Set(pushed.filter(({ active }) => active).map(({ directoryId }) => directoryId));
  const named = connections.map(({ directoryId }) => directoryId).filter((id) => id !== undefined);
  if (named.some((id) => inDirectory.has(id))) return true;
  const open = connections.filter(({ jit, directoryId }) => jit && directoryId === undefined);
  if (open.length === 0) return false;
  const identities = await reads.identities.find(organizationId, { accountId, link: 'linked' });
  if (open.some(({ _id }) => identities.some(({ connectionId }) => connectionId === _id))) return true;
  for (const { email, proven } of await findAccountEmails(reads, accountId)) {
    if (proven && (await ownsVerifiedDomain(reads, organizationId, email))) return true;
  }
  return false;
}
