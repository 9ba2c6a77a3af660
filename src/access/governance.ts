/** What a directory has to say on a member: which of its users governs the person, and how the person shows (SCIM-3, ACC-1). */
import { isDeepStrictEqual } from 'node:util';
import { recordAudit } from '../events/index.ts';
import type { Change, Member, Transaction } from '../store/index.ts';
import { getMember, type MemberProfile } from './members.ts';

/** A member's tie to directories: all of it, so what is absent is cleared. */
export interface Governance {
  readonly directoryId?: string | undefined;
  readonly directoryUserId?: string | undefined;
  /** What was known of the directory user that the IdP has deleted. */
  readonly departed?: Member['departed'] | undefined;
  readonly review?: Member['review'] | undefined;
}

/** Sets a member's tie to directories as a whole; unchanged, writes nothing. Throws `not_found`. */
export async function setGovernance(
  tx: Transaction,
  organizationId: string,
  memberId: string,
  governance: Governance,
): Promise<Member> {
  const member = await getMember(tx, organizationId, memberId);
  const { directoryId, directoryUserId, departed, review } = member;
  const before = defined({ directoryId, directoryUserId, departed, review });
  const after = defined({
    directoryId: governance.directoryId,
    directoryUserId: governance.directoryUserId,
    departed: governance.departed,
    review: governance.review,
  });
  if (isDeepStrictEqual(before, after)) return member;
  const $unset: { -readonly [K in keyof Governance]: true } = {};
  for (const key of ['directoryId', 'directoryUserId', 'departed', 'review'] as const) {
    if (before[key] !== undefined && after[key] === undefined) $unset[key] = true;
  }
  return change(tx, member, 'member.governance_changed', { $set: after, $unset }, before, after);
}

/** Sets what a member shows of the directory's data; unchanged, writes nothing. Throws `not_found`. */
export async function setMemberProfile(
  tx: Transaction,
  organizationId: string,
  memberId: string,
  profile: MemberProfile,
): Promise<Member> {
  const member = await getMember(tx, organizationId, memberId);
  const before = defined({ ...member.profile });
  const after = defined({ ...profile });
  if (isDeepStrictEqual(before, after)) return member;
  return change(tx, member, 'member.profile_changed', { $set: { profile: after } }, before, after);
}

async function change(
  tx: Transaction,
  member: Member,
  type: `member.${string}`,
  written: Change<Member>,
  before: object,
  after: object,
): Promise<Member> {
  const { organizationId, _id } = member;
  const changed = await tx.members.updateOne(organizationId, { _id }, written);
  await recordAudit(tx, organizationId, {
    type,
    targetKind: 'member',
    targetId: _id,
    before: { ...before },
    after: { ...after },
  });
  return changed ?? member;
}

/** Without the fields that are absent. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
