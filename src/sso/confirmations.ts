/**
 * What only a person can answer about themself (SCIM-3, SSO-6): "is the one whom this organization's IdP, or its directory, calls by
 * my address me?", where the organization has not verified the domain. Asked by a link to the account's own mailbox,
 * answered on a page that says who asks; and answered by itself once the domain is verified.
 */
import {
  findAccountByProvenEmail,
  findAccountEmails,
  linkExpired,
  mailboxesOf,
  makeConfirmationLink,
  ownsVerifiedDomain,
  takeLink,
} from '../access/index.ts';
import { primaryEmail, userRecordOf } from '../directory/index.ts';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { caseKey } from '../lib/text.ts';
import { adoptConfirmed } from '../provisioning/index.ts';
import { enqueue } from '../queue/index.ts';
import type {
  Cause,
  Connection,
  DirectoryUser,
  IdentityRow,
  MailedLink,
  ReadStore,
  Store,
  Transaction,
} from '../store/index.ts';
import { linkIdentity } from './identities.ts';
import { oidcOf, samlOf } from './settings.ts';

/** A subject of an IdP, or a person whom a directory has pushed, who waits for the person's own word. */
export interface Question {
  readonly about: 'identity' | 'directory_user';
  readonly id: string;
}

type Waiting =
  | { readonly about: 'identity'; readonly row: IdentityRow }
  | { readonly about: 'directory_user'; readonly row: DirectoryUser };

/** What is asked, while it still is: undefined once it was answered, and for what nobody's mailbox can answer. */
async function findWaiting(
  reads: ReadStore,
  organizationId: string,
  { about, id }: Question,
): Promise<Waiting | undefined> {
  if (about === 'directory_user') {
    const row = await reads.directoryUsers.get(organizationId, id);
    return row?.link === 'waiting' ? { about, row } : undefined;
  }
  const row = await reads.identities.get(organizationId, id);
  return row?.link === 'waiting' && row.reason === 'unverified_domain' ? { about, row } : undefined;
}

const claimedAddress = (waiting: Waiting): string | undefined =>
  waiting.about === 'identity' ? waiting.row.email : primaryEmail(userRecordOf(waiting.row));

/** The account that would answer: the identity's own, or whoever has proven the address that was pushed. */
async function findAnswering(reads: ReadStore, waiting: Waiting): Promise<string | undefined> {
  if (waiting.about === 'identity') return waiting.row.accountId;
  const address = claimedAddress(waiting);
  return address === undefined ? undefined : (await findAccountByProvenEmail(reads, address))?._id;
}

/** Where that account is asked: at the address in question where it is a mailbox of its own, else at its first one. */
async function findMailbox(reads: ReadStore, accountId: string, address: string | undefined) {
  const mailboxes = mailboxesOf(await findAccountEmails(reads, accountId));
  return mailboxes.find(({ emailKey }) => address !== undefined && emailKey === caseKey(address)) ?? mailboxes[0];
}

/**
 * The address that an Admin's question is about, for limits. Throws `not_found`, `nothing_to_confirm` (answered already, or a
 * question that is not the person's).
 */
export async function getQuestion(
  reads: ReadStore,
  organizationId: string,
  question: Question,
): Promise<{ readonly address: string | undefined }> {
  const waiting = await findWaiting(reads, organizationId, question);
  if (waiting) return { address: claimedAddress(waiting) };
  const rows = question.about === 'identity' ? reads.identities : reads.directoryUsers;
  if (!(await rows.get(organizationId, question.id))) {
    throw new AppError('not_found', `There is no ${question.about.replace('_', ' ')} ${question.id}`);
  }
  throw new AppError('nothing_to_confirm', 'This is no question that the person has to answer from their mailbox');
}

/** Asks for the letter, by a job: whether there is a mailbox, and whose, shows in no answer and no time. */
export async function askToConfirm(
  tx: Transaction,
  organizationId: string,
  { about, id }: Question,
  site: string,
): Promise<void> {
  await enqueue(tx, organizationId, 'mail-confirmation', { about, id, site });
  await recordAudit(tx, organizationId, { type: 'confirmation.asked', targetKind: about, targetId: id });
}

/** Who asks, as the letter and the page say it: texts of the organization's own choosing, to be shown as such. */
export interface Asker {
  readonly organization: string;
  /** What speaks for the organization: its connection and the IdP behind it, or its directory. */
  readonly speaker: string;
  /** The name of the person there. */
  readonly name: string;
}

async function describeAsker(reads: ReadStore, waiting: Waiting): Promise<Asker | undefined> {
  const { organizationId } = waiting.row;
  const organization = await reads.organizations.get(organizationId, organizationId);
  if (!organization) return undefined;
  if (waiting.about === 'identity') {
    const { connectionId, subject, displayName } = waiting.row;
    const connection = await reads.connections.get(organizationId, connectionId);
    if (!connection) return undefined;
    const speaker = `${connection.name} (${idpNameOf(connection)})`;
    return { organization: organization.name, speaker, name: displayName ?? subject };
  }
  const { directoryId, displayName, userName } = waiting.row;
  const directory = await reads.directories.get(organizationId, directoryId);
  return directory && { organization: organization.name, speaker: directory.name, name: displayName ?? userName };
}

/** What the IdP calls itself. */
const idpNameOf = (connection: Connection): string =>
  connection.protocol === 'saml' ? samlOf(connection).entityId : oidcOf(connection).issuer;

/** Makes the link that a job was asked for; undefined where there is nothing to answer any more, or no mailbox to ask. */
export async function makeConfirmation(
  tx: Transaction,
  organizationId: string,
  question: Question,
): Promise<{ readonly link: MailedLink; readonly token: string } | undefined> {
  const waiting = await findWaiting(tx, organizationId, question);
  const accountId = waiting && (await findAnswering(tx, waiting));
  if (!waiting || accountId === undefined) return undefined;
  const mailbox = await findMailbox(tx, accountId, claimedAddress(waiting));
  if (!mailbox) return undefined;
  const { about, id: aboutId } = question;
  return makeConfirmationLink(tx, { email: mailbox.email, accountId, askedIn: organizationId, about, aboutId });
}

/** What the page of a link says; undefined once there is nothing to answer. */
export async function findAskerOf(reads: ReadStore, link: MailedLink): Promise<Asker | undefined> {
  const waiting = await findWaitingOf(reads, link);
  return waiting && describeAsker(reads, waiting);
}

async function findWaitingOf(reads: ReadStore, { askedIn, about, aboutId }: MailedLink): Promise<Waiting | undefined> {
  if (askedIn === undefined || about === undefined || aboutId === undefined) return undefined;
  return findWaiting(reads, askedIn, { about, id: aboutId });
}

/**
 * The person says yes: the subject, or the pushed one, is their account from now on. The link is used up in the same
 * transaction. Answers the connection by which they may come in now, where it is one's subject. Throws `link_expired`: it was used, or
 * is too old, was answered otherwise, or the mailbox is no longer that account's.
 */
export async function confirm(tx: Transaction, token: string): Promise<{ readonly connectionId?: string }> {
  const link = await takeLink(tx, token, ({ purpose }) => purpose === 'confirm');
  const waiting = await findWaitingOf(tx, link);
  const accountId = waiting && (await findAnswering(tx, waiting));
  if (!waiting || accountId === undefined || accountId !== link.accountId) throw linkExpired();
  const mailboxes = mailboxesOf(await findAccountEmails(tx, accountId));
  if (!mailboxes.some(({ emailKey }) => emailKey === link.emailKey)) throw linkExpired();
  const { organizationId, _id } = waiting.row;
  if (waiting.about === 'identity') {
    await linkIdentity(tx, waiting.row, { confirmed: true });
  } else if (!(await adoptConfirmed(tx, waiting.row, accountId))) {
    throw linkExpired();
  }
  await recordAudit(tx, organizationId, {
    type: 'confirmation.given',
    targetKind: 'account',
    targetId: accountId,
    after: { about: waiting.about, id: _id },
    detail: 'The person has confirmed by a link to their own mailbox that this is them',
  });
  return waiting.about === 'identity' ? { connectionId: waiting.row.connectionId } : {};
}

/**
 * A domain has been verified: the subjects that waited for it are their accounts, as a sign-in would find now (SSO-3, SSO-6). One
 * whose account is another subject of the connection already goes on waiting, for an Admin. One transaction each; safe to repeat.
 */
export async function linkWaitingIdentities(
  store: Store,
  cause: Cause,
  organizationId: string,
  domain: string,
): Promise<void> {
  const waiting = store.read.identities.stream(organizationId, { link: 'waiting', reason: 'unverified_domain' });
  for await (const { _id, email } of waiting) {
    if (email === undefined || !caseKey(email).endsWith(`@${domain}`)) continue;
    await store.transaction(cause, (tx) => linkIfVerified(tx, organizationId, _id));
  }
}

async function linkIfVerified(tx: Transaction, organizationId: string, id: string): Promise<void> {
  const row = await tx.identities.get(organizationId, id);
  if (row?.link !== 'waiting' || row.reason !== 'unverified_domain' || row.email === undefined) return;
  const { connectionId, accountId, email } = row;
  if (!(await ownsVerifiedDomain(tx, organizationId, email))) return;
  if ((await findAccountByProvenEmail(tx, email))?._id !== accountId) return;
  if (await tx.identities.findOne(organizationId, { connectionId, accountId, link: 'linked' })) {
    await tx.identities.updateOne(organizationId, { _id: id }, { $set: { reason: 'other_subject' } });
    return;
  }
  await linkIdentity(tx, row);
}
