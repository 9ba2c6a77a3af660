/**
 * Invitations (MEM-2): an address is asked into an organization by a letter with a link, good for seven days and once. What an
 * acceptance does to accounts and memberships stands in provisioning/invited.ts, which knows what directories say, too.
 */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import { caseKey } from '../lib/text.ts';
import { enqueue } from '../queue/index.ts';
import {
  type Filter,
  type Invitation,
  type Member,
  type Page,
  PLATFORM,
  type ReadStore,
  type Transaction,
} from '../store/index.ts';
import { findAccountEmails } from './accounts.ts';
import type { Role } from './permissions.ts';

const day = 24 * 60 * 60 * 1000;
/** An invitation may be accepted for so long after it was sent. */
const lifeMs = 7 * day;
/** For so long it is kept afterwards, for whoever asks what became of it. */
const keptMs = 30 * day;

/** What an invited person is to have: an organization role, and roles in projects besides the default one. */
export interface InvitedRoles {
  readonly role: Role;
  readonly projects: readonly { readonly projectId: string; readonly role: Role }[];
}

export interface NewInvitation extends InvitedRoles {
  readonly email: string;
  /** Our base URL, which the link begins with. */
  readonly site: string;
}

/** What has become of an invitation, by the clock too. */
export type InvitationState = Invitation['state'];

/** A pending invitation whose time is over is an expired one, whatever its row says. */
export function stateOf({ state, expiresAt }: Pick<Invitation, 'state' | 'expiresAt'>, now: Date): InvitationState {
  return state === 'pending' && now >= expiresAt ? 'expired' : state;
}

/** The roles that an invitation names. */
export function rolesOf({ role, projects }: Pick<Invitation, 'role' | 'projects'>): InvitedRoles {
  return { role, projects: Object.entries(projects).map(([projectId, given]) => ({ projectId, role: given as Role })) };
}

const ended: Readonly<
  Record<Exclude<InvitationState, 'pending'>, readonly ['invitation_expired' | 'invitation_closed', string]>
> = {
  expired: ['invitation_expired', 'This invitation has expired: ask an Admin of the organization to send it again'],
  accepted: ['invitation_closed', 'This invitation has been accepted already: each counts once'],
  adopted: ['invitation_closed', 'The person has become a member by another way, with the roles of this invitation'],
  revoked: ['invitation_closed', 'This invitation has been revoked'],
};

/** Why an invitation cannot be accepted any more: `invitation_expired` or `invitation_closed`; undefined where it can. */
export function decideOpen(invitation: Pick<Invitation, 'state' | 'expiresAt'>, now: Date): AppError | undefined {
  const state = stateOf(invitation, now);
  return state === 'pending' ? undefined : new AppError(...ended[state], { details: { state } });
}

/** Writes an invitation and asks for its letter. Whom it may go to has been decided by the caller. Throws `invitation_pending`. */
export async function insertInvitation(
  tx: Transaction,
  organizationId: string,
  { email, role, projects, site }: NewInvitation,
): Promise<Invitation> {
  const emailKey = caseKey(email);
  const former = await tx.invitations.findOne(organizationId, { emailKey, state: 'pending' });
  if (former) {
    if (tx.at < former.expiresAt) {
      throw new AppError('invitation_pending', `${email} is invited already: resend or revoke that invitation`, {
        details: { invitationId: former._id },
      });
    }
    await tx.invitations.updateOne(
      organizationId,
      { _id: former._id, version: former.version },
      { $set: { state: 'expired' } },
    );
  }
  const invitation = await tx.invitations.insert(organizationId, {
    _id: newId('invitation'),
    organizationId,
    email,
    emailKey,
    role,
    projects: Object.fromEntries(projects.map((one) => [one.projectId, one.role])),
    state: 'pending',
    round: 1,
    invitedBy: inviterOf(tx),
    ...times(tx),
  });
  await record(tx, invitation, 'invitation.sent');
  await mailLater(tx, invitation, site);
  return invitation;
}

/** Who stands for an invitation: the person, also where the operator acts for them. */
const inviterOf = ({ cause }: Transaction): string =>
  cause.onBehalfOf === undefined ? cause.actor : byAccount(cause.onBehalfOf);
const byAccount = (accountId: string): string => `account:${accountId}`;

/** The account that stands for an invitation; undefined where it is the operator. */
export function inviterAccountOf({ invitedBy }: Pick<Invitation, 'invitedBy'>): string | undefined {
  return invitedBy.startsWith(byAccount('')) ? invitedBy.slice(byAccount('').length) : undefined;
}

const times = ({ at }: Transaction) => ({
  expiresAt: new Date(at.getTime() + lifeMs),
  forgetAt: new Date(at.getTime() + lifeMs + keptMs),
});

/** When the letter went whose link is good now. */
export const sentAt = ({ expiresAt }: Pick<Invitation, 'expiresAt'>): Date => new Date(expiresAt.getTime() - lifeMs);

function mailLater(tx: Transaction, { organizationId, _id, round }: Invitation, site: string): Promise<void> {
  return enqueue(tx, organizationId, 'mail-invitation', { invitationId: _id, round, site });
}

/** The invitation; throws `not_found`, also for another organization's. */
export async function getInvitation(reads: ReadStore, organizationId: string, id: string): Promise<Invitation> {
  const invitation = await reads.invitations.get(organizationId, id);
  if (!invitation) throw new AppError('not_found', `There is no invitation ${id} in this organization`);
  return invitation;
}

/** A page of the invitations, in the order of sending; with `state` only those that are in it at `now`. */
export function listInvitations(
  reads: ReadStore,
  organizationId: string,
  options: {
    readonly state?: InvitationState | undefined;
    readonly now: Date;
    readonly limit: number;
    readonly cursor?: string | undefined;
  },
): Promise<Page<Invitation>> {
  const { state, now, limit, cursor } = options;
  return reads.invitations.page(organizationId, inState(state, now), { limit, cursor });
}

function inState(state: InvitationState | undefined, now: Date): Filter<Invitation> {
  switch (state) {
    case undefined:
      return {};
    case 'pending':
      return { state, expiresAt: { $gt: now } };
    case 'expired':
      return { $or: [{ state }, { state: 'pending', expiresAt: { $lte: now } }] };
    default:
      return { state };
  }
}

/**
 * Sends an invitation again: the former link is dead at once, the new one good for seven days, and whoever sends it stands for it
 * from now on. Throws `not_found`, `invitation_closed`.
 */
export async function resendInvitation(
  tx: Transaction,
  organizationId: string,
  id: string,
  site: string,
): Promise<Invitation> {
  const invitation = await getInvitation(tx, organizationId, id);
  const refusal = decideOpen(invitation, tx.at);
  if (refusal && refusal.code !== 'invitation_expired') throw refusal;
  const { emailKey } = invitation;
  if (
    invitation.state === 'expired' &&
    (await tx.invitations.findOne(organizationId, { emailKey, state: 'pending' }))
  ) {
    throw new AppError('invitation_closed', 'A newer invitation has gone to this address');
  }
  const sent = await tx.invitations.updateOne(
    organizationId,
    { _id: id, version: invitation.version },
    {
      $set: { state: 'pending', invitedBy: inviterOf(tx), ...times(tx) },
      $unset: { tokenHash: true },
      $inc: { round: 1 },
    },
  );
  if (!sent) throw changedMeanwhile();
  await record(tx, sent, 'invitation.resent');
  await mailLater(tx, sent, site);
  return sent;
}

/** Takes an invitation back: its link is worth nothing from now on. Throws `not_found`, `invitation_closed`. */
export async function revokeInvitation(tx: Transaction, organizationId: string, id: string): Promise<void> {
  const invitation = await getInvitation(tx, organizationId, id);
  const refusal = decideOpen(invitation, tx.at);
  if (refusal && refusal.code !== 'invitation_expired') throw refusal;
  await closeInvitation(tx, invitation, 'revoked');
}

/** Revokes what is pending for somebody who is removed (MEM-3): to any address of theirs, and what waits for this membership. */
export async function revokeInvitationsOf(tx: Transaction, member: Member): Promise<void> {
  const { organizationId, accountId, profile } = member;
  if (!(await tx.invitations.findOne(organizationId, { state: 'pending' }))) return;
  const keys = (await findAccountEmails(tx, accountId)).map(({ emailKey }) => emailKey);
  if (profile?.email !== undefined) keys.push(caseKey(profile.email));
  const theirs = { $or: [{ emailKey: { $in: keys } }, { memberId: member._id }] };
  for (const invitation of await tx.invitations.find(organizationId, { state: 'pending', ...theirs })) {
    await closeInvitation(tx, invitation, 'revoked');
  }
}

/** Revokes what is pending that somebody has sent who may invite no longer (MEM-3), to whomever: it would be a way back in. */
export async function revokeInvitationsBy(tx: Transaction, organizationId: string, accountId: string): Promise<void> {
  const theirs = { state: 'pending', invitedBy: byAccount(accountId) } as const;
  for (const invitation of await tx.invitations.find(organizationId, theirs)) {
    await closeInvitation(tx, invitation, 'revoked');
  }
}

/** Ends an invitation, once: of two who end it at the same time one does, the other looks again. Throws `stale`. */
export async function closeInvitation(
  tx: Transaction,
  invitation: Invitation,
  state: 'accepted' | 'adopted' | 'revoked',
  memberId?: string,
): Promise<Invitation> {
  const closed = await tx.invitations.updateOne(
    invitation.organizationId,
    { _id: invitation._id, version: invitation.version, state: invitation.state },
    { $set: { state, ...(memberId !== undefined && { memberId }) } },
  );
  if (!closed) throw changedMeanwhile();
  await record(tx, closed, `invitation.${state}`);
  return closed;
}

const changedMeanwhile = () =>
  new AppError('stale', 'The invitation was changed by somebody else meanwhile: try again');

/**
 * Makes the link of a letter that a job has been asked for. The token is answered this once, and kept as a hash. Undefined
 * where the invitation has been sent again, ended, or expired since: then no letter goes.
 */
export async function mintInvitationToken(
  tx: Transaction,
  organizationId: string,
  { invitationId, round }: { readonly invitationId: string; readonly round: number },
): Promise<{ readonly invitation: Invitation; readonly token: string } | undefined> {
  const invitation = await tx.invitations.get(organizationId, invitationId);
  if (invitation === undefined || invitation.round !== round || decideOpen(invitation, tx.at)) return undefined;
  const token = newSecret('');
  const minted = await tx.invitations.updateOne(
    organizationId,
    { _id: invitationId, version: invitation.version },
    { $set: { tokenHash: hashSecret(token) } },
  );
  return minted && { invitation: minted, token };
}

/** The invitation of a mailed token, whatever its state; undefined where it is none, or a newer letter has replaced it. */
export function findInvitationByToken(reads: ReadStore, token: string): Promise<Invitation | undefined> {
  return reads.invitations.findOne(PLATFORM, { tokenHash: hashSecret(token) });
}

function record(tx: Transaction, invitation: Invitation, type: `invitation.${string}`): Promise<void> {
  const { organizationId, _id, email, role, projects, memberId, expiresAt } = invitation;
  return recordAudit(tx, organizationId, {
    type,
    targetKind: 'invitation',
    targetId: _id,
    after: {
      email,
      role,
      projects: { ...projects },
      expiresAt: expiresAt.toISOString(),
      ...(memberId && { memberId }),
    },
  });
}
