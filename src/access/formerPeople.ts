/** Who was here once: what the history and the audit still say of somebody who is neither member nor collaborator any more (PERM-6). */
import type { Block, ReadStore } from '../store/index.ts';
import { findBlock } from './blocks.ts';
import type { Role } from './permissions.ts';

/** How somebody's part in the organization ended. */
export interface FormerPerson {
  /** `collaborator`: an External Collaborator of projects, never a member. */
  readonly was: 'member' | 'collaborator';
  /** The organization role at the end. */
  readonly role?: Role;
  readonly memberId?: string;
  readonly endedAt: Date;
  /** The actor of the removal. */
  readonly endedBy: string;
  readonly requestId: string;
  /** What keeps the person out since (MEM-4). */
  readonly block?: Block;
}

/**
 * Somebody who was a member, or an External Collaborator, of the organization once, whoever removed them and however the account fares now;
 * undefined for who never was: then the organization knows no such person (PRJ-1). For those who have no membership or grant now.
 */
export async function findFormerPerson(
  reads: ReadStore,
  organizationId: string,
  accountId: string,
): Promise<FormerPerson | undefined> {
  const newest = { sort: { _id: -1 }, limit: 1 } as const;
  const [membership] = await reads.history.find(organizationId, { of: 'members', 'row.accountId': accountId }, newest);
  if (membership) {
    const { row, rowId: memberId, to: endedAt, endedBy } = membership;
    const block = await findBlock(reads, organizationId, { accountId });
    return {
      was: 'member',
      role: row.role === 'admin' ? 'admin' : 'member',
      memberId,
      endedAt,
      endedBy: endedBy.actor,
      requestId: endedBy.requestId,
      ...(block && { block }),
    };
  }
  const [taken] = await reads.auditEvents.find(organizationId, { targetId: accountId, type: 'grant.removed' }, newest);
  if (!taken) return undefined;
  const { createdAt: endedAt, actor: endedBy, requestId } = taken;
  return { was: 'collaborator', endedAt, endedBy, requestId };
}

/** The account of a member, present or former, of the organization. */
export async function findMemberEver(
  reads: ReadStore,
  organizationId: string,
  memberId: string,
): Promise<string | undefined> {
  const member = await reads.members.get(organizationId, memberId);
  if (member) return member.accountId;
  const [former] = await reads.history.find(organizationId, { rowId: memberId, of: 'members' }, { limit: 1 });
  return former && String(former.row.accountId);
}
