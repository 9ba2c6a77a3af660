/**
 * Closing an organization (ORG-2): all access ends at once, everything stays for 30 days, in which the operator may restore it, and
 * is deleted then. The fact stands on the organization. It is repeated on what is read alone where access is asked for
 * (projects, directories, keys), in the same transaction, so that no check gains a read by it; restoring takes it back there.
 */

import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import type { Mail } from '../lib/mail.ts';
import { enqueue } from '../queue/index.ts';
import {
  type Cause,
  type Organization,
  PLATFORM,
  type ReadStore,
  rowsByName,
  type Store,
  type Transaction,
} from '../store/index.ts';
import { findAccountEmails } from './accounts.ts';
import { deleteOrganizationLater } from './deletion.ts';
import { organizationClosedLetter } from './letters.ts';
import { mailboxesOf } from './mailboxes.ts';
import { findOwner } from './members.ts';
import { getOrganization } from './organizations.ts';
import { decideFreshOwnersSignIn, type Presence } from './presence.ts';

/** A closed organization may be restored for so long. */
const graceMs = 30 * 24 * 60 * 60 * 1000;

/** The refusal of whatever is asked in a closed organization. */
export const organizationClosed = (): AppError =>
  new AppError(
    'organization_closed',
    'The organization has been closed; until it is deleted the operator can restore it',
  );

/** Whether there is no access to an organization since it was closed; false for one that is not there. */
export async function isClosed(reads: ReadStore, organizationId: string): Promise<boolean> {
  return (await reads.organizations.get(organizationId, organizationId))?.closedAt !== undefined;
}

/** Throws `organization_closed` where it is. */
export async function refuseClosed(reads: ReadStore, organizationId: string): Promise<void> {
  if (await isClosed(reads, organizationId)) throw organizationClosed();
}

/**
 * Closes an organization: for the Owner, after a link to their own mailbox, or for the operator. Throws `not_found`,
 * `permission_denied` (not the Owner), `act_as_refused`, `reauthentication_required`, `organization_closed` (it is already).
 */
export async function closeOrganization(
  tx: Transaction,
  organizationId: string,
  presence: Presence,
): Promise<Organization> {
  const organization = await getOrganization(tx, organizationId);
  if (organization.closedAt !== undefined) throw organizationClosed();
  if (presence.kind !== 'operator') {
    const owner = await findOwner(tx, organizationId);
    if (owner?.accountId !== presence.accountId) {
      throw new AppError('permission_denied', 'Only the Owner, or the operator, can close the organization');
    }
    const refusal = decideFreshOwnersSignIn(presence, tx.at, 'Closing the organization');
    if (refusal) throw refusal;
  }
  const deleteAt = new Date(tx.at.getTime() + graceMs);
  const closed = await tx.organizations.updateOne(
    organizationId,
    { _id: organizationId, version: organization.version },
    { $set: { closedAt: tx.at, deleteAt } },
  );
  if (!closed) throw new AppError('stale', 'The organization was changed by somebody else meanwhile: try again');
  for (const name of repeated)
    await rowsByName<Markable>(tx, name).update(organizationId, {}, { $set: { organizationClosed: true } });
  await recordAudit(tx, organizationId, {
    type: 'organization.closed',
    targetKind: 'organization',
    targetId: organizationId,
    after: { deleteAt: deleteAt.toISOString() },
  });
  await tellAdmins(tx, organizationId, 'closed');
  return closed;
}

/** Opens a closed organization again, with everything that was in it. Throws `not_found`, `not_closed`, `grace_over`. */
export async function restoreOrganization(tx: Transaction, organizationId: string): Promise<Organization> {
  const { closedAt, deleteAt, version } = await getOrganization(tx, organizationId);
  if (closedAt === undefined) throw new AppError('not_closed', 'The organization is not closed');
  if (deleteAt && deleteAt <= tx.at) {
    throw new AppError('grace_over', 'The organization is being deleted: its 30 days are over');
  }
  const restored = await tx.organizations.updateOne(
    organizationId,
    { _id: organizationId, version },
    { $unset: { closedAt: true, deleteAt: true } },
  );
  if (!restored) throw new AppError('stale', 'The organization was changed by somebody else meanwhile: try again');
  for (const name of repeated)
    await rowsByName<Markable>(tx, name).update(organizationId, {}, { $unset: { organizationClosed: true } });
  await recordAudit(tx, organizationId, {
    type: 'organization.restored',
    targetKind: 'organization',
    targetId: organizationId,
    before: { closedAt: closedAt.toISOString() },
  });
  await tellAdmins(tx, organizationId, 'restored');
  return restored;
}

/** The rows that answer for access without the organization's own being read. */
const repeated = ['projects', 'directories', 'apiKeys'] as const;

/** Those collections, as far as closing is concerned. */
interface Markable {
  update(
    scope: string,
    filter: object,
    change: {
      readonly $set?: { readonly organizationClosed: true };
      readonly $unset?: { readonly organizationClosed: true };
    },
  ): Promise<number>;
}

type ClosingEvent = 'closed' | 'restored';

/** One letter to each Admin, so that each is tried again by itself. */
async function tellAdmins(tx: Transaction, organizationId: string, event: ClosingEvent): Promise<void> {
  for (const { accountId: to } of await tx.members.find(organizationId, { role: 'admin', status: 'active' })) {
    await enqueue(tx, organizationId, 'mail-closing', { to, event });
  }
}

/** The letter to one Admin; undefined for who has no address, and where the organization is gone. */
export async function writeClosingLetter(
  reads: ReadStore,
  organizationId: string,
  { to, event }: { readonly to: string; readonly event: ClosingEvent },
): Promise<Mail | undefined> {
  const organization = await reads.organizations.get(organizationId, organizationId);
  const [mailbox] = mailboxesOf(await findAccountEmails(reads, to));
  if (!organization || !mailbox) return undefined;
  return organizationClosedLetter(mailbox.email, {
    organization: organization.name,
    event,
    deleteAt: organization.deleteAt,
  });
}

/** Asks for the deletion of every organization whose 30 days are over; for a round. Asked for again, it is done once. */
export async function deleteClosedLater(
  store: Store,
  cause: Cause,
  { at, goOn }: { readonly at: Date; goOn(): boolean },
): Promise<void> {
  for (const { _id } of await store.read.organizations.find(PLATFORM, { deleteAt: { $lte: at } })) {
    if (!goOn()) return;
    await store.transaction(cause, async (tx) => {
      const organization = await tx.organizations.lock(_id, _id);
      if (organization?.deleteAt === undefined || organization.deleteAt > at) return;
      await deleteOrganizationLater(tx, organization);
    });
  }
}
