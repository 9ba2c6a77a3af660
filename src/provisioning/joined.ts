/** What becomes of a person's directory users when the person becomes a member by another way than a push (SCIM-3). */
import { findAccountEmails, findMember } from '../access/index.ts';
import { findUserIdsByEmail, primaryEmail, userRecordOf } from '../directory/index.ts';
import { caseKey } from '../lib/text.ts';
import { enqueue } from '../queue/index.ts';
import type { Directory, DirectoryUser, Transaction } from '../store/index.ts';
import { resolveWaitingPerson } from './people.ts';

/**
 * To be called in the transaction that has made an account a member of the organization: asks for its mapped grants, and
 * adopts those who wait in the adoption queue under an address that the account has proven. Inactive ones are adopted
 * too, and suspend the member (MEM-5); only the Owner's go on waiting (OWN-1).
 */
export async function memberAdded(tx: Transaction, organizationId: string, accountId: string): Promise<void> {
  await enqueue(tx, organizationId, 'reconcile', { people: [accountId] });
  const member = await findMember(tx, organizationId, accountId);
  const proven = (await findAccountEmails(tx, accountId)).filter((email) => email.proven);
  if (member === undefined || proven.length === 0) return;
  for (const directory of await tx.directories.find(organizationId, {})) {
    for (const { emailKey } of proven) {
      for (const user of await findWaiting(tx, directory, emailKey)) {
        if (user.active || member.owner !== true) await resolveWaitingPerson(tx, directory, user);
      }
    }
  }
}

/** The directory's users who wait, and whose primary address this is. */
async function findWaiting(tx: Transaction, directory: Directory, emailKey: string): Promise<readonly DirectoryUser[]> {
  const ids = await findUserIdsByEmail(tx, directory, emailKey);
  if (ids.length === 0) return [];
  const users = await tx.directoryUsers.find(directory.organizationId, { _id: { $in: ids }, link: 'waiting' });
  return users.filter((user) => caseKey(primaryEmail(userRecordOf(user)) ?? '') === emailKey);
}
