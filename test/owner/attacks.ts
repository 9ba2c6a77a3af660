/** Every way in by which somebody could try to take the Owner's place, rights or session away (OWN-1, OWN-6). */
import { changeMemberRole, removeMember, suspendMember } from '../../src/access/index.ts';
import { createMapping, deleteMapping, sweepOrganization } from '../../src/provisioning/index.ts';
import { cause, ownerResource, patchOf, type Scene } from './scene.ts';

export interface Attack {
  readonly name: string;
  /**
   * `refused`: a rule must refuse it in so many words. `accepted`: directory data that has no effect on the Owner.
   * `store`: a write past all rules, which only the store's own layer can stop.
   */
  readonly kind: 'refused' | 'accepted' | 'store';
  run(scene: Scene): Promise<unknown>;
}

const memberUrl = ({ id, owner }: Scene) => `/api/v1/organizations/${id}/members/${owner._id}`;
const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group';

const managementApi: readonly Attack[] = [
  {
    name: 'the management API removes the member',
    kind: 'refused',
    run: (scene) => scene.gatehouse.operator('delete', memberUrl(scene)),
  },
  {
    name: 'another Admin removes the member',
    kind: 'refused',
    run: (scene) => scene.gatehouse.operator('delete', memberUrl(scene), scene.admin.accountId),
  },
  {
    name: 'the Owner leaves (OWN-3)',
    kind: 'refused',
    run: (scene) => scene.gatehouse.operator('delete', memberUrl(scene), scene.owner.accountId),
  },
  {
    name: 'the management API demotes the member',
    kind: 'refused',
    run: (scene) => scene.gatehouse.operator('patch', memberUrl(scene)).send({ role: 'member' }),
  },
  {
    name: 'another Admin demotes the member',
    kind: 'refused',
    run: (scene) => scene.gatehouse.operator('patch', memberUrl(scene), scene.admin.accountId).send({ role: 'member' }),
  },
];

const useCases: readonly Attack[] = [
  {
    name: 'a use case removes the member',
    kind: 'refused',
    run: ({ run, id, owner }) => run((tx) => removeMember(tx, id, owner._id)),
  },
  {
    name: 'a use case suspends the member',
    kind: 'refused',
    run: ({ run, id, owner }) => run((tx) => suspendMember(tx, id, owner._id)),
  },
  {
    name: 'a use case demotes the member',
    kind: 'refused',
    run: ({ run, id, owner }) => run((tx) => changeMemberRole(tx, id, owner._id, 'member')),
  },
];

const scim: readonly Attack[] = [
  {
    name: 'SCIM POST pushes the Owner as inactive',
    kind: 'refused',
    run: ({ scim }) => scim('post', '/Users', ownerResource({ active: false })),
  },
  {
    name: 'SCIM PUT with active: false',
    kind: 'refused',
    run: async ({ scim, adopt }) => scim('put', `/Users/${await adopt()}`, ownerResource({ active: false })),
  },
  {
    name: 'SCIM PUT with active: false under another userName and address',
    kind: 'refused',
    run: async ({ scim, adopt }) =>
      scim(
        'put',
        `/Users/${await adopt()}`,
        ownerResource({ active: false, userName: 'x', emails: [{ value: 'x@x.example' }] }),
      ),
  },
  {
    name: "SCIM PATCH in Okta's form",
    kind: 'refused',
    run: async ({ scim, adopt }) =>
      scim('patch', `/Users/${await adopt()}`, patchOf({ op: 'replace', value: { active: false } })),
  },
  {
    name: "SCIM PATCH in Entra's form",
    kind: 'refused',
    run: async ({ scim, adopt }) =>
      scim('patch', `/Users/${await adopt()}`, patchOf({ op: 'Replace', path: 'active', value: 'False' })),
  },
  {
    name: 'SCIM DELETE',
    kind: 'refused',
    run: async ({ scim, adopt }) => scim('delete', `/Users/${await adopt()}`),
  },
  {
    name: 'SCIM Bulk with a DELETE',
    kind: 'refused',
    run: async (scene) => inBulk(scene, { method: 'DELETE', path: `/Users/${await scene.adopt()}` }),
  },
  {
    name: 'SCIM Bulk with a PATCH',
    kind: 'refused',
    run: async (scene) =>
      inBulk(scene, {
        method: 'PATCH',
        path: `/Users/${await scene.adopt()}`,
        data: patchOf({ op: 'replace', value: { active: false } }),
      }),
  },
  {
    name: 'SCIM Bulk with a POST of the Owner as inactive, in a circle with a group',
    kind: 'refused',
    run: async (scene) =>
      inBulk(
        scene,
        { method: 'POST', path: '/Users', bulkId: 'me', data: ownerResource({ active: false, manager: 'bulkId:me' }) },
        { method: 'POST', path: '/Groups', bulkId: 'us', data: { displayName: 'us', members: ['bulkId:me'] } },
      ),
  },
];

/** The answer to the first operation of a bulk, as if it had been a request of its own. */
async function inBulk({ scim }: Scene, ...Operations: readonly object[]): Promise<unknown> {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
  const { body } = await scim('post', '/Bulk', { schemas, Operations });
  const [first] = (body as { readonly Operations: readonly { readonly status: string; response?: object }[] })
    .Operations;
  return { status: Number(first?.status), body: first?.response };
}

/** Makes the Owner an Admin by a mapped group, so that its end could be taken for the end of their role. */
async function mapOwner({ scim, adopt, run, id, gatehouse }: Scene): Promise<{ groupId: string; mappingId: string }> {
  const members = [{ value: await adopt() }];
  const group = await scim('post', '/Groups', { schemas: [groupSchema], displayName: 'admins', members });
  const groupId = (group.body as { id: string }).id;
  const rule = { groupId, target: 'organization', targetId: id, role: 'admin' } as const;
  const { _id: mappingId } = await run((tx) => createMapping(tx, id, rule));
  await gatehouse.queue?.idle();
  return { groupId, mappingId };
}

const groups: readonly Attack[] = [
  {
    name: 'SCIM PATCH takes the Owner out of the group that is mapped to Admin',
    kind: 'accepted',
    run: async (scene) => {
      const { groupId } = await mapOwner(scene);
      const path = `members[value eq "${await scene.adopt()}"]`;
      await scene.scim('patch', `/Groups/${groupId}`, patchOf({ op: 'remove', path }));
      await scene.gatehouse.queue?.idle();
    },
  },
  {
    name: 'SCIM PUT empties the group that is mapped to Admin',
    kind: 'accepted',
    run: async (scene) => {
      const { groupId } = await mapOwner(scene);
      const body = { schemas: [groupSchema], displayName: 'admins', members: [] };
      await scene.scim('put', `/Groups/${groupId}`, body);
      await scene.gatehouse.queue?.idle();
    },
  },
  {
    name: 'SCIM DELETE of the group that is mapped to Admin',
    kind: 'accepted',
    run: async (scene) => {
      const { groupId } = await mapOwner(scene);
      await scene.scim('delete', `/Groups/${groupId}`);
      await scene.gatehouse.queue?.idle();
    },
  },
  {
    name: 'the mapping to Admin ends with its grants revoked',
    kind: 'accepted',
    run: async (scene) => {
      const { mappingId } = await mapOwner(scene);
      await scene.run((tx) => deleteMapping(tx, scene.id, mappingId, 'revoke'));
      await scene.gatehouse.queue?.idle();
    },
  },
  {
    name: 'the sweep finds an Owner without any grant',
    kind: 'accepted',
    run: ({ store, id }) => sweepOrganization(store, cause, id),
  },
];

const directWrites: readonly Attack[] = [
  {
    name: 'a direct write suspends the member',
    kind: 'store',
    run: ({ run, id, owner }) =>
      run((tx) => tx.members.updateOne(id, { _id: owner._id }, { $set: { status: 'suspended' } })),
  },
  {
    name: 'a direct write demotes all members',
    kind: 'store',
    run: ({ run, id }) => run((tx) => tx.members.update(id, {}, { $set: { role: 'member' } })),
  },
  {
    name: 'a direct write removes the member',
    kind: 'store',
    run: ({ run, id, owner }) => run((tx) => tx.members.remove(id, { _id: owner._id })),
  },
  {
    name: 'a direct write removes all members',
    kind: 'store',
    run: ({ run, id }) => run((tx) => tx.members.remove(id, {})),
  },
];

/** A second Owner is stopped by the unique index, which no switch turns off. */
export const secondOwner: Attack = {
  name: 'a direct write makes a second Owner',
  kind: 'store',
  run: ({ run, id, admin }) => run((tx) => tx.members.updateOne(id, { _id: admin._id }, { $set: { owner: true } })),
};

const together = (...attempts: readonly Promise<unknown>[]): Promise<unknown> => Promise.allSettled(attempts);

const races: readonly Attack[] = [
  {
    name: 'a race of removal, demotion and suspension',
    kind: 'accepted',
    run: (scene) => together(...[...useCases, ...managementApi].map((attack) => Promise.resolve(attack.run(scene)))),
  },
  {
    name: 'a race of SCIM DELETE, PUT, PATCH and the end of a mapping',
    kind: 'accepted',
    run: async (scene) => {
      await scene.adopt();
      await together(...[...scim, ...groups].map((attack) => Promise.resolve(attack.run(scene))));
      await scene.gatehouse.queue?.idle();
    },
  },
];

/** All but direct writes: what somebody can reach without the database. */
export const entrances: readonly Attack[] = [...managementApi, ...useCases, ...scim, ...groups, ...races];

export const attacks: readonly Attack[] = [...entrances, ...directWrites];
