/** Whom IdPs' subjects are here, for admins: looked through, decided where there is a question, and unlinked (SSO-6). */
import {
  decideOwnersSignIn,
  decideOwnSignIn,
  endSessionsIn,
  findMember,
  isOwner,
  type Presence,
} from '../access/index.ts';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import type { Filter, IdentityRow, Page, PageOptions, ReadStore, Transaction } from '../store/index.ts';
import { findVouchingDomain } from './facts.ts';

export interface IdentityQuery extends PageOptions {
  readonly connectionId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly link?: IdentityRow['link'] | undefined;
}

/** An organization's identities, in the order of their first sign-in. */
export function listIdentities(
  reads: ReadStore,
  organizationId: string,
  { connectionId, accountId, link, ...page }: IdentityQuery,
): Promise<Page<IdentityRow>> {
  const filter: Filter<IdentityRow> = {
    ...(connectionId !== undefined && { connectionId }),
    ...(accountId !== undefined && { accountId }),
    ...(link !== undefined && { link }),
  };
  return reads.identities.page(organizationId, filter, page);
}

/** Throws `not_found`. */
export async function getIdentity(reads: ReadStore, organizationId: string, id: string): Promise<IdentityRow> {
  const row = await reads.identities.get(organizationId, id);
  if (row) return row;
  throw new AppError('not_found', `There is no identity ${id}`);
}

/**
 * Lets a subject that waits be its account from now on; the one that the account had on this connection is unlinked. What
 * is asked outside of the verified domains, or of an address that the IdP does not vouch for, nobody here
 * answers but the person, the domain's verification, or an IdP that vouches (SSO-3).
 * One that is linked stays as it is. Throws `not_found`, `confirmation_required`, and of the Owner's account what
 * protectOwner says.
 */
export async function approveIdentity(
  tx: Transaction,
  organizationId: string,
  id: string,
  by: Presence,
): Promise<IdentityRow> {
  const row = await getIdentity(tx, organizationId, id);
  if (row.link === 'linked') return row;
  if (row.reason === 'unverified_domain') {
    throw new AppError(
      'confirmation_required',
      'The address lies outside the verified domains: it waits until the person confirms from their mailbox (POST …/confirmations asks them), or the domain is verified',
    );
  }
  if (row.reason === 'address_not_vouched') {
    throw new AppError(
      'confirmation_required',
      'The IdP does not say that it has verified the address: the IdP has to vouch for it (email_verified; with Entra xms_edov), then the next sign-in links it',
    );
  }
  await protectOwner(tx, row, by);
  return linkIdentity(tx, row);
}

/**
 * Makes a waiting subject its account, in place of the one that the account has had on the connection. `confirmed`: on the word of
 * the person's own mailbox, for good; else on that of the verified domain which the address lies in.
 */
export async function linkIdentity(
  tx: Transaction,
  row: IdentityRow,
  { confirmed = false }: { readonly confirmed?: boolean } = {},
): Promise<IdentityRow> {
  const { organizationId, connectionId, accountId } = row;
  for (const other of await tx.identities.find(organizationId, { connectionId, accountId, link: 'linked' })) {
    await remove(tx, other);
  }
  const domain = confirmed ? undefined : await findVouchingDomain(tx, organizationId, accountId);
  const linked = await tx.identities.updateOne(
    organizationId,
    { _id: row._id, link: 'waiting' },
    {
      $set: { link: 'linked', ...(confirmed && { confirmed }), ...(domain !== undefined && { domain }) },
      $unset: { reason: true },
    },
  );
  if (!linked) throw new AppError('stale', 'The identity was decided by somebody else meanwhile');
  await recordAudit(tx, organizationId, {
    type: 'identity.linked',
    targetKind: 'account',
    targetId: accountId,
    after: { connectionId, subject: row.subject, ...(confirmed && { confirmedBy: 'mailbox' }) },
  });
  return linked;
}

/**
 * Forgets whom a subject is: one that waits is rejected, one that is linked can no longer sign in, and the organization's
 * part of the account's sessions ends. At its next sign-in the subject is somebody new. Throws `not_found`, `owner_protected`.
 */
export async function unlinkIdentity(tx: Transaction, organizationId: string, id: string, by: Presence): Promise<void> {
  const row = await getIdentity(tx, organizationId, id);
  if (row.link === 'linked') await protectOwner(tx, row, by);
  await remove(tx, row);
}

async function remove(tx: Transaction, { _id, organizationId, connectionId, accountId, subject, link }: IdentityRow) {
  await tx.identities.remove(organizationId, { _id });
  await recordAudit(tx, organizationId, {
    type: link === 'linked' ? 'identity.unlinked' : 'identity.rejected',
    targetKind: 'account',
    targetId: accountId,
    before: { connectionId, subject },
  });
  if (link === 'linked') await endSessionsIn(tx, organizationId, accountId);
}

/**
 * About the account of the Owner nobody decides but the Owner and the operator, or an Admin with an IdP could become them
 * (OWN-1); and the Owner by their mailbox, since an IdP's word is what is decided about (OWN-4). Throws `owner_protected`,
 * `reauthentication_required`.
 */
async function protectOwner(tx: Transaction, { organizationId, accountId }: IdentityRow, by: Presence) {
  if (by.kind === 'operator') return;
  const member = await findMember(tx, organizationId, accountId);
  if (member === undefined || !isOwner(member)) return;
  if (by.accountId !== accountId) {
    throw new AppError('owner_protected', "Only the Owner, or the operator, decides about the Owner's own sign-ins");
  }
  const act = "Deciding about the Owner's own sign-ins";
  const refusal = decideOwnSignIn(by, act) === undefined && decideOwnersSignIn(by, act);
  if (refusal) throw refusal;
}
