/** The Organization Default Key (KEY-3): sealed as well as hashed, since its Owner, and nobody else, may read it again. */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import type { Sealer } from '../lib/secrets.ts';
import type { ApiKey, ReadStore, Transaction } from '../store/index.ts';
import { mintKey } from './apiKeys.ts';
import { findMember } from './members.ts';
import { isOwner } from './owner.ts';
import { decideOwnersSignIn, decideOwnSignIn, type Presence } from './presence.ts';

/** Makes the Default Key of a new organization; the secret is not answered (KEY-3). */
export async function insertDefaultKey(
  tx: Transaction,
  sealer: Sealer,
  organizationId: string,
  defaultProjectId: string,
): Promise<ApiKey> {
  return tx.apiKeys.insert(organizationId, {
    _id: newId('apiKey'),
    organizationId,
    projectId: defaultProjectId,
    kind: 'default',
    ...mint(sealer),
  });
}

/**
 * The Default Key in the clear, for the Owner's own sign-in. Throws `act_as_refused` (the operator in the Owner's name),
 * `permission_denied` (anybody else, and a session that the operator made), `reauthentication_required` (the Owner has come
 * by an IdP alone), `not_found` (no member here; PRJ-1).
 */
export async function readDefaultKey(
  reads: ReadStore,
  sealer: Sealer,
  organizationId: string,
  reader: Presence,
): Promise<{ readonly key: ApiKey; readonly secret: string }> {
  // The key first: who has given the ownership away before the check gets none, and not what the new Owner has made of it since.
  const key = await getDefaultKey(reads, organizationId);
  await requireOwnersOwnSignIn(reads, organizationId, reader);
  return { key, secret: sealer.open(key.sealed ?? '') };
}

/** Replaces the Default Key: the old one is dead at once. Answers the new one; refuses as `readDefaultKey` does. */
export async function regenerateDefaultKey(
  tx: Transaction,
  sealer: Sealer,
  organizationId: string,
  reader: Presence,
): Promise<{ readonly key: ApiKey; readonly secret: string }> {
  await requireOwnersOwnSignIn(tx, organizationId, reader);
  const old = await getDefaultKey(tx, organizationId);
  const minted = mint(sealer);
  const key = await tx.apiKeys.updateOne(
    organizationId,
    { _id: old._id, version: old.version },
    { $set: minted, $unset: { lastUsedAt: true } },
  );
  if (!key) throw new AppError('stale', 'The Default Key was regenerated meanwhile: read it again');
  await recordAudit(tx, organizationId, {
    type: 'default_key.regenerated',
    targetKind: 'apiKey',
    targetId: key._id,
    before: { lastFour: old.lastFour },
    after: { lastFour: key.lastFour, projectId: key.projectId },
  });
  return { key, secret: sealer.open(minted.sealed) };
}

/** The row of the Default Key; throws `not_found`. */
async function getDefaultKey(reads: ReadStore, organizationId: string): Promise<ApiKey> {
  const key = await reads.apiKeys.findOne(organizationId, { kind: 'default' });
  if (!key) throw new AppError('not_found', 'There is no such organization');
  return key;
}

async function requireOwnersOwnSignIn(reads: ReadStore, organizationId: string, reader: Presence): Promise<void> {
  if (reader.kind === 'operator') throw refused('Only the Owner can read or regenerate the Organization Default Key');
  const member = await findMember(reads, organizationId, reader.accountId);
  if (!member) throw new AppError('not_found', 'There is no such organization');
  const act = 'Reading or regenerating the Default Key';
  const borrowed = decideOwnSignIn(reader, act);
  if (borrowed) throw borrowed;
  if (!isOwner(member)) throw refused('Only the Owner can read or regenerate the Organization Default Key');
  const refusal = decideOwnersSignIn(reader, act);
  if (refusal) throw refusal;
}

const refused = (message: string) => new AppError('permission_denied', message);

/** A new secret as its row keeps it: hashed to be found, and sealed to be read again. */
function mint(sealer: Sealer) {
  const { secret, ...kept } = mintKey();
  return { ...kept, sealed: sealer.seal(secret) };
}
