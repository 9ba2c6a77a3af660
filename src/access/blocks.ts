/**
 * People who were removed with `block` (MEM-4): no push, sign-in or invitation brings them back until they are unblocked. A block is
 * on the account, and on the address by which the person showed: deleted at the IdP and pushed anew, they are another account.
 * Where the person has deleted the account, the address is kept as a hash, so that the block goes on and names nobody.
 */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { hashSecret } from '../lib/secrets.ts';
import { caseKey } from '../lib/text.ts';
import type { Block, Member, Page, ReadStore, Transaction } from '../store/index.ts';
import { findAccountEmails, findContacts } from './accounts.ts';

/**
 * The block that keeps this account, or an unknown person with this address, out; undefined where none does. An account with the
 * address of a blocked one that was deleted is the same person.
 */
export async function findBlock(
  reads: ReadStore,
  organizationId: string,
  of: { readonly accountId: string } | { readonly address: string },
): Promise<Block | undefined> {
  if ('address' in of) {
    const emailKey = caseKey(of.address);
    return reads.blocks.findOne(organizationId, { emailKey: { $in: [emailKey, disguised(emailKey)] } });
  }
  const { accountId } = of;
  const own = await reads.blocks.findOne(organizationId, { accountId });
  if (own) return own;
  const proven = (await findAccountEmails(reads, accountId)).filter((email) => email.proven);
  if (proven.length === 0) return undefined;
  return reads.blocks.findOne(organizationId, { emailKey: { $in: proven.map(({ emailKey }) => disguised(emailKey)) } });
}

/** The key of an address by which it is known again, and not read. No address has a colon before its `@` unquoted. */
const disguised = (emailKey: string): string => `sha256:${hashSecret(emailKey)}`;

/** Takes name and address out of a block, whose account is being deleted; it goes on keeping the person out (MEM-4). */
export async function disguiseBlock(tx: Transaction, { _id, organizationId, emailKey }: Block): Promise<void> {
  await tx.blocks.updateOne(
    organizationId,
    { _id },
    {
      $set: { accountDeletedAt: tx.at, ...(emailKey !== undefined && { emailKey: disguised(emailKey) }) },
      $unset: { email: true, name: true },
    },
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
