/** People with sessions of every kind, connections to come through, and the requests that browsers make. */
import type { Test } from 'supertest';
import { openSession, type Proof } from '../../../src/access/index.ts';
import { newId } from '../../../src/lib/ids.ts';
import type { Connection } from '../../../src/store/index.ts';
import { type Method, type TestGatehouse, testBaseUrl } from '../../support/gatehouse.ts';

const cause = { actor: 'system', requestId: 'req-test' };

/** A connection of an organization, as far as sessions and the front door are concerned. */
export function openConnection(
  gatehouse: TestGatehouse,
  organizationId: string,
  more: Partial<Pick<Connection, 'name' | 'status'>> = {},
): Promise<Connection> {
  return gatehouse.store.transaction(cause, (tx) =>
    tx.connections.insert(organizationId, {
      _id: newId('connection'),
      organizationId,
      name: 'Okta',
      protocol: 'saml',
      status: 'active',
      preset: 'custom',
      claims: {},
      jit: true,
      idpInitiated: false,
      ...more,
    }),
  );
}

/** The proof of a sign-in through a connection; `forced`, where its IdP was told to ask the person again. */
export const through = ({ organizationId, _id }: Connection, at: Date, forced = false): Proof => ({
  kind: 'connection',
  at,
  organizationId,
  connectionId: _id,
  subject: 'subject',
  ...(forced && { forced: true as const }),
});

/** A session of the person's own with these proofs; answers its id and token. */
export async function openSessionOf(
  gatehouse: TestGatehouse,
  accountId: string,
  proofs: (at: Date) => readonly Proof[] = (at) => [{ kind: 'mailbox', at }],
): Promise<{ readonly id: string; readonly token: string }> {
  const { session, token } = await gatehouse.store.transaction(cause, (tx) =>
    openSession(tx, { accountId, proofs: proofs(tx.at) }),
  );
  return { id: session._id, token };
}

/** A request that a browser with this session makes from a page of ours; `headers` change or take away what it says. */
export function browse(
  gatehouse: TestGatehouse,
  token: string,
  method: Method,
  path: string,
  headers: Readonly<Record<string, string | undefined>> = {},
): Test {
  const own = { Origin: testBaseUrl, 'Gatehouse-CSRF': '1', Cookie: `gatehouse-session=${token}`, ...headers };
  const given = Object.entries(own).filter((header): header is [string, string] => header[1] !== undefined);
  return gatehouse.request[method](path).set(Object.fromEntries(given));
}
