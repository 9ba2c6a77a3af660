import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  addCollaborator,
  createAccount,
  createOrganization,
  createProject,
  findOrganizationBySlug,
  findOrganizationsOf,
  findOwner,
  getDefaultProject,
  getOrganization,
  listOrganizations,
  updateOrganization,
} from '../../../src/access/index.ts';
import type { Sealer } from '../../../src/lib/secrets.ts';
import type { Store } from '../../../src/store/index.ts';
import { openTestStore } from '../../support/engines.ts';
import { openWorld, refused, sealer, writeTo } from './world.ts';

let store: Store;
beforeEach(async () => {
  store = await openTestStore();
});

const make = (input: { name?: string; slug?: string; email?: string } = {}) =>
  writeTo(store, (tx) =>
    createOrganization(tx, sealer, {
      name: input.name ?? 'Acme',
      slug: input.slug,
      owner: { email: input.email ?? 'owner@acme.test', name: 'Olga' },
    }),
  );

describe('creating an organization', () => {
  test('makes its Owner, its default project and its Default Key in one step (ORG-2)', async () => {
    const { organization, owner, defaultProject } = await make();
    const org = organization._id;
    expect(organization).toMatchObject({
      organizationId: org,
      slug: 'acme',
      settings: { multiProject: true, adminAccess: 'all', membershipPolicy: 'invitations' },
    });
    expect(await findOwner(store.read, org)).toMatchObject({ _id: owner._id, role: 'admin', status: 'active' });
    expect((await getDefaultProject(store.read, org))._id).toBe(defaultProject._id);
    const keys = await store.read.apiKeys.find(org, {});
    expect(keys).toMatchObject([{ kind: 'default', projectId: defaultProject._id, prefix: 'ghk_' }]);
    const types = (await store.read.auditEvents.find(org, {})).map((event) => event.type);
    expect(types).toEqual(['organization.created', 'member.added', 'project.created']);
  });

  test('takes the account that has proven the address as Owner (ACC-2)', async () => {
    const ann = await writeTo(store, (tx) => createAccount(tx, { email: 'ann@acme.test', provenBy: 'mailbox' }));
    expect((await make({ email: 'ANN@acme.test' })).owner.accountId).toBe(ann._id);
  });

  test('leaves nothing where any part of it fails (ORG-2)', async () => {
    const broken: Sealer = {
      seal: () => {
        throw new Error('no key');
      },
      open: sealer.open,
      isCurrent: sealer.isCurrent,
      hasFormer: false,
    };
    const making = writeTo(store, (tx) =>
      createOrganization(tx, broken, { name: 'Acme', owner: { email: 'owner@acme.test' } }),
    );
    await expect(making).rejects.toThrow('no key');
    expect((await listOrganizations(store.read, { limit: 10 })).items).toEqual([]);
    expect(await findOrganizationBySlug(store.read, 'acme')).toBeUndefined();
    await writeTo(store, (tx) => createAccount(tx, { email: 'owner@acme.test', provenBy: 'operator' }));
  });

  test('derives a free slug from the name (ORG-1)', async () => {
    expect((await make({ name: 'Größe & Söhne, Inc.' })).organization.slug).toBe('grosse-sohne-inc');
    expect((await make()).organization.slug).toBe('acme');
    expect((await make()).organization.slug).toBe('acme-2');
    expect((await make()).organization.slug).toBe('acme-3');
    expect((await make({ name: '研究所' })).organization.slug).toBe('organization');
  });

  test('refuses a slug that is taken or is none (ORG-1)', async () => {
    await make({ slug: 'acme' });
    await refused(make({ slug: 'acme' }), 'slug_taken');
    for (const slug of ['', 'Acme', '-acme', 'acme-', 'a_b', 'a'.repeat(64), 'ac me', 'é']) {
      await refused(make({ slug }), 'invalid_request');
    }
  });

  test('of one name by many at once gives each its own slug (ORG-1)', async () => {
    const made = await Promise.all(['a', 'b', 'c', 'd'].map((one) => make({ email: `${one}@acme.test` })));
    expect(made.map(({ organization }) => organization.slug).sort()).toEqual(['acme', 'acme-2', 'acme-3', 'acme-4']);
  });
});

describe('an organization', () => {
  test('changes only what is named, and the audit holds before and after (ORG-1)', async () => {
    const { organization } = await make();
    const org = organization._id;
    await writeTo(store, (tx) => updateOrganization(tx, org, { settings: { adminAccess: 'joined' } }));
    await writeTo(store, (tx) => updateOrganization(tx, org, { name: 'Acme 2' }));
    expect(await getOrganization(store.read, org)).toMatchObject({
      name: 'Acme 2',
      settings: { multiProject: true, adminAccess: 'joined', membershipPolicy: 'invitations' },
    });
    const [first] = await store.read.auditEvents.find(org, { type: 'organization.updated' });
    expect(first).toMatchObject({
      before: { settings: { adminAccess: 'all' } },
      after: { settings: { adminAccess: 'joined' } },
    });
  });

  test('is not changed by what it is already: the audit tells of none (AUD-1)', async () => {
    const { organization } = await make();
    const org = organization._id;
    await writeTo(store, (tx) => updateOrganization(tx, org, { billingContact: 'bills@acme.test' }));
    const before = await getOrganization(store.read, org);
    for (const change of [
      {},
      { name: 'Acme' },
      { billingContact: 'bills@acme.test' },
      { settings: { multiProject: true } },
    ]) {
      expect(await writeTo(store, (tx) => updateOrganization(tx, org, change))).toEqual(before);
    }
    expect(await store.read.auditEvents.find(org, { type: 'organization.updated' })).toHaveLength(1);
  });

  test('with more than its default project keeps multiProject on; without it makes no others (PRJ-8)', async () => {
    const { organization } = await make();
    const org = organization._id;
    const off = () => writeTo(store, (tx) => updateOrganization(tx, org, { settings: { multiProject: false } }));
    await off();
    await refused(
      writeTo(store, (tx) => createProject(tx, org, { name: 'B' })),
      'multi_project_off',
    );
    await writeTo(store, (tx) => updateOrganization(tx, org, { settings: { multiProject: true } }));
    await writeTo(store, (tx) => createProject(tx, org, { name: 'B' }));
    await refused(off(), 'projects_remain');
  });

  test('that does not exist is said not to', async () => {
    await refused(getOrganization(store.read, 'org-none'), 'not_found');
    await refused(getDefaultProject(store.read, 'org-none'), 'not_found');
    await refused(
      writeTo(store, (tx) => updateOrganization(tx, 'org-none', { name: 'X' })),
      'not_found',
    );
    await refused(
      writeTo(store, (tx) => createProject(tx, 'org-none', { name: 'X' })),
      'not_found',
    );
  });

  test('is listed for its members and its External Collaborators (ACC-1, PRJ-6)', async () => {
    const world = await openWorld();
    const { org, project, outsider, member } = world;
    await world.write((tx) => addCollaborator(tx, org, project._id, { email: 'out@else.test', external: true }));
    const read = world.store.read;
    expect(await findOrganizationsOf(read, member.accountId)).toMatchObject([
      { external: false, member: { role: 'member' } },
    ]);
    expect(await findOrganizationsOf(read, outsider._id)).toMatchObject([
      { organization: { _id: org }, external: true },
    ]);
  });
});
