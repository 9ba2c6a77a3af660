/** The IdPs' own sessions behind ours (SSO-2): what an IdP ends, it names by its connection, its subject or its `sid`. */
import { newId } from '../lib/ids.ts';
import {
  type Connection,
  type IdpSession,
  PLATFORM,
  type ReadStore,
  type Session,
  type Transaction,
} from '../store/index.ts';
import { countsIn, endSessionsIn } from './sessions.ts';
import { type Proof, proofsOf, writeProofs } from './sessionWorth.ts';

type Through = Pick<Connection, '_id' | 'organizationId'>;

/** What an IdP's session is known by; `idToken` is sealed. */
export type IdpSessionNames = Pick<IdpSession, 'index' | 'nameId' | 'idToken'>;

/** Notes which IdP's session, by its own names for it, a session of ours stands on. */
export async function noteIdpSession(
  tx: Transaction,
  { organizationId, _id: connectionId }: Through,
  { index, nameId, idToken }: IdpSessionNames,
  { _id: sessionId, accountId, expiresAt }: Session,
): Promise<void> {
  const _id = newId('idpSession');
  await tx.idpSessions.insert(organizationId, {
    ...{ _id, organizationId, connectionId, sessionId, accountId, expiresAt },
    ...(index !== undefined && { index }),
    ...(nameId && { nameId }),
    ...(idToken !== undefined && { idToken }),
  });
}

/** What is known of the IdP's session that a session of ours came through last, of this connection. */
export async function findIdpSessionNames(
  reads: ReadStore,
  { organizationId, _id: connectionId }: Through,
  sessionId: string,
): Promise<IdpSessionNames | undefined> {
  const rows = await reads.idpSessions.find(
    organizationId,
    { sessionId, connectionId },
    { sort: { _id: -1 }, limit: 1 },
  );
  return rows[0];
}

/** The accounts that the IdP has signed in under this name (NameID, `sub`), as far as sessions of theirs are there. */
export async function findAccountsOfNameId(
  reads: ReadStore,
  { organizationId, _id: connectionId }: Through,
  value: string,
): Promise<readonly string[]> {
  const rows = await reads.idpSessions.find(organizationId, { connectionId, 'nameId.value': value });
  return [...new Set(rows.map(({ accountId }) => accountId))];
}

/** The accounts whose sessions stand on the IdP's session of this name: one, with an IdP that names them well. */
export async function findAccountsOfIdpSession(
  reads: ReadStore,
  { organizationId, _id: connectionId }: Through,
  index: string,
): Promise<readonly string[]> {
  const rows = await reads.idpSessions.find(organizationId, { connectionId, index });
  return [...new Set(rows.map(({ accountId }) => accountId))];
}

/**
 * Ends the organization's part of those sessions of an account that its IdP has proven through this connection; with `index`
 * only those that stand on this session of the IdP, or on one that it has not named. Answers how many.
 */
export async function endSessionsOfConnection(
  tx: Transaction,
  { organizationId, _id: connectionId }: Through,
  { accountId, index }: { readonly accountId: string; readonly index?: string | undefined },
): Promise<number> {
  const standsOnIt = (session: Session): boolean =>
    countsIn(session, organizationId) &&
    proofsOf(session).some(
      (proof) =>
        proof.kind === 'connection' &&
        proof.connectionId === connectionId &&
        (index === undefined || proof.index === undefined || proof.index === index),
    );
  const ended = (await tx.sessions.find(PLATFORM, { accountId })).filter(standsOnIt).length;
  if (ended > 0) await endSessionsIn(tx, organizationId, accountId, standsOnIt);
  return ended;
}

/** So many accounts are looked at in one step while the word of a connection is taken back. */
const batch = 200;

/**
 * Takes out of every session what was proven through this connection, in every organization: an IdP that is switched off has
 * vouched for nobody. What else the person has shown stays (the Owner's mailbox, another connection); a session that
 * nothing else vouches for ends. The people are named by the connection's identities and by the IdP's sessions: call this
 * before these are removed. A sign-in that comes through at the same time either ends with it or is refused. Answers how
 * many sessions have lost something.
 */
export async function withdrawProofs(tx: Transaction, { organizationId, _id: connectionId }: Through): Promise<number> {
  const accountIds = new Set<string>();
  for await (const { accountId } of tx.idpSessions.stream(organizationId, { connectionId })) accountIds.add(accountId);
  const identityIds: string[] = [];
  for await (const { _id, accountId } of tx.identities.stream(organizationId, { connectionId })) {
    identityIds.push(_id);
    accountIds.add(accountId);
  }
  for (const ids of inBatches(identityIds)) await tx.identities.lockMany(organizationId, ids);
  const isOther = (proof: Proof): boolean => proof.kind !== 'connection' || proof.connectionId !== connectionId;
  let withdrawn = 0;
  for (const some of inBatches([...accountIds])) {
    const sessions = await tx.sessions.find(PLATFORM, { accountId: { $in: some } });
    const told = sessions.map((session) => ({ id: session._id, proofs: proofsOf(session) }));
    const theirs = told.filter(({ proofs }) => !proofs.every(isOther));
    const left = theirs.map(({ id, proofs }) => ({ id, proofs: proofs.filter(isOther) }));
    const ended = left.filter(({ proofs }) => proofs.length === 0).map(({ id }) => id);
    if (ended.length > 0) await tx.sessions.remove(PLATFORM, { _id: { $in: ended } });
    const kept = left.filter(({ proofs }) => proofs.length > 0);
    const changes = kept.map(({ id, proofs }) => ({ id, change: { $set: { proofs: writeProofs(proofs) } } }));
    if (changes.length > 0) await tx.sessions.updateEach(PLATFORM, changes);
    withdrawn += theirs.length;
  }
  await tx.idpSessions.remove(organizationId, { connectionId });
  return withdrawn;
}

function* inBatches(ids: readonly string[]): Generator<string[]> {
  for (let from = 0; from < ids.length; from += batch) yield ids.slice(from, from + batch);
}
