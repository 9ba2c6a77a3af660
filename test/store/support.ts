/** Rows and stores for the conformance suite. */
import { afterAll, beforeAll } from '@jest/globals';
import type { Clock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import type { NewRow, Row, Store, Transaction } from '../../src/store/index.ts';

export interface StoreOptions {
  readonly clock?: Clock;
  readonly protection?: boolean;
  readonly rehearse?: boolean;
}

export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens the same data again. */
  reopen?(options?: StoreOptions): Promise<Store>;
  close(): Promise<void>;
}

export type OpenStore = (options?: StoreOptions) => Promise<OpenedStore>;

export const cause = { actor: 'account:acc-1', requestId: 'req-1' };

/** A clock that the test moves. */
export function movableClock(start = Date.UTC(2026, 0, 1)): Clock & { move(ms: number): void } {
  let now = start;
  return {
    now: () => new Date(now),
    move(ms) {
      now += ms;
    },
  };
}

/** One store for all tests of a `describe`. */
export function sharedStore(open: OpenStore, options: StoreOptions = {}): () => Store {
  let opened: OpenedStore | undefined;
  beforeAll(async () => {
    opened = await open(options);
  });
  afterAll(async () => {
    await opened?.close();
  });
  return () => {
    if (opened === undefined) throw new Error('the store is not open yet');
    return opened.store;
  };
}

/** Runs one write in a transaction of its own. */
export const write = <T>(store: Store, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  store.transaction(cause, work);

export const newOrganization = (): string => newId('organization');

type Given<N extends keyof RowTypes> = Partial<NewRow<RowTypes[N]>>;
interface RowTypes {
  members: Row<'members'>;
  outbox: Row<'outbox'>;
  directoryUsers: Row<'directoryUsers'>;
  accountEmails: Row<'accountEmails'>;
  grants: Row<'grants'>;
  projects: Row<'projects'>;
  organizations: Row<'organizations'>;
}

/** Complete rows; a test names only what it is about. */
export const rows = {
  organization: (organizationId: string, given: Given<'organizations'> = {}): NewRow<Row<'organizations'>> => ({
    _id: organizationId,
    organizationId,
    name: 'Acme',
    slug: organizationId,
    settings: { multiProject: true, adminAccess: 'all', membershipPolicy: 'invitations' },
    ...given,
  }),
  member: (organizationId: string, given: Given<'members'> = {}): NewRow<Row<'members'>> => ({
    _id: newId('member'),
    organizationId,
    accountId: newId('account'),
    role: 'member',
    status: 'active',
    source: 'scim',
    ...given,
  }),
  job: (organizationId: string, given: Given<'outbox'> = {}): NewRow<Row<'outbox'>> => ({
    _id: newId('outbox'),
    organizationId,
    job: 'reconcile',
    payload: {},
    state: 'waiting',
    dueAt: new Date(Date.UTC(2026, 0, 1)),
    attempts: 0,
    ...given,
  }),
  user: (organizationId: string, given: Given<'directoryUsers'> = {}): NewRow<Row<'directoryUsers'>> => {
    const _id = given._id ?? newId('directoryUser');
    const names = { userName: _id, userNameKey: _id };
    const rest = { active: true, attributes: {}, link: 'linked' } as const;
    return { _id, organizationId, directoryId: `dir-${organizationId}`, ...names, ...rest, ...given };
  },
  email: (given: Given<'accountEmails'> = {}): NewRow<Row<'accountEmails'>> => {
    const address = `${newId('accountEmail')}@example.com`;
    const names = { email: address, emailKey: address };
    return { _id: newId('accountEmail'), accountId: newId('account'), ...names, proven: false, ...given };
  },
  grant: (organizationId: string, given: Given<'grants'> = {}): NewRow<Row<'grants'>> => ({
    _id: newId('grant'),
    organizationId,
    accountId: newId('account'),
    target: 'project',
    targetId: newId('project'),
    role: 'member',
    source: 'manual',
    sourceId: 'manual',
    grantedBy: 'operator',
    ...given,
  }),
  project: (organizationId: string, given: Given<'projects'> = {}): NewRow<Row<'projects'>> => {
    const name = given.name ?? newId('project');
    return { _id: newId('project'), organizationId, name, nameKey: name.toLowerCase(), ...given };
  },
};

/** Inserts an organization with its Owner (OWN-1). */
export async function insertOwner(store: Store, organizationId: string): Promise<Row<'members'>> {
  return write(store, async (tx) => {
    await tx.organizations.insert(organizationId, rows.organization(organizationId));
    return tx.members.insert(
      organizationId,
      rows.member(organizationId, { role: 'admin', owner: true, source: 'owner' }),
    );
  });
}
