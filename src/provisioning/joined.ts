/** What becomes of a person's directory users when the person becomes a member by another way than a push (SCIM-3). */
import { findAccountEmails, findMember } from '../access/index.ts';
import { enqueue } from '../queue/index.ts';
import type { Transaction } from '../store/index.ts';
import { findPrimaryUsers } from './links.ts';
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
      for (const user of await findPrimaryUsers(tx, directory, emailKey)) {
        if (user.link !== 'waiting' || (member.owner === true && !user.active)) continue;
        await resolveWaitingPerson(tx, directory, user);
      }
    }
  }
}
