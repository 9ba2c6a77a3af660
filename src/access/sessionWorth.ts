/** What a session is worth in an organization: who proved what, and whose word the organization takes (SSO-5, SSO-7, OWN-5). */
import type { JsonObject, Member, Organization, Session } from '../store/index.ts';
import { isOwner } from './owner.ts';

/** One way in which the person of a session has shown who they are. A session may gather several. */
export type Proof =
  /** The operator made the session. */
  | { readonly kind: 'operator'; readonly at: Date }
  /**
   * A link mailed to a proven address of the account. `invitedTo`: it was the letter of this organization's invitation, good for days, so that
   * whoever read it may not be who reads the next one: what is left behind for good opens that organization only (PRJ-7).
   */
  | { readonly kind: 'mailbox'; readonly at: Date; readonly invitedTo?: string }
  /**
   * An organization's IdP; `index` is the IdP's own session (SessionIndex, `sid`), `subject` its name for the person.
   * `forced`: it was told to ask the person again, and not only to say whom it knows.
   */
  | {
      readonly kind: 'connection';
      readonly at: Date;
      readonly organizationId: string;
      readonly connectionId: string;
      readonly subject: string;
      readonly index?: string;
      readonly forced?: true;
    };

export interface WorthFacts {
  readonly proofs: readonly Proof[];
  /** The organization's part of the session has ended (`session.endedIn`). */
  readonly ended: boolean;
  readonly organizationId: string;
  /** The organization's settings. */
  readonly ssoEnforced: boolean;
  readonly trusts: 'nobody' | 'external_collaborators' | 'everybody';
  /** What the person is there; `external` also where they are nothing. */
  readonly standing: 'owner' | 'member' | 'external';
}

/** `step_up`: sign in through the organization's own connection (or mailbox, where SSO is not enforced) and ask again. */
export type Worth = 'counts' | 'ended' | 'step_up';

/**
 * Whether a session counts in an organization. Its own IdP's word always does. Enforced SSO asks everybody but the Owner and
 * External Collaborators for it (SSO-5, PRJ-6, OWN-5), also in a session that the operator made. Another organization's IdP is
 * believed as far as the organization trusts others: by default for its External Collaborators only.
 */
export function decideWorth(facts: WorthFacts): Worth {
  const { proofs, organizationId, standing, trusts } = facts;
  if (facts.ended) return 'ended';
  const has = (kind: Proof['kind']) => proofs.some((proof) => proof.kind === kind);
  if (proofs.some((proof) => proof.kind === 'connection' && proof.organizationId === organizationId)) return 'counts';
  if (standing === 'member' && facts.ssoEnforced) return 'step_up';
  if (has('mailbox') || has('operator')) return 'counts';
  const trusted = trusts === 'everybody' || (trusts === 'external_collaborators' && standing === 'external');
  return has('connection') && trusted ? 'counts' : 'step_up';
}

/** What a worth is read from. */
export type SessionProofs = Pick<Session, 'proofs' | 'madeBy' | 'createdAt' | 'endedIn'>;

/** What a session is worth in an organization, where its person is this member, or none. */
export function worthIn(
  session: SessionProofs,
  { _id: organizationId, settings }: Pick<Organization, '_id' | 'settings'>,
  member: Pick<Member, 'owner'> | undefined,
): Worth {
  return decideWorth({
    proofs: proofsOf(session),
    ended: session.endedIn.includes(organizationId),
    organizationId,
    ssoEnforced: settings.ssoEnforced ?? false,
    trusts: settings.trustedSessions ?? 'external_collaborators',
    standing: member === undefined ? 'external' : isOwner(member) ? 'owner' : 'member',
  });
}

/**
 * When the person last showed who they are to this organization: by a mailbox, or to its own IdP, which had to ask them
 * again. The word of the operator is none, nor is that of another organization's IdP, however far its sessions are
 * trusted (OWN-4).
 */
export function authenticatedAt(proofs: readonly Proof[], organizationId: string): Date | undefined {
  const own = proofs.filter(
    (proof) =>
      proof.kind === 'mailbox' ||
      (proof.kind === 'connection' && proof.organizationId === organizationId && proof.forced === true),
  );
  return own.length === 0 ? undefined : new Date(Math.max(...own.map(({ at }) => at.getTime())));
}

/** When the person last showed who they are by a link to their own mailbox, in this session (OWN-4, KEY-3). */
export function mailboxProvenAt(proofs: readonly Proof[]): Date | undefined {
  const times = proofs.filter(({ kind }) => kind === 'mailbox').map(({ at }) => at.getTime());
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

/** One place for each proof in a session's row: a newer one of the same kind or connection takes the older one's. */
const placeOf = (proof: Proof): string => (proof.kind === 'connection' ? proof.connectionId : proof.kind);

/** The proofs as a session's row keeps them. */
export function writeProofs(proofs: readonly Proof[]): JsonObject {
  return Object.fromEntries(proofs.map((proof) => [placeOf(proof), { ...proof, at: proof.at.getTime() }]));
}

/** The proofs of a session's row; those that were made before proofs were kept tell by who made them. */
export function proofsOf(session: Pick<Session, 'proofs' | 'madeBy' | 'createdAt'>): readonly Proof[] {
  if (session.proofs === undefined) {
    return [{ kind: session.madeBy === 'operator' ? 'operator' : 'mailbox', at: session.createdAt }];
  }
  const kept = Object.values(session.proofs) as readonly (Omit<Proof, 'at'> & { readonly at: number })[];
  return kept.map((proof) => ({ ...proof, at: new Date(proof.at) }) as Proof);
}
