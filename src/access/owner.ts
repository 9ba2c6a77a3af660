/**
 * The one domain rule that protects the Owner (OWN-1, OWN-2, OWN-3, OWN-6). Every use case that suspends, removes or
 * demotes asks here first and confines its write with `notOwner`. The store enforces the same once more, below.
 */
import { AppError } from '../errors.ts';
import type { Filter, Member } from '../store/index.ts';

/** What somebody wants to do to a member that the Owner can never suffer. */
export type OwnerChange = 'suspend' | 'remove' | 'demote';

const said: Readonly<Record<OwnerChange, string>> = {
  suspend: 'The Owner of an organization cannot be suspended or deprovisioned',
  remove: 'The Owner of an organization cannot be removed and cannot leave',
  demote: 'The Owner of an organization is always an Admin; the role cannot be changed',
};

/** Whether this member is the Owner of the organization, who is Admin whatever grants say (OWN-1). */
export function isOwner(member: Pick<Member, 'owner'>): boolean {
  return member.owner === true;
}

/**
 * Whether a change of a member is forbidden because the member is the Owner.
 * Answers the refusal (`owner_protected`, which says what to do instead), or undefined where the change may go on.
 */
export function decideOwnerChange(member: Pick<Member, '_id' | 'owner'>, change: OwnerChange): AppError | undefined {
  if (!isOwner(member)) return undefined;
  return new AppError('owner_protected', `${said[change]}. Transfer the ownership to another Admin first.`, {
    details: { memberId: member._id, change },
  });
}

/** Confines an update or removal of members to those who are not the Owner. */
export function notOwner(): Filter<Member> {
  return { owner: { $ne: true } };
}
