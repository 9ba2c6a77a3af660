/** The IdPs' own sessions behind ours (SSO-2): what an IdP ends, it names by its connection, its subject or its `sid`. */
import { newId } from '../lib/ids.ts';
import { type Connection, PLATFORM, type ReadStore, type Session, type Transaction } from '../store/index.ts';
import { countsIn, endSessionsIn } from './sessions.ts';
import { proofsOf } from './sessionWorth.ts';

type Through = Pick<Connection, '_id' | 'organizationId'>;

/** Notes which IdP's session, by its own name for it, a session of ours stands on. */
export async function noteIdpSession(
  tx: Transaction,
  { organizationId, _id: connectionId }: Through,
  index: string,
  { _id: sessionId, accountId, expiresAt }: Session,
): Promise<void> {
  const _id = newId('idpSession');
  await tx.idpSessions.insert(organizationId, {
    _id,
    organizationId,
    connectionId,
    index,
    sessionId,
    accountId,
    expiresAt,
  });
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
