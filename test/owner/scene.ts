/** A Gatehouse with an organization whose Owner is about to be attacked, and what harm an attack has done. */
import type { Response } from 'supertest';
import {
  addMember,
  countsIn,
  createAccount,
  createOrganization,
  evaluate,
  findLiveSession,
  openSession,
} from '../../src/access/index.ts';
import { createDirectory, issueToken } from '../../src/directory/index.ts';
import { AppError } from '../../src/errors.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import type { Cause, Directory, Member, Store, Transaction } from '../../src/store/index.ts';
import { type Method, openBuilt, type TestGatehouse } from '../support/gatehouse.ts';

export const cause: Cause = { actor: 'operator', requestId: 'req-test' };
const ownerEmail = 'olga@acme.example';

export interface Scene {
  readonly gatehouse: TestGatehouse;
  readonly store: Store;
  readonly id: string;
  readonly owner: Member;
  /** An Admin who is not the Owner. */
  readonly admin: Member;
  readonly directory: Directory;
  readonly directoryToken: string;
  readonly session: string;
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** A SCIM request of the directory. */
  scim(method: Method, path: string, body?: object): Promise<Response>;
  /** The Owner's SCIM id; pushes them as active where that has not happened yet. */
  adopt(): Promise<string>;
}

const openMade = openBuilt(({ store }) =>
  store.transaction(cause, async (tx) => {
    const input = { name: 'Acme', owner: { email: ownerEmail } };
    const { organization, owner } = await createOrganization(tx, openSealer('test'), input);
    const id = organization._id;
    const account = await createAccount(tx, { email: 'adam@acme.example', provenBy: 'operator' });
    const admin = await addMember(tx, id, { accountId: account._id, source: 'operator', role: 'admin' });
    const directory = await createDirectory(tx, id, { name: 'IdP' });
    const { secret } = await issueToken(tx, id, directory._id, { name: 'first' });
    const { token } = await openSession(tx, { accountId: owner.accountId, proofs: [{ kind: 'operator', at: tx.at }] });
    return { id, owner, admin, directory, directoryToken: secret, session: token };
  }),
);

/** `protection: false` switches the store's own layer of OWN-6 off. */
export async function openScene({ protection = true }: { protection?: boolean } = {}): Promise<Scene> {
  const { gatehouse, ...made } = await openMade({ protection, rehearse: false });
  const { store } = gatehouse;
  const run = <T>(work: (tx: Transaction) => Promise<T>) => store.transaction(cause, work);
  const scim = (method: Method, path: string, body?: object) => {
    const request = gatehouse.bearer(made.directoryToken, method, `/scim/v2/${made.directory._id}${path}`);
    return body ? request.set('Content-Type', 'application/scim+json').send(JSON.stringify(body)) : request;
  };
  async function adopt(): Promise<string> {
    const found = await store.read.directoryUsers.findOne(made.id, { userNameKey: 'olga' });
    if (found) return found._id;
    return ((await scim('post', '/Users', ownerResource())).body as { id: string }).id;
  }
  return { gatehouse, store, run, scim, adopt, ...made };
}

/** The Owner as the IdP pushes them. */
export const ownerResource = (fields: object = {}) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName: 'olga',
  name: { givenName: 'Olga', familyName: 'Owner' },
  emails: [{ value: ownerEmail, primary: true }],
  active: true,
  ...fields,
});

/** A PATCH with these operations. */
export const patchOf = (...Operations: readonly object[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
});

/** What the Owner has lost; empty where OWN-1 holds. */
export async function findHarm({ store, id, owner, session }: Scene): Promise<readonly string[]> {
  const harm: string[] = [];
  const owners = await store.read.members.find(id, { owner: true });
  if (owners.length !== 1) harm.push(`there are ${owners.length} Owners`);
  const now = owners.find(({ _id }) => _id === owner._id);
  if (!now) harm.push('the Owner is another');
  if (now && now.status !== 'active') harm.push(`the Owner is ${now.status}`);
  if (now && now.role !== 'admin') harm.push(`the Owner is ${now.role}`);
  const question = { permission: 'organization.update', resource: { kind: 'organization', id } } as const;
  const decision = await evaluate(store.read, { accountId: owner.accountId, ...question });
  if (!decision.allowed) harm.push(`the Owner may not: ${decision.reason}`);
  const live = await findLiveSession(store.read, session, new Date());
  if (!live || !countsIn(live, id)) harm.push("the Owner's session has ended");
  return harm;
}

/** The code with which an attempt was refused, by an exception or an answer; undefined where it was accepted. */
export async function refusalOf(attempt: Promise<unknown>): Promise<string | undefined> {
  try {
    const answer = (await attempt) as Partial<Response> | undefined;
    if (answer?.status === undefined || answer.status < 400) return undefined;
    const body = answer.body as { code?: string };
    return body.code ?? `status ${answer.status}`;
  } catch (error) {
    return error instanceof AppError ? error.code : error instanceof Error ? error.name : 'thrown';
  }
}
