/** The adoption queue: people whose account exists, and for whom this organization's IdP cannot speak yet (SCIM-3). */
import { domainToUnicode } from 'node:url';
import { findAccountByProvenEmail, ownsVerifiedDomain } from '../access/index.ts';
import {
  findUserIdsByEmails,
  getDirectory,
  listDirectories,
  listWaitingUsers,
  primaryEmail,
  userRecordOf,
} from '../directory/index.ts';
import { hasCode } from '../errors.ts';
import { caseKey } from '../lib/text.ts';
import {
  type Cause,
  type DirectoryUser,
  endsWith,
  type PageOptions,
  type ReadStore,
  type Store,
  type Transaction,
} from '../store/index.ts';
import { forEach } from './chunks.ts';
import { proveOwnAddress, refreshConflict } from './conflicts.ts';
import { resolveWaitingPerson } from './people.ts';

/** One who waits, with the evidence that an Admin needs to decide. */
export interface WaitingPerson {
  readonly user: DirectoryUser;
  /** The address as pushed, which an account has proven. */
  readonly email: string | undefined;
  /** The account exists; which one it is is not this organization's to know before its domain is verified. */
  readonly reason: 'account_exists_domain_not_verified' | 'can_be_resolved';
}

/** A page of those who wait, in the order of their first push. */
export async function listWaiting(
  reads: ReadStore,
  organizationId: string,
  page: PageOptions,
): Promise<{ readonly items: readonly WaitingPerson[]; readonly nextCursor?: string }> {
  const { items, nextCursor } = await listWaitingUsers(reads, organizationId, page);
  const waiting = await Promise.all(items.map((user) => describeWaiting(reads, user)));
  return { items: waiting, ...(nextCursor !== undefined && { nextCursor }) };
}

async function describeWaiting(reads: ReadStore, user: DirectoryUser): Promise<WaitingPerson> {
  const email = primaryEmail(userRecordOf(user));
  const holder = email === undefined ? undefined : await findAccountByProvenEmail(reads, email);
  const verified = email !== undefined && (await ownsVerifiedDomain(reads, user.organizationId, email));
  const waits = holder !== undefined && !verified;
  return { user, email, reason: waits ? 'account_exists_domain_not_verified' : 'can_be_resolved' };
}

/**
 * What a newly verified domain means (ACC-2, SCIM-3): each of the organization's directory users with an address in it
 * has that address proven on their account, or is told of a conflict where it is somebody else's (ACC-3); who waited for
 * it is adopted. One transaction each; safe to repeat.
 */
export async function proveDomain(store: Store, cause: Cause, organizationId: string, domain: string): Promise<void> {
  const ids = await findUsersInDomain(store.read, organizationId, domain);
  await forEach(ids, 16, (id) => attempt(store, cause, (tx) => provePerson(tx, organizationId, id)));
}

/** Looks again at everybody who waits: an account may have become a member meanwhile. */
export async function resolveWaiting(store: Store, cause: Cause, organizationId: string): Promise<void> {
  for await (const { _id } of store.read.directoryUsers.stream(organizationId, { link: 'waiting' })) {
    await attempt(store, cause, (tx) => resolveUser(tx, organizationId, _id));
  }
}

/** One who waits as inactive, and whose account is the Owner's, goes on waiting (OWN-1), and so does one who is blocked (MEM-4). */
async function attempt(store: Store, cause: Cause, work: (tx: Transaction) => Promise<void>): Promise<void> {
  try {
    await store.transaction(cause, work);
  } catch (error) {
    if (!hasCode(error, 'owner_protected') && !hasCode(error, 'member_blocked')) throw error;
  }
}

async function findUsersInDomain(reads: ReadStore, organizationId: string, domain: string): Promise<readonly string[]> {
  const forms = [...new Set([domain, caseKey(domainToUnicode(domain))])];
  const filter = { $or: forms.map((form) => ({ valueKey: endsWith(`@${form}`) })) };
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listDirectories(reads, organizationId, { limit: 100, cursor });
    for (const directory of page.items) ids.push(...(await findUserIdsByEmails(reads, directory, filter)));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return ids;
}

async function provePerson(tx: Transaction, organizationId: string, userId: string): Promise<void> {
  const user = await tx.directoryUsers.get(organizationId, userId);
  const email = user && primaryEmail(userRecordOf(user));
  if (!user || email === undefined || !(await ownsVerifiedDomain(tx, organizationId, email))) return;
  if (user.link === 'waiting') return resolveUser(tx, organizationId, userId);
  const { accountId, conflict } = await refreshConflict(
    tx,
    await getDirectory(tx, organizationId, user.directoryId),
    user,
  );
  if (accountId !== undefined && conflict === undefined) await proveOwnAddress(tx, user, accountId, email);
}

async function resolveUser(tx: Transaction, organizationId: string, userId: string): Promise<void> {
  const user = await tx.directoryUsers.get(organizationId, userId);
  if (user?.link !== 'waiting') return;
  await resolveWaitingPerson(tx, await getDirectory(tx, organizationId, user.directoryId), user);
}

/**
 * The person of this account has said from their mailbox that the waiting one is them (SCIM-3). Answers whether they are adopted;
 * where not, somebody else goes by the address by now. Throws `owner_protected` as a push would.
 */
export async function adoptConfirmed(tx: Transaction, user: DirectoryUser, accountId: string): Promise<boolean> {
  const { organizationId, directoryId, _id } = user;
  const directory = await getDirectory(tx, organizationId, directoryId);
  const adopted = await resolveWaitingPerson(tx, directory, user, { confirmedBy: accountId });
  if (adopted?.user.accountId !== accountId) return false;
  await tx.directoryUsers.updateOne(organizationId, { _id }, { $set: { confirmed: true } });
  return true;
}
