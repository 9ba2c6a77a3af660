/** Inviting somebody, and what an acceptance makes of them: an account, a membership, their roles; and nobody twice (MEM-2). */
import {
  addMailbox,
  addMember,
  closeInvitation,
  createAccount,
  decideInviter,
  decideOpen,
  findAccountByProvenEmail,
  findAccountEmails,
  findBlock,
  findInvitationByToken,
  findMember,
  getInvitation,
  getMember,
  getOrganization,
  giveInvitedRoles,
  insertInvitation,
  mailboxesOf,
  memberBlocked,
  type NewInvitation,
  organizationClosed,
  refuseBlocked,
  resendInvitation,
  sentAt,
} from '../access/index.ts';
import { listDirectories } from '../directory/index.ts';
import { AppError } from '../errors.ts';
import type { Invitation, Member, Organization, ReadStore, Transaction } from '../store/index.ts';
import { memberAdded } from './joined.ts';
import { findPrimaryUsers } from './links.ts';

/**
 * Invites an address; that the inviter may add people to the projects is for the caller to ask. Throws `invitations_off` (the organization's members come by SSO only), `not_found` (a project that is
 * none of its own), `project_archived`, `default_project_protected`, `already_a_member`, `member_suspended`, `member_blocked`, `invitation_pending`.
 */
export async function invite(tx: Transaction, organizationId: string, input: NewInvitation): Promise<Invitation> {
  refusePolicy(await getOrganization(tx, organizationId));
  for (const { projectId } of input.projects) {
    const project = await tx.projects.get(organizationId, projectId);
    if (!project) throw new AppError('not_found', `There is no project ${projectId}`);
    if (project.archivedAt) throw new AppError('project_archived', `The project ${project.name} is archived`);
    if (!project.isDefault) continue;
    throw new AppError('default_project_protected', 'Every member has access to the default project: leave it out');
  }
  await refusePresent(tx, organizationId, input.email);
  return insertInvitation(tx, organizationId, input);
}

/** Sends an invitation again, under the conditions of a new one. Throws what `invite` does, `not_found`, `invitation_closed`. */
export async function inviteAgain(
  tx: Transaction,
  organizationId: string,
  id: string,
  site: string,
): Promise<Invitation> {
  refusePolicy(await getOrganization(tx, organizationId));
  const invitation = await getInvitation(tx, organizationId, id);
  // One whom an IdP has brought under an unproven address waits for this very letter.
  if (invitation.memberId === undefined) await refusePresent(tx, organizationId, invitation.email);
  return resendInvitation(tx, organizationId, id, site);
}

function refusePolicy({ settings }: Organization): void {
  if (settings.membershipPolicy !== 'sso') return;
  const message =
    'The members of this organization come through its identity provider only (membershipPolicy sso): nobody is invited';
  throw new AppError('invitations_off', message);
}

async function refusePresent(reads: ReadStore, organizationId: string, email: string): Promise<void> {
  const member = await findMemberByAddress(reads, organizationId, email);
  if (member?.status === 'suspended') {
    throw new AppError('member_suspended', `${email} is a suspended member of the organization`, {
      details: { memberId: member._id },
    });
  }
  if (member) {
    throw new AppError('already_a_member', `${email} is a member of the organization already`, {
      details: { memberId: member._id },
    });
  }
  const holder = await findAccountByProvenEmail(reads, email);
  const block = await findBlock(reads, organizationId, holder ? { accountId: holder._id } : { address: email });
  if (block) throw memberBlocked(block);
}

/** The member who has this address proven; else the one whom a directory knows by it, where nobody has it proven. */
async function findMemberByAddress(
  reads: ReadStore,
  organizationId: string,
  email: string,
): Promise<Member | undefined> {
  const holder = await findAccountByProvenEmail(reads, email);
  if (holder) return findMember(reads, organizationId, holder._id);
  let cursor: string | undefined;
  do {
    const page = await listDirectories(reads, organizationId, { limit: 100, cursor });
    for (const directory of page.items) {
      for (const { link, accountId } of await findPrimaryUsers(reads, directory, email)) {
        const member = link === 'linked' && accountId ? await findMember(reads, organizationId, accountId) : undefined;
        if (member) return member;
      }
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return undefined;
}

/** What decides whose an acceptance is. */
export interface AcceptanceFacts {
  /** Who is signed in. */
  readonly signedIn: string | undefined;
  /** The account that has the address proven, or was brought in under it; absent where there is none yet. */
  readonly target?: {
    readonly accountId: string;
    /** Links to the address may sign in as this account: it is a mailbox of it, or the account has none at all. */
    readonly linkSpeaks: boolean;
  };
}

export type Acceptor =
  /** Nobody has the address: an account is made. */
  | { readonly kind: 'make' }
  | { readonly kind: 'account'; readonly accountId: string }
  | { readonly kind: 'refuse'; readonly refusal: AppError };

/**
 * Whose an acceptance is. The link proves the mailbox (ACC-2), and so speaks for the account that has it, or makes one. It
 * never changes an account that somebody is signed in to and that has not proven the address: that takes a fresh link of
 * the account's own (ACC-4), after which the invitation is theirs. Where the address is an account's by an IdP's word only, and
 * its links go elsewhere, the person signs in first. Refusals: `invitation_of_another`, `sign_in_required`.
 */
export function decideAcceptor({ signedIn, target }: AcceptanceFacts): Acceptor {
  if (signedIn !== undefined && signedIn !== target?.accountId) {
    return refuse(
      'invitation_of_another',
      'You are signed in to an account that has not proven the address of this invitation: add the address to it first, or accept without that session',
    );
  }
  if (target === undefined) return { kind: 'make' };
  const { accountId, linkSpeaks } = target;
  if (linkSpeaks || signedIn === accountId) return { kind: 'account', accountId };
  return refuse(
    'sign_in_required',
    'The address belongs to an account whose links go to other addresses: sign in to it, and accept then',
  );
}

const refuse = (code: 'invitation_of_another' | 'sign_in_required', message: string): Acceptor => ({
  kind: 'refuse',
  refusal: new AppError(code, message),
});

/** An invitation as its page shows it, before anything is done. */
export interface ReceivedInvitation {
  readonly invitation: Invitation;
  readonly organization: Organization;
  /** Why it cannot be accepted as things are. */
  readonly refusal: AppError | undefined;
}

/** Looks at the invitation of a token, using nothing up. Throws `not_found`, and what `decideOpen` and `decideInviter` say. */
export async function readInvitation(
  reads: ReadStore,
  token: string,
  signedIn: string | undefined,
  now: Date,
): Promise<ReceivedInvitation> {
  const invitation = await openInvitation(reads, token, now);
  const organization = await getOrganization(reads, invitation.organizationId);
  if (organization.closedAt) throw organizationClosed();
  const unbacked = await decideInviter(reads, invitation);
  if (unbacked) throw unbacked;
  const acceptor = decideAcceptor({ signedIn, ...(await findTarget(reads, invitation)) });
  return { invitation, organization, refusal: acceptor.kind === 'refuse' ? acceptor.refusal : undefined };
}

async function openInvitation(reads: ReadStore, token: string, now: Date): Promise<Invitation> {
  const invitation = await findInvitationByToken(reads, token);
  if (invitation === undefined) {
    throw new AppError('not_found', 'This link is no invitation, or a newer letter has replaced it: look for that one');
  }
  const refusal = decideOpen(invitation, now);
  if (refusal) throw refusal;
  return invitation;
}

async function findTarget(reads: ReadStore, invitation: Invitation): Promise<Pick<AcceptanceFacts, 'target'>> {
  const accountId = await findTargetAccount(reads, invitation);
  if (accountId === undefined) return {};
  const mailboxes = mailboxesOf(await findAccountEmails(reads, accountId));
  const linkSpeaks = mailboxes.length === 0 || mailboxes.some(({ emailKey }) => emailKey === invitation.emailKey);
  return { target: { accountId, linkSpeaks } };
}

/** The account of the address; else the member whom an IdP has brought in under it. */
async function findTargetAccount(
  reads: ReadStore,
  { organizationId, email, memberId }: Invitation,
): Promise<string | undefined> {
  const holder = await findAccountByProvenEmail(reads, email);
  if (holder || memberId === undefined) return holder?._id;
  return (await reads.members.get(organizationId, memberId))?.accountId;
}

export interface Accepted {
  readonly accountId: string;
  readonly member: Member;
  readonly organization: Organization;
  /** The acceptance has made the account, or given it its first mailbox: the link is then all that its person can show. */
  readonly isNew: boolean;
  /** When the letter went that has shown the mailbox: it says nothing of who reads it a week later (ACC-4). */
  readonly shownAt: Date;
}

/**
 * Accepts the invitation of a token: it is used up, the account made where there is none, the address proven, the membership
 * and the roles given; a directory user who waits for this person is adopted. Throws `not_found`, `invitation_expired`,
 * `invitation_closed`, `invitation_of_another`, `sign_in_required`, `member_suspended`, `member_blocked`.
 */
export async function acceptInvitation(
  tx: Transaction,
  token: string,
  signedIn: string | undefined,
): Promise<Accepted> {
  const invitation = await openInvitation(tx, token, tx.at);
  const { organizationId, email } = invitation;
  const organization = await getOrganization(tx, organizationId);
  if (organization.closedAt) throw organizationClosed();
  const unbacked = await decideInviter(tx, invitation);
  if (unbacked) throw unbacked;
  const { target } = await findTarget(tx, invitation);
  const acceptor = decideAcceptor({ signedIn, ...(target && { target }) });
  if (acceptor.kind === 'refuse') throw acceptor.refusal;
  const byMailbox = target?.linkSpeaks ?? true;
  const had = target ? await findAccountEmails(tx, target.accountId) : [];
  const isNew = byMailbox && !had.some(({ proven }) => proven);
  const accountId =
    acceptor.kind === 'make' ? (await createAccount(tx, { email, provenBy: 'mailbox' }))._id : acceptor.accountId;
  await refuseBlocked(tx, organizationId, accountId);
  const known = await findMember(tx, organizationId, accountId);
  if (known?.status === 'suspended') {
    throw new AppError('member_suspended', 'You are a suspended member of this organization: ask one of its Admins');
  }
  if (byMailbox && acceptor.kind === 'account') await addMailbox(tx, accountId, email);
  // before the membership: what is made by it would else adopt this very invitation
  const taken = await closeInvitation(tx, invitation, 'accepted', known?._id);
  const member = known ?? (await addMember(tx, organizationId, { accountId, source: 'invitation' }));
  if (!known) await tx.invitations.updateOne(organizationId, { _id: taken._id }, { $set: { memberId: member._id } });
  await giveInvitedRoles(tx, member, taken);
  await memberAdded(tx, organizationId, accountId);
  return {
    accountId,
    member: await getMember(tx, organizationId, member._id),
    organization,
    isNew,
    shownAt: sentAt(invitation),
  };
}
