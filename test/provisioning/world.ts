/** An organization with its Owner and a directory on a real store, and the pushes of its IdP as use cases. */
import {
  addCollaborator,
  addMember,
  type CreatedOrganization,
  createAccount,
  createOrganization,
  createProject,
  evaluate,
  findAccountByProvenEmail,
  findMember,
} from '../../src/access/index.ts';
import { createDirectory, getGroup, getUser, type MemberRef, type UserRecord } from '../../src/directory/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openOutgoing } from '../../src/lib/outgoing.ts';
import { openSealer } from '../../src/lib/secrets.ts';
import {
  changeMembers,
  createGroup,
  createPerson,
  deleteGroup,
  deletePerson,
  type PersonResult,
  updatePerson,
} from '../../src/provisioning/index.ts';
import type { JobName, TakenJob } from '../../src/queue/index.ts';
import {
  type Cause,
  type Directory,
  type DirectoryGroup,
  type Grant,
  type Member,
  type OutboxRow,
  PLATFORM,
  type Project,
  type Store,
  type Transaction,
} from '../../src/store/index.ts';
import { handlers } from '../../workers/handlers.ts';
import { openTestStore, type TestStoreOptions } from '../support/engines.ts';

export const cause: Cause = { actor: 'operator', requestId: 'req-test' };

/** What a test says of a person; the rest of the record follows from it. */
export interface Person {
  readonly userName: string;
  /** The primary address. */
  readonly email?: string;
  readonly otherEmail?: string;
  readonly externalId?: string;
  readonly active?: boolean;
  readonly title?: string;
}

function recordOf({ userName, email, otherEmail, externalId, active = true, title }: Person): UserRecord {
  const primary = email === undefined ? [] : [{ value: email, type: 'work', primary: true }];
  const emails = [...primary, ...(otherEmail === undefined ? [] : [{ value: otherEmail, type: 'other' }])];
  const attributes = { ...(emails.length > 0 && { emails }), ...(title !== undefined && { title }) };
  return { userName, active, emails, attributes, ...(externalId !== undefined && { externalId }) };
}

/** Jobs of provisioning ask nobody outside. */
const guarded = openOutgoing({ allowPrivate: false });
const nowhere = {
  outgoing: guarded,
  sendOut: guarded,
  allowPrivate: false,
  sealer: openSealer('a key that seals nothing'),
  clock: systemClock,
};

export class World {
  readonly store: Store;
  readonly created: CreatedOrganization;
  readonly directory: Directory;
  readonly id: string;

  constructor(store: Store, created: CreatedOrganization, directory: Directory) {
    this.store = store;
    this.created = created;
    this.directory = directory;
    this.id = created.organization._id;
  }

  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.store.transaction(cause, work);
  }

  /** Another directory of the organization. */
  another(name = 'Other IdP'): Promise<Directory> {
    return this.run((tx) => createDirectory(tx, this.id, { name }));
  }

  project(name: string): Promise<Project> {
    return this.run((tx) => createProject(tx, this.id, { name }));
  }

  /** A member by hand, whose address the operator has proven. */
  member(email: string, role: 'admin' | 'member' = 'member'): Promise<Member> {
    return this.run(async (tx) => {
      const account = await createAccount(tx, { email, provenBy: 'operator' });
      return addMember(tx, this.id, { accountId: account._id, source: 'operator', role });
    });
  }

  give(projectId: string, email: string, role: 'admin' | 'member' = 'member'): Promise<Grant> {
    return this.run((tx) => addCollaborator(tx, this.id, projectId, { email, role }));
  }

  push(person: Person, directory = this.directory): Promise<PersonResult> {
    return this.run((tx) => createPerson(tx, directory, recordOf(person)));
  }

  /** A PUT or PATCH; says `active: true` itself unless told otherwise. */
  change(userId: string, person: Person, options: { stated?: boolean; directory?: Directory | undefined } = {}) {
    const { directory = this.directory, stated = person.active ?? true } = options;
    return this.run(async (tx) => {
      const user = await getUser(tx, directory, userId);
      return updatePerson(tx, directory, user, recordOf(person), { statesActive: stated });
    });
  }

  remove(userId: string, directory = this.directory) {
    return this.run(async (tx) => deletePerson(tx, directory, await getUser(tx, directory, userId)));
  }

  group(
    displayName: string,
    members: readonly string[] = [],
    externalId?: string,
    directory = this.directory,
  ): Promise<DirectoryGroup> {
    const record = { displayName, attributes: {}, ...(externalId !== undefined && { externalId }) };
    return this.run(async (tx) => (await createGroup(tx, directory, record, members.map(refOf))).group);
  }

  members(
    groupId: string,
    change: { add?: string[]; remove?: string[]; replace?: string[] },
    directory = this.directory,
  ) {
    const { add, remove, replace } = change;
    return this.run(async (tx) =>
      changeMembers(tx, directory, await getGroup(tx, directory, groupId), {
        ...(add && { add: add.map(refOf) }),
        ...(remove && { remove }),
        ...(replace && { replace: replace.map(refOf) }),
      }),
    );
  }

  dropGroup(groupId: string, directory = this.directory): Promise<void> {
    return this.run(async (tx) => deleteGroup(tx, directory, await getGroup(tx, directory, groupId)));
  }

  async memberOf(email: string): Promise<Member | undefined> {
    const account = await findAccountByProvenEmail(this.store.read, email);
    return account && findMember(this.store.read, this.id, account._id);
  }

  async linked(result: PersonResult): Promise<Member | undefined> {
    const { accountId } = result.user;
    return accountId === undefined ? undefined : findMember(this.store.read, this.id, accountId);
  }

  /** The person's grants as `target role source`, sorted. */
  async grants(accountId: string | undefined): Promise<readonly string[]> {
    if (accountId === undefined) return [];
    const grants = await this.store.read.grants.find(this.id, { accountId });
    return grants.map(({ targetId, role, source }) => `${targetId} ${role} ${source}`).sort();
  }

  async may(accountId: string | undefined, permission: string, projectId: string): Promise<boolean> {
    if (accountId === undefined) return false;
    const resource = { kind: 'project', id: projectId } as const;
    return (await evaluate(this.store.read, { accountId, permission, resource })).allowed;
  }

  async audit(type: string): Promise<number> {
    return this.store.read.auditEvents.count(this.id, { type });
  }

  waitingJobs(): Promise<readonly OutboxRow[]> {
    return this.store.read.outbox.find(PLATFORM, { state: 'waiting' });
  }

  /** Runs one job as a worker would; `loses` its end, as if the process had died just before. */
  async runJob(row: OutboxRow, { ends = true }: { ends?: boolean } = {}): Promise<void> {
    const job = {
      id: row._id,
      organizationId: row.organizationId,
      name: row.job as JobName,
      payload: row.payload,
      attempt: 1,
      done: async (tx: Transaction) => {
        if (ends) await tx.outbox.remove(row.organizationId, { _id: row._id });
      },
    };
    const stack = { store: this.store, mailer: unusedMailer, lookUpTxt: async () => [], ...nowhere };
    const run = handlers(stack)[job.name] as (taken: TakenJob) => Promise<void>;
    await run(job as TakenJob);
  }

  /** Runs all jobs, and those that they ask for, until none is left. */
  async runJobs(): Promise<void> {
    for (let rows = await this.waitingJobs(); rows.length > 0; rows = await this.waitingJobs()) {
      for (const row of rows) await this.runJob(row);
    }
  }
}

/** No job of this suite writes letters. */
const unusedMailer = { send: () => Promise.reject(new Error('nobody is to be written to')) };

const refOf = (id: string): MemberRef => ({ id, kind: id.startsWith('grp-') ? 'Group' : 'User' });

export interface WorldOptions extends TestStoreOptions {
  readonly externalIdIsImmutable?: boolean;
}

export const ownerEmail = 'olga@acme.example';

export async function openWorld({ externalIdIsImmutable = false, ...options }: WorldOptions = {}): Promise<World> {
  const store = await openTestStore(options);
  const { created, directory } = await store.transaction(cause, async (tx) => {
    const input = { name: 'Acme', owner: { email: ownerEmail } };
    const created = await createOrganization(tx, openSealer('test'), input);
    const name = 'IdP';
    const directory = await createDirectory(tx, created.organization._id, { name, externalIdIsImmutable });
    return { created, directory };
  });
  return new World(store, created, directory);
}
