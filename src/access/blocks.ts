/**
 * People who were removed with `block` (MEM-4): no push, sign-in or invitation brings them back until they are unblocked. A block is
 * on the account, and on the address by which the person showed: deleted at the IdP and pushed anew, they are another account.
 */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { caseKey } from '../lib/text.ts';
import type { Block, Member, Page, ReadStore, Transaction } from '../store/index.ts';
import { findContacts } from './accounts.ts';

/** The block that keeps this account, or an unknown person with this address, out; undefined where none does. */
export function findBlock(
  reads: ReadStore,
  organizationId: string,
  of: { readonly accountId: string } | { readonly address: string },
): Promise<Block | undefined> {
  return reads.blocks.findOne(
    organizationId,
    'accountId' in of ? { accountId: of.accountId } : { emailKey: caseKey(of.address) },
  );
}

/** The refusal to bring somebody back who is blocked. */
export const memberBlocked = ({ _id, accountId }: Pick<Block, '_id' | 'accountId'>): AppError =>
  new AppError(
    'member_blocked',
    'This person was removed from the organization and blocked: an Admin has to unblock them first',
    { details: { blockId: _id, accountId } },
  );

/** Throws `member_blocked` where the account is kept out. */
export async function refuseBlocked(reads: ReadStore, organizationId: string, accountId: string): Promise<void> {
  const block = await findBlock(reads, organizationId, { accountId });
  if (block) throw memberBlocked(block);
}

/** Keeps somebody out who is being removed. */
export async function insertBlock(tx: Transaction, member: Member): Promise<Block> {
  const { organizationId, accountId, profile, _id: memberId } = member;
  const contact = (await findContacts(tx, [accountId])).get(accountId);
  const email = profile?.email ?? contact?.email;
  const name = profile?.displayName ?? contact?.name;
  const block = await tx.blocks.insert(organizationId, {
    _id: newId('block'),
    organizationId,
    accountId,
    blockedBy: tx.cause.actor,
    ...(email !== undefined && { email, emailKey: caseKey(email) }),
    ...(name !== undefined && { name }),
  });
  await recordAudit(tx, organizationId, {
    type: 'member.blocked',
    targetKind: 'account',
    targetId: accountId,
    after: { blockId: block._id, memberId, ...(email !== undefined && { email }) },
  });
  return block;
}

/** A page of those who are blocked, in the order of blocking. */
export function listBlocks(
  reads: ReadStore,
  organizationId: string,
  page: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<Block>> {
  return reads.blocks.page(organizationId, {}, page);
}

/** Lets somebody in again, who comes by the next push, sign-in or invitation. Throws `not_found`. */
export async function removeBlock(tx: Transaction, organizationId: string, blockId: string): Promise<void> {
  const block = await tx.blocks.get(organizationId, blockId);
  if (!block) throw new AppError('not_found', `There is no block ${blockId} in this organization`);
  await tx.blocks.remove(organizationId, { _id: blockId });
  await recordAudit(tx, organizationId, {
    type: 'member.unblocked',
    targetKind: 'account',
    targetId: block.accountId,
    before: { blockId },
  });
}
