/** Addresses that more than one person goes by: who is told of a conflict, and what happens when it ends (ACC-2, ACC-3). */
import {
  claimEmail,
  findAccountByProvenEmail,
  findAccountEmails,
  ownsVerifiedDomain,
  proveEmail,
} from '../access/index.ts';
import { primaryEmail, setUserLink, userRecordOf } from '../directory/index.ts';
import { recordAudit } from '../events/index.ts';
import { caseKey } from '../lib/text.ts';
import type { Directory, DirectoryUser, Transaction } from '../store/index.ts';
import { decideConflict } from './decide.ts';
import { isAddressHeld } from './links.ts';

/**
 * Decides anew whether the address of a linked user belongs to somebody else. One that has become free is claimed by an
 * account that has none, and proven where the organization has verified its domain; an account with addresses of its own
 * is given no other (ACC-4). Answers the user as it is then.
 */
export async function refreshConflict(
  tx: Transaction,
  directory: Directory,
  user: DirectoryUser,
): Promise<DirectoryUser> {
  const { organizationId, _id, link, accountId } = user;
  if (accountId === undefined) return user;
  const address = primaryEmail(userRecordOf(user));
  const conflict = await isInConflict(tx, directory, user, accountId, address);
  if (conflict === (user.conflict !== undefined)) return user;
  if (!conflict && address !== undefined) await takeAddress(tx, user, accountId, address);
  return setUserLink(tx, organizationId, _id, {
    link,
    accountId,
    ...(conflict && { conflict: 'email_held_by_another' }),
  });
}

async function isInConflict(
  tx: Transaction,
  directory: Directory,
  user: DirectoryUser,
  accountId: string,
  address: string | undefined,
): Promise<boolean> {
  if (address === undefined) return false;
  const holder = await findAccountByProvenEmail(tx, address);
  const addressHeldInDirectory = await isAddressHeld(tx, directory, address, holder?._id, user._id);
  return decideConflict({ addressHeldInDirectory, ...(holder && { holder: { accountId: holder._id } }) }, accountId);
}

async function takeAddress(tx: Transaction, user: DirectoryUser, accountId: string, address: string): Promise<void> {
  if ((await findAccountEmails(tx, accountId)).length === 0) await claimEmail(tx, accountId, address);
  await proveOwnAddress(tx, user, accountId, address);
}

/**
 * Proves an address that the account has claimed since it was made, where the organization has verified its domain and
 * nobody else has it proven; an IdP never adds one to an account (ACC-4).
 */
export async function proveOwnAddress(
  tx: Transaction,
  { organizationId, _id: directoryUserId }: DirectoryUser,
  accountId: string,
  email: string,
): Promise<void> {
  if (!(await ownsVerifiedDomain(tx, organizationId, email))) return;
  const emails = await findAccountEmails(tx, accountId);
  const claimed = emails.find(({ emailKey, proven }) => emailKey === caseKey(email) && !proven);
  if (!claimed || !(await proveEmail(tx, accountId, email, 'idp'))) return;
  await recordAudit(tx, organizationId, {
    type: 'account.email_proven',
    targetKind: 'account',
    targetId: accountId,
    after: { email, provenBy: 'idp', directoryUserId },
  });
}
