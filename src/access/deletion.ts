/** The end of an organization: every row that is its own goes, in every collection that there is (ORG-2). */

import { platformTrail, recordAudit } from '../events/index.ts';
import { enqueue } from '../queue/index.ts';
import {
  type Cause,
  type CollectionName,
  type Organization,
  organizationCollections,
  PLATFORM,
  rowsByName,
  type Session,
  type Store,
  type Transaction,
} from '../store/index.ts';
import { endSessionsIn } from './sessions.ts';
import { type Proof, proofsOf, writeProofs } from './sessionWorth.ts';

/** So many rows go in one transaction. */
const batch = 200;

/**
 * What an organization is never without, so that it can be read until it goes: these rows go in the last transaction, with
 * the organization itself. Of what belongs to people (accounts, addresses) nothing goes: they may belong elsewhere too.
 */
const essential: { readonly [N in CollectionName]?: Readonly<Record<string, unknown>> } = {
  organizations: {},
  members: { owner: true },
  projects: { isDefault: true },
};

/** What opens doors goes first, access tokens after what new ones are given for. */
const doors: readonly CollectionName[] = ['directoryTokens', 'oauthSecrets', 'oauthKeys', 'oauthTokens', 'apiKeys'];

/** Former versions go last, for each removal adds to them. */
const order = (name: CollectionName): number => {
  const door = doors.indexOf(name);
  if (door >= 0) return door - doors.length;
  return name === 'history' ? 1 : 0;
};
const inOrder = [...organizationCollections].sort((a, b) => order(a) - order(b));

/** Any collection, as far as deletion is concerned. */
interface Removable {
  find(
    scope: string,
    filter: object,
    options: { readonly limit: number },
  ): Promise<readonly { readonly _id: string; readonly accountId?: unknown }[]>;
  remove(scope: string, filter: object): Promise<number>;
}

/**
 * Asks for the deletion of an organization, by a job; asked for again, also at the same moment, it is told and done once. The
 * organization's own trail goes with it: what remains stands in the platform's (AUD-1).
 */
export async function deleteOrganizationLater(
  tx: Transaction,
  { _id: organizationId, name, slug }: Pick<Organization, '_id' | 'name' | 'slug'>,
): Promise<void> {
  await tx.organizations.lock(organizationId, organizationId);
  const asked = await tx.outbox.find(organizationId, { job: 'delete-organization' });
  if (asked.some(({ state }) => state === 'waiting')) return;
  // one that was given up is asked for anew
  if (asked.length === 0) {
    await recordAudit(tx, platformTrail, {
      type: 'organization.deleted',
      targetKind: 'organization',
      targetId: organizationId,
      before: { name, slug },
    });
  }
  await enqueue(tx, organizationId, 'delete-organization', { last: false });
}

/**
 * Removes all rows of an organization in transactions of bounded size, the organization and its Owner in the last one
 * (OWN-6: they go together). Whatever interrupts it, running it again goes on. `keep` is the id of the outbox row that asked
 * for it, which its handler ends. What was under way meanwhile, such as log rows that are written in batches, may still add
 * rows afterwards: whoever deletes looks once more when it must have ended.
 */
export async function deleteOrganization(
  store: Store,
  cause: Cause,
  organizationId: string,
  keep?: string,
): Promise<void> {
  for (const name of inOrder) await removeRows(store, cause, organizationId, name, keep);
  await store.transaction(cause, async (tx) => {
    await endSessions(tx, organizationId, await tx.members.find(organizationId, {}));
    await tx.organizations.remove(organizationId, { _id: organizationId });
    for (const name of Object.keys(essential) as CollectionName[])
      await rowsByName<Removable>(tx, name).remove(organizationId, {});
  });
  // What came meanwhile, and the former versions that the last transaction has left.
  for (const name of inOrder) await removeRows(store, cause, organizationId, name, keep);
  await forgetDeliveries(store, cause, organizationId);
  await forgetInSessions(store, cause, organizationId);
  await forgetInKeys(store, cause, organizationId);
  await store.transaction(cause, (tx) => tx.mailedLinks.remove(PLATFORM, { askedIn: organizationId }));
}

/** What webhooks of the platform were told of this organization (EVT-1). */
async function forgetDeliveries(store: Store, cause: Cause, organizationId: string): Promise<void> {
  for (let found = batch; found === batch; ) {
    found = await store.transaction(cause, async (tx) => {
      const rows = await tx.webhookDeliveries.find(platformTrail, { of: organizationId }, { limit: batch });
      const those = { _id: { $in: rows.map(({ _id }) => _id) } };
      if (rows.length > 0) await tx.webhookDeliveries.remove(platformTrail, those);
      return rows.length;
    });
  }
}

async function removeRows(
  store: Store,
  cause: Cause,
  organizationId: string,
  name: CollectionName,
  keep: string | undefined,
): Promise<void> {
  if (name === 'organizations') return;
  const kept = essential[name];
  const filter = {
    ...(kept && { $nor: [kept] }),
    ...(name === 'outbox' && keep !== undefined && { _id: { $ne: keep } }),
  };
  for (let found = batch; found === batch; ) {
    found = await store.transaction(cause, async (tx) => {
      const rows = await rowsByName<Removable>(tx, name).find(organizationId, filter, { limit: batch });
      if (name === 'members' || name === 'grants') await endSessions(tx, organizationId, rows);
      if (rows.length > 0)
        await rowsByName<Removable>(tx, name).remove(organizationId, { _id: { $in: rows.map(({ _id }) => _id) } });
      return rows.length;
    });
  }
}

/** The sessions of those who lose their access: one that then counts nowhere goes. */
async function endSessions(
  tx: Transaction,
  organizationId: string,
  rows: readonly { readonly accountId?: unknown }[],
): Promise<void> {
  for (const accountId of new Set(rows.map((row) => String(row.accountId)))) {
    await endSessionsIn(tx, organizationId, accountId);
  }
}

/**
 * Takes out of sessions what speaks of this organization: that its part has ended, and that its IdP has vouched for the
 * person. A session that nothing else vouches for goes.
 */
async function forgetInSessions(store: Store, cause: Cause, organizationId: string): Promise<void> {
  const isOther = (proof: Proof): boolean => proof.kind !== 'connection' || proof.organizationId !== organizationId;
  const speaks = (session: Session): boolean =>
    session.endedIn.includes(organizationId) || !proofsOf(session).every(isOther);
  const found: string[] = [];
  for await (const session of store.read.sessions.stream(PLATFORM, {})) if (speaks(session)) found.push(session._id);
  for (let from = 0; from < found.length; from += batch) {
    const ids = found.slice(from, from + batch);
    await store.transaction(cause, async (tx) => {
      for (const session of await tx.sessions.find(PLATFORM, { _id: { $in: ids } })) {
        const endedIn = session.endedIn.filter((id) => id !== organizationId);
        const proofs = proofsOf(session).filter(isOther);
        if (proofs.length === 0) await tx.sessions.remove(PLATFORM, { _id: session._id });
        else
          await tx.sessions.updateOne(
            PLATFORM,
            { _id: session._id },
            { $set: { endedIn, proofs: writeProofs(proofs) } },
          );
      }
    });
  }
}

/** Takes the organization out of those in which SSH keys count. One that counts nowhere then stays its person's, to remove. */
async function forgetInKeys(store: Store, cause: Cause, organizationId: string): Promise<void> {
  const found: string[] = [];
  for await (const { _id, onlyIn } of store.read.sshKeys.stream(PLATFORM, { onlyIn: { $exists: true } }))
    if (onlyIn?.includes(organizationId)) found.push(_id);
  for (let from = 0; from < found.length; from += batch) {
    const ids = found.slice(from, from + batch);
    await store.transaction(cause, async (tx) => {
      for (const { _id, onlyIn = [] } of await tx.sshKeys.find(PLATFORM, { _id: { $in: ids } })) {
        const others = onlyIn.filter((id) => id !== organizationId);
        await tx.sshKeys.updateOne(PLATFORM, { _id }, { $set: { onlyIn: others } });
      }
    });
  }
}
