/** What the rule of jit.ts needs to know of the one who comes: loaded, never decided here. */
import {
  findAccountByProvenEmail,
  findAccountEmails,
  findBlock,
  findMember,
  isOwner,
  normalizeDomain,
  ownsVerifiedDomain,
} from '../access/index.ts';
import {
  findDirectory,
  findUserByUserName,
  findUserIdsByEmail,
  findUsersByExternalId,
  findUsersOfAccount,
  getUser,
  primaryEmail,
  userRecordOf,
} from '../directory/index.ts';
import { caseKey } from '../lib/text.ts';
import type { Connection, Directory, DirectoryUser, IdentityRow, ReadStore } from '../store/index.ts';
import type { Identity } from './identity.ts';
import type { SignInFacts, SignInMember } from './jit.ts';

/** The identity that this subject has through this connection, linked or waiting. */
export function findIdentity(
  reads: ReadStore,
  { organizationId, _id }: Connection,
  subject: string,
): Promise<IdentityRow | undefined> {
  return reads.identities.findOne(organizationId, { connectionId: _id, subject });
}

/** All that decides a sign-in of `identity` through `connection`. */
export async function loadSignInFacts(
  reads: ReadStore,
  connection: Connection,
  identity: Identity,
): Promise<SignInFacts> {
  const row = await findIdentity(reads, connection, identity.subject);
  const knownId = row?.link === 'linked' ? row.accountId : undefined;
  const known = knownId === undefined ? undefined : await standingOf(reads, connection, knownId);
  const domainLost = row !== undefined && knownId !== undefined && (await hasLostDomain(reads, row));
  const directory =
    connection.directoryId === undefined
      ? undefined
      : await findDirectory(reads, connection.organizationId, connection.directoryId);
  const user = directory && (await findPushed(reads, directory, identity, knownId));
  const email = await loadEmail(reads, connection, identity);
  const accountId = knownId ?? user?.accountId ?? email.email?.holder?.accountId;
  return {
    jit: connection.jit && connection.directoryId === undefined,
    directory: connection.directoryId !== undefined,
    ...(knownId !== undefined && { known: { accountId: knownId, ...known, domainLost } }),
    ...(user && { pushed: await describePushed(reads, connection, identity, user) }),
    ...email,
    blocked: await isBlocked(reads, connection, identity, accountId),
  };
}

/** Whether the domain that has vouched for the account is verified no longer, and none that is verified does (SSO-3). */
async function hasLostDomain(reads: ReadStore, row: IdentityRow): Promise<boolean> {
  const { organizationId, accountId, domain, confirmed } = row;
  if (domain === undefined || confirmed) return false;
  if (await ownsVerifiedDomain(reads, organizationId, `postmaster@${domain}`)) return false;
  return (await findVouchingDomain(reads, organizationId, accountId)) === undefined;
}

/** The organization's verified domain in which the account has a proven address. */
export async function findVouchingDomain(
  reads: ReadStore,
  organizationId: string,
  accountId: string,
): Promise<string | undefined> {
  for (const { email, proven } of await findAccountEmails(reads, accountId)) {
    if (proven && (await ownsVerifiedDomain(reads, organizationId, email))) {
      return normalizeDomain(email.slice(email.lastIndexOf('@') + 1));
    }
  }
  return undefined;
}

/** Whether the account, or where there is none the address that the IdP tells, was removed with a block (MEM-4). */
async function isBlocked(
  reads: ReadStore,
  { organizationId }: Connection,
  { email }: Identity,
  accountId: string | undefined,
): Promise<boolean> {
  if (accountId !== undefined) return (await findBlock(reads, organizationId, { accountId })) !== undefined;
  return email !== undefined && (await findBlock(reads, organizationId, { address: email.address })) !== undefined;
}

/** Linked once, the person is followed by the account; else by immutable id, userName, proven email (SSO-4). */
async function findPushed(
  reads: ReadStore,
  directory: Directory,
  identity: Identity,
  accountId: string | undefined,
): Promise<DirectoryUser | undefined> {
  if (accountId !== undefined) {
    const own = await findUsersOfAccount(reads, directory.organizationId, accountId);
    const here = own.find(({ directoryId }) => directoryId === directory._id);
    if (here) return here;
  }
  return (
    (await findByImmutableId(reads, directory, identity)) ??
    (await findByUserName(reads, directory, identity)) ??
    (await findByAddress(reads, directory, identity))
  );
}

/** By the externalId, where the directory says that it never changes (SCIM-3). */
async function findByImmutableId(
  reads: ReadStore,
  directory: Directory,
  { immutableId }: Identity,
): Promise<DirectoryUser | undefined> {
  if (immutableId === undefined || !directory.externalIdIsImmutable) return undefined;
  const users = await findUsersByExternalId(reads, directory, immutableId);
  return users.length === 1 ? users[0] : undefined;
}

async function findByUserName(
  reads: ReadStore,
  directory: Directory,
  { userName }: Identity,
): Promise<DirectoryUser | undefined> {
  return userName === undefined ? undefined : findUserByUserName(reads, directory, userName);
}

/** The one user whose primary address it is; two of them are nobody (ACC-3). */
async function findByAddress(
  reads: ReadStore,
  directory: Directory,
  { email }: Identity,
): Promise<DirectoryUser | undefined> {
  if (!email?.vouched || !(await ownsVerifiedDomain(reads, directory.organizationId, email.address))) return undefined;
  const ids = await findUserIdsByEmail(reads, directory, email.address);
  const users = await Promise.all(ids.map((id) => getUser(reads, directory, id)));
  const primary = users.filter((user) => caseKey(primaryEmail(userRecordOf(user)) ?? '') === caseKey(email.address));
  return primary.length === 1 ? primary[0] : undefined;
}

async function describePushed(
  reads: ReadStore,
  connection: Connection,
  identity: Identity,
  { _id: userId, link, active, accountId, confirmed }: DirectoryUser,
): Promise<NonNullable<SignInFacts['pushed']>> {
  if (accountId === undefined) return { userId, link, active, otherSubject: false, outside: false };
  const outside = !confirmed && (await liesOutside(reads, connection.organizationId, accountId));
  return { userId, link, active, accountId, outside, ...(await standingOf(reads, connection, accountId, identity)) };
}

/** Whether the account has proven addresses, and none inside a verified domain of the organization. */
async function liesOutside(reads: ReadStore, organizationId: string, accountId: string): Promise<boolean> {
  const proven = (await findAccountEmails(reads, accountId)).some((row) => row.proven);
  return proven && (await findVouchingDomain(reads, organizationId, accountId)) === undefined;
}

async function loadEmail(
  reads: ReadStore,
  connection: Connection,
  identity: Identity,
): Promise<Pick<SignInFacts, 'email'>> {
  const { email } = identity;
  if (email === undefined) return {};
  const inVerifiedDomain = await ownsVerifiedDomain(reads, connection.organizationId, email.address);
  const holder = await findAccountByProvenEmail(reads, email.address);
  return {
    email: {
      vouched: email.vouched,
      inVerifiedDomain,
      ...(holder && {
        holder: { accountId: holder._id, ...(await standingOf(reads, connection, holder._id, identity)) },
      }),
    },
  };
}

/** What an account is in the organization, and whether it is another subject of this connection already (SSO-6). */
async function standingOf(
  reads: ReadStore,
  { organizationId, _id }: Connection,
  accountId: string,
  identity?: Identity,
): Promise<{ readonly member?: SignInMember; readonly otherSubject: boolean }> {
  const member = await findMember(reads, organizationId, accountId);
  const identities = await reads.identities.find(organizationId, { accountId });
  const others = identities.filter(
    ({ connectionId, link, subject }) => connectionId === _id && link === 'linked' && subject !== identity?.subject,
  );
  return {
    ...(member && { member: { status: member.status, owner: isOwner(member) } }),
    otherSubject: identity !== undefined && others.length > 0,
  };
}
