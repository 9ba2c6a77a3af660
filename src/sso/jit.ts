/**
 * What becomes of a person who comes from an IdP: one pure rule over loaded facts (SSO-3, SSO-4, SSO-6, SCIM-3, MEM-4).
 * facts.ts loads the facts; settle.ts writes what is decided.
 */

/** A membership of the connection's organization, as far as the rule looks at it. */
export interface SignInMember {
  readonly status: 'active' | 'suspended';
  readonly owner: boolean;
}

export interface SignInFacts {
  /** The connection makes people at sign-in (SSO-4); never together with `directory`. */
  readonly jit: boolean;
  /** The connection names a directory: only its people may come in. */
  readonly directory: boolean;
  /** The account that this subject of this connection is (SSO-6), and what it is in the organization. */
  readonly known?: {
    readonly accountId: string;
    readonly member?: SignInMember;
    /** It is this account by the word of a domain that the organization no longer has verified, and nothing else vouches for it. */
    readonly domainLost?: boolean;
  };
  /** The user of the connection's directory whom the identity matches: by immutable id, userName, proven email, in this order. */
  readonly pushed?: {
    readonly userId?: string;
    readonly link: 'linked' | 'waiting' | 'released';
    readonly active: boolean;
    readonly accountId?: string;
    readonly member?: SignInMember;
    /** The account is another subject of this connection already. */
    readonly otherSubject: boolean;
    /** The account has addresses proven, and none of them inside a domain that this organization has verified, nor has its person confirmed (SSO-3). */
    readonly outside?: boolean;
  };
  readonly email?: {
    readonly vouched: boolean;
    /** Inside a domain that this organization has verified (SSO-3). */
    readonly inVerifiedDomain: boolean;
    /** The account that has the address proven, what it is here, and whether it is another subject of this connection. */
    readonly holder?: {
      readonly accountId: string;
      readonly member?: SignInMember;
      readonly otherSubject: boolean;
    };
  };
  /** Removed with `block`: nobody brings the person back until unblocked (MEM-4). */
  readonly blocked: boolean;
}

/** What is asked of people: each has its own answer (approveIdentity). */
export type QueueReason =
  | 'other_subject'
  /** The address lies outside of what the organization has verified. */
  | 'unverified_domain'
  /** The IdP says the address, but not that it is the person's. */
  | 'address_not_vouched';

/** Why somebody is not let in; each has its sentence on the page and in the record. */
export type SignInRefusal =
  | 'not_in_directory'
  | 'deactivated_in_directory'
  | 'waiting_for_adoption'
  | 'member_suspended'
  | 'blocked'
  | 'not_provisioned'
  | 'domain_not_verified'
  | QueueReason;

export type SignInDecision =
  /** The subject is known: sign in. */
  | { readonly kind: 'enter'; readonly accountId: string; readonly membership: 'keep' | 'add' }
  /** First time through this connection: the subject is this account from now on. */
  | { readonly kind: 'link'; readonly accountId: string; readonly membership: 'keep' | 'add' }
  /** Nobody is known by it: an account and a membership. `claim`: its address is proven by this IdP, or not taken at all. */
  | { readonly kind: 'create'; readonly claim: 'proven' | 'none' }
  /** A question for people: the adoption queue, with the evidence (SSO-6, SCIM-3). */
  | { readonly kind: 'queue'; readonly reason: QueueReason; readonly accountId: string }
  | { readonly kind: 'refuse'; readonly reason: SignInRefusal };

const refuse = (reason: SignInRefusal): SignInDecision => ({ kind: 'refuse', reason });

/**
 * The first that applies: the domain that has vouched is lost; the subject is known; the connection's directory knows the person; the address is an account's,
 * inside a verified domain; nobody is known, and the connection may make people. An address proves nothing outside of the
 * organization's verified domains, and nothing where the IdP itself does not vouch for it.
 */
export function decideSignIn(facts: SignInFacts): SignInDecision {
  // Also the Owner, who has the mailed link (OWN-5): a domain that has gone to somebody else speaks for nobody here.
  if (facts.known?.domainLost) return refuse('domain_not_verified');
  if (facts.directory) return decideInDirectory(facts);
  if (facts.known) return admit('enter', facts.known.accountId, facts.known.member, facts);
  const { email } = facts;
  const holder = email?.holder;
  if (holder === undefined) {
    if (!facts.jit) return refuse('not_provisioned');
    if (facts.blocked) return refuse('blocked');
    const proves = email?.vouched === true && email.inVerifiedDomain;
    return { kind: 'create', claim: proves ? 'proven' : 'none' };
  }
  const { accountId } = holder;
  if (!email?.vouched) return { kind: 'queue', reason: 'address_not_vouched', accountId };
  if (!email.inVerifiedDomain) return { kind: 'queue', reason: 'unverified_domain', accountId };
  if (holder.otherSubject) return { kind: 'queue', reason: 'other_subject', accountId };
  return admit('link', accountId, holder.member, facts);
}

/** The directory's word alone: who is not in it does not come in, whatever the IdP says (SSO-4). The Owner is never locked out by it. */
function decideInDirectory(facts: SignInFacts): SignInDecision {
  const { known, pushed } = facts;
  if (known?.member?.owner) return { kind: 'enter', accountId: known.accountId, membership: 'keep' };
  if (pushed === undefined) return refuse('not_in_directory');
  const { accountId, member } = pushed;
  if (pushed.link === 'waiting' || accountId === undefined) return refuse('waiting_for_adoption');
  if (!pushed.active && !member?.owner) return refuse('deactivated_in_directory');
  if (known?.accountId === accountId) return admit('enter', accountId, member, facts);
  if (known !== undefined || pushed.otherSubject) return { kind: 'queue', reason: 'other_subject', accountId };
  // A push may name anybody's address; whoever pushes and signs could else come in as them.
  if (pushed.outside) return { kind: 'queue', reason: 'unverified_domain', accountId };
  return admit('link', accountId, member, facts);
}

/** Whether the account may come into the organization, as what it is there now (MEM-1, MEM-4). */
function admit(
  kind: 'enter' | 'link',
  accountId: string,
  member: SignInMember | undefined,
  { blocked, jit, directory }: SignInFacts,
): SignInDecision {
  if (member?.owner) return { kind, accountId, membership: 'keep' };
  if (blocked) return refuse('blocked');
  if (member?.status === 'suspended') return refuse('member_suspended');
  if (member) return { kind, accountId, membership: 'keep' };
  return jit || directory ? { kind, accountId, membership: 'add' } : refuse('not_provisioned');
}
