/** A small organization on a real store, for the use-case tests of access. */
import { expect } from '@jest/globals';
import {
  addMember,
  createAccount,
  createOrganization,
  createProject,
  type Decision,
  evaluate,
  type MappedGrant,
  type ResourceRef,
  type Role,
} from '../../../src/access/index.ts';
import { AppError, type ErrorCode } from '../../../src/errors.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import { openSealer, type Sealer } from '../../../src/lib/secrets.ts';
import type {
  Account,
  AuditEvent,
  Member,
  Organization,
  Project,
  Store,
  Transaction,
} from '../../../src/store/index.ts';
import { openTestStore } from '../../support/engines.ts';

export const sealer: Sealer = openSealer('a key for tests');

export interface World {
  readonly store: Store;
  readonly organization: Organization;
  readonly org: string;
  readonly owner: Member;
  readonly defaultProject: Project;
  readonly admin: Member;
  readonly member: Member;
  readonly outsider: Account;
  readonly project: Project;
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  can(accountId: string, permission: string, resource: ResourceRef): Promise<boolean>;
  decision(accountId: string, permission: string, resource: ResourceRef): Promise<Decision>;
  audit(type?: string): Promise<readonly AuditEvent[]>;
}

/** Writes as the operator. */
export function writeTo<T>(store: Store, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return store.transaction({ actor: 'operator', requestId: 'req-test' }, work);
}

/** An organization with its Owner, an Admin, a Member and one project; and an account from outside. */
export async function openWorld(options: { clock?: Clock; protection?: boolean } = {}): Promise<World> {
  const store = await openTestStore(options);
  const made = await writeTo(store, async (tx) => {
    const created = await createOrganization(tx, sealer, { name: 'Acme', owner: { email: 'owner@acme.test' } });
    const org = created.organization._id;
    const join = async (email: string, role: Role) => {
      const account = await createAccount(tx, { email, provenBy: 'operator' });
      return addMember(tx, org, { accountId: account._id, source: 'operator', role });
    };
    const admin = await join('admin@acme.test', 'admin');
    const member = await join('member@acme.test', 'member');
    const outsider = await createAccount(tx, { email: 'out@else.test', provenBy: 'operator' });
    const project = await createProject(tx, org, { name: 'Training' });
    return { ...created, org, admin, member, outsider, project };
  });
  return {
    store,
    ...made,
    write: (work) => writeTo(store, work),
    decision: (accountId, permission, resource) => evaluate(store.read, { accountId, permission, resource }),
    can: async (accountId, permission, resource) =>
      (await evaluate(store.read, { accountId, permission, resource })).allowed,
    audit: (type) => store.read.auditEvents.find(made.org, type === undefined ? {} : { type }),
  };
}

/** A mapped grant of a made-up mapping. */
export const mapped = (
  target: MappedGrant['target'],
  targetId: string,
  role: Role,
  mappingId = 'map-1',
): MappedGrant => ({
  target,
  targetId,
  role,
  mappingId,
  groupId: 'grp-1',
});

/** Expects a refusal with this code, and answers it. */
export async function refused(work: Promise<unknown>, code: ErrorCode): Promise<AppError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw error ?? new Error(`nothing was refused; expected ${code}`);
  expect(error.code).toBe(code);
  return error;
}
