/** What ties directory users to accounts: the link, the address, and what is known of those who have departed. */
import { findAccountByProvenEmail, findAccountEmails, findMember, ownsVerifiedDomain } from '../access/index.ts';
import { findUserIdsByEmail, findUsersOfAccount, primaryEmail, userRecordOf } from '../directory/index.ts';
import { caseKey } from '../lib/text.ts';
import type { Directory, DirectoryUser, Member, ReadStore } from '../store/index.ts';
import type { IdentityFacts, MemberFacts } from './decide.ts';
import type { Pushed } from './pushed.ts';

/** All that decides whose account a pushed person is. `user` is absent where the push makes it. */
export async function loadIdentityFacts(
  reads: ReadStore,
  directory: Directory,
  pushed: Pushed,
  user?: DirectoryUser,
): Promise<IdentityFacts> {
  if (user?.link === 'linked' && user.accountId !== undefined) {
    return { linkedTo: user.accountId, address: false, addressHeldInDirectory: false, domainVerified: false };
  }
  const { organizationId } = directory;
  const departedWithSameId = await findReturning(reads, directory, pushed);
  const departedWithSameName = await findNamesake(reads, directory, pushed);
  const { address } = pushed;
  if (address === undefined) {
    return {
      ...(departedWithSameId && { departedWithSameId }),
      ...(departedWithSameName && { departedWithSameName }),
      address: false,
      addressHeldInDirectory: false,
      domainVerified: false,
    };
  }
  const holder = await findAccountByProvenEmail(reads, address);
  const member = holder && (await findMember(reads, organizationId, holder._id));
  return {
    ...(departedWithSameId && { departedWithSameId }),
    ...(departedWithSameName && { departedWithSameName }),
    address: true,
    addressHeldInDirectory: await isAddressHeld(reads, directory, address, holder?._id, user?._id),
    ...(holder && { holder: { accountId: holder._id, member: presence(member) } }),
    domainVerified: await ownsVerifiedDomain(reads, organizationId, address),
  };
}

function presence(member: Member | undefined): 'none' | 'present' | 'departed' {
  if (member === undefined) return 'none';
  return member.departed === undefined ? 'present' : 'departed';
}

/**
 * Whether another user of this directory is the one who goes by the address (ACC-3): who is linked to the account that
 * has it proven; who waits for it, and did so first; or, where nobody has it proven, who is linked and has it as primary
 * address. Secondary addresses, and users told of a conflict themselves, keep nobody from it.
 */
export async function isAddressHeld(
  reads: ReadStore,
  directory: Directory,
  address: string,
  holderId: string | undefined,
  ownUserId: string | undefined,
): Promise<boolean> {
  const namesakes = (await findPrimaryUsers(reads, directory, address)).filter(({ _id }) => _id !== ownUserId);
  if (namesakes.some(({ _id, link }) => link === 'waiting' && (ownUserId === undefined || _id < ownUserId)))
    return true;
  if (holderId === undefined)
    return namesakes.some(({ link, conflict }) => link === 'linked' && conflict === undefined);
  const linked = await findUsersOfAccount(reads, directory.organizationId, holderId);
  return linked.some((user) => user.directoryId === directory._id && user._id !== ownUserId);
}

/** The directory's users whose primary address this is. */
export async function findPrimaryUsers(
  reads: ReadStore,
  directory: Directory,
  address: string,
): Promise<readonly DirectoryUser[]> {
  const ids = await findUserIdsByEmail(reads, directory, address);
  if (ids.length === 0) return [];
  const users = await reads.directoryUsers.find(directory.organizationId, { _id: { $in: ids } });
  return users.filter((user) => caseKey(primaryEmail(userRecordOf(user)) ?? '') === caseKey(address));
}

/** The account of the member who has departed from this directory with this immutable id. */
async function findReturning(reads: ReadStore, directory: Directory, pushed: Pushed): Promise<string | undefined> {
  if (!directory.externalIdIsImmutable || pushed.externalId === undefined) return undefined;
  const departed = await reads.members.find(directory.organizationId, { 'departed.externalId': pushed.externalId });
  return departed.findLast((member) => member.departed?.directoryId === directory._id)?.accountId;
}

/**
 * The account of the member who has departed from this directory with this userName. A namesake pushed with an address
 * that is neither the account's nor the one pushed last is somebody else.
 */
async function findNamesake(reads: ReadStore, directory: Directory, pushed: Pushed): Promise<string | undefined> {
  const userNameKey = caseKey(pushed.userName);
  const named = await reads.members.find(directory.organizationId, { 'departed.userNameKey': userNameKey });
  for (const member of named.toReversed()) {
    if (member.departed?.directoryId !== directory._id) continue;
    if (await mayBeOf(reads, member, pushed.address)) return member.accountId;
  }
  return undefined;
}

async function mayBeOf(reads: ReadStore, member: Member, address: string | undefined): Promise<boolean> {
  if (address === undefined) return true;
  const known = (await findAccountEmails(reads, member.accountId)).map(({ emailKey }) => emailKey);
  if (member.profile?.email !== undefined) known.push(caseKey(member.profile.email));
  return known.length === 0 || known.includes(caseKey(address));
}

/** A member row as the rules look at it, from the point of view of one directory user. */
export function memberFacts(member: Member, userId: string): MemberFacts {
  const { directoryUserId, status } = member;
  const governedBy = directoryUserId === undefined ? 'nobody' : directoryUserId === userId ? 'this' : 'another';
  return { status, governedBy, departed: member.departed !== undefined };
}
