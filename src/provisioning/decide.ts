/**
 * What becomes of a person that an IdP has pushed: two pure rules, one after the other. `decideIdentity` says whose
 * account it is, `decideMembership` what happens to that account's membership. people.ts loads the facts and writes.
 */
import type { Note } from './notes.ts';

/** An account's membership of this organization, as far as the rules look at it. */
export interface MemberFacts {
  readonly status: 'active' | 'suspended';
  /** Whose word counts for it (SCIM-3): this directory user's, another one's, or no directory's. */
  readonly governedBy: 'this' | 'another' | 'nobody';
  /** Its directory user was deleted by the IdP, and no directory has taken it up since. */
  readonly departed: boolean;
}

export interface IdentityFacts {
  /** The account that this directory user is linked to: the link never moves, whatever its userName or email becomes. */
  readonly linkedTo?: string;
  /** Departed from this directory with an equal externalId, which the directory declares to be immutable. */
  readonly departedWithSameId?: string;
  /** Departed from this directory with the same userName, and nothing pushed now contradicts that it is this account. */
  readonly departedWithSameName?: string;
  /** Whether the push names an address at all. */
  readonly address: boolean;
  /** Another user of this directory is the one who goes by the address: linked to its account, or first to claim it. */
  readonly addressHeldInDirectory: boolean;
  /** The account with this address proven (ACC-2), and whether it is a member here. */
  readonly holder?: { readonly accountId: string; readonly member: 'none' | 'present' | 'departed' };
  /** Whether this organization has verified the address's domain (SSO-3). */
  readonly domainVerified: boolean;
  /** The account whose person has said, by a link to their mailbox, that this is them (SCIM-3). */
  readonly confirmedBy?: string;
}

export type Identity =
  /** The account that this directory user has been linked to before. */
  | { readonly kind: 'known'; readonly accountId: string }
  /** A departed member whose immutable id is equal: the same person, with everything that was theirs. */
  | { readonly kind: 'returned'; readonly accountId: string; readonly conflict: boolean }
  /** A departed member's userName or address without the immutable id: the member, but nothing that was theirs. */
  | { readonly kind: 'recycled'; readonly accountId: string; readonly conflict: boolean }
  /** The account that holds the address: a member already, or linked through a verified domain. */
  | { readonly kind: 'found'; readonly accountId: string }
  /** The account exists, and this organization cannot show that its IdP speaks for it: the adoption queue. */
  | { readonly kind: 'waiting' }
  /** Nobody known: an account of its own. `conflict`, here and above: the address belongs to somebody else (ACC-3). */
  | { readonly kind: 'new'; readonly claim: 'proven' | 'unproven' | 'none'; readonly conflict: boolean };

/**
 * Whose account a pushed person is (ACC-2, ACC-3, SCIM-3). The first that applies: the link; an equal immutable id; the
 * account that has the address proven, unless another user of the directory goes by it; a departed namesake; else an
 * account of its own, without the address where another user goes by that.
 */
export function decideIdentity(facts: IdentityFacts): Identity {
  const { linkedTo, departedWithSameId, departedWithSameName, holder } = facts;
  if (linkedTo !== undefined) return { kind: 'known', accountId: linkedTo };
  if (departedWithSameId !== undefined) return departed('returned', departedWithSameId, facts);
  if (holder !== undefined && !facts.addressHeldInDirectory) {
    return decideHolder(holder, facts.domainVerified || facts.confirmedBy === holder.accountId);
  }
  if (departedWithSameName !== undefined) return departed('recycled', departedWithSameName, facts);
  if (facts.address && facts.addressHeldInDirectory) return { kind: 'new', claim: 'none', conflict: true };
  const claim = !facts.address ? 'none' : facts.domainVerified ? 'proven' : 'unproven';
  return { kind: 'new', claim, conflict: false };
}

function departed(kind: 'returned' | 'recycled', accountId: string, facts: IdentityFacts): Identity {
  return { kind, accountId, conflict: decideConflict(facts, accountId) };
}

/**
 * Whether the address of the one who is this account's belongs to somebody else (ACC-3): to the account that has it
 * proven; where none has, to the user of the directory who goes by it.
 */
export function decideConflict(
  facts: {
    readonly addressHeldInDirectory: boolean;
    readonly holder?: { readonly accountId: string };
  },
  accountId: string,
): boolean {
  return facts.holder === undefined ? facts.addressHeldInDirectory : facts.holder.accountId !== accountId;
}

/** `spoken`: the verified domain, or the person, says that the one who was pushed is the holder of the address. */
function decideHolder(holder: NonNullable<IdentityFacts['holder']>, spoken: boolean): Identity {
  const { accountId, member } = holder;
  if (member === 'departed') return { kind: 'recycled', accountId, conflict: false };
  if (member === 'present' || spoken) return { kind: 'found', accountId };
  return { kind: 'waiting' };
}

export interface MembershipFacts {
  readonly identity: Exclude<Identity['kind'], 'waiting'>;
  /** What the directory user says after this push. */
  readonly active: boolean;
  /** The push itself says `active: true`: only such a one brings somebody back (MEM-4). */
  readonly statesActive: boolean;
  /** Absent where the account is not a member of this organization. */
  readonly member?: MemberFacts;
  /** Removed with `block`: nobody brings the person back (MEM-4). */
  readonly blocked?: boolean;
}

export interface Membership {
  /**
   * `suspend` is asked of access/, which refuses it for the Owner, and the whole push with it (OWN-1, OWN-2). `refuse`: the push
   * would bring in somebody who is blocked, and is refused as a whole (MEM-4).
   */
  readonly step: 'keep' | 'add' | 'suspend' | 'reactivate' | 'refuse';
  /** With `add`: the status to begin with. */
  readonly status: 'active' | 'suspended';
  /** This directory user governs the member from now on. */
  readonly governs: boolean;
  /** Everything that the former holder of the name was given is taken away, and an Admin is asked to look (SCIM-3). */
  readonly recycled: boolean;
  /** What was accepted without the effect that its sender may expect (SCIM-5). */
  readonly note?: Note;
}

const keep: Membership = { step: 'keep', status: 'active', governs: false, recycled: false };

/** What a push does to the membership of the account that it is about (MEM-4, MEM-5, SCIM-3). */
export function decideMembership(facts: MembershipFacts): Membership {
  const { member, identity, active } = facts;
  const status = active ? 'active' : 'suspended';
  if (member === undefined) {
    const comesIn = identity !== 'known' || (active && facts.statesActive);
    if (!comesIn) return { ...keep, note: 'removed_member_stays_out' };
    return { step: facts.blocked ? 'refuse' : 'add', status, governs: true, recycled: false };
  }
  if (member.governedBy === 'another') return { ...keep, note: 'governed_by_another_directory' };
  const recycled = identity === 'recycled';
  // A directory that has known a departed member all along takes them up by saying active: true, and by nothing less.
  const takesUp = identity !== 'known' || (active && facts.statesActive);
  if (member.departed && !takesUp) return { ...keep, note: 'departed_member_stays_suspended' };
  const governed = { ...keep, status, governs: true, recycled } as const;
  if (!active && member.status === 'active') return { ...governed, step: 'suspend' };
  if (active && facts.statesActive && member.status === 'suspended') return { ...governed, step: 'reactivate' };
  return governed;
}

/**
 * Whether the deletion of a directory user ends the membership's governance: the member is then suspended and marked
 * as departed, grants kept (SCIM-3). Nothing happens to a member whom another directory user governs, or nobody.
 */
export function decideDeparture(member: MemberFacts | undefined): 'keep' | 'depart' {
  return member?.governedBy === 'this' ? 'depart' : 'keep';
}
