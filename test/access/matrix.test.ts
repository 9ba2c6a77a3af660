/**
 * Who may do what, written down by hand from the rules PERM-1…4, PRJ-2, PRJ-5, PRJ-6, MEM-1, MEM-3, KEY-2, KEY-3, and asked
 * of the running service for every permission and every kind of principal. Nothing here comes from the code's own table.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Cast, castOf, type Who } from './cast.ts';

type Place = 'organization' | 'defaultProject' | 'project' | 'foreignOrganization' | 'foreignProject';

/** PERM-1. */
const organization = {
  both: ['organization.read', 'billing.read', 'project.list', 'member.list'],
  adminOnly: [
    'organization.update',
    'billing.update',
    'project.create',
    'member.invite',
    'member.remove',
    'member.update-role',
    'sso.manage',
    'directory.manage',
    'mapping.manage',
    'audit.read',
  ],
};

/** PERM-2, PERM-3, PERM-4. */
const project = {
  both: [
    ...['project.read', 'cost.read', 'key.list', 'key.create', 'key.revoke', 'collaborator.list'],
    ...['cluster.read', 'volume.read'],
    ...['cluster.ssh', 'cluster.kubectl', 'cluster.dashboard', 'cluster.submit-job'],
    ...['volume.read-data', 'volume.write-data'],
    ...['fine-tune.create', 'fine-tune.read', 'fine-tune.cancel', 'fine-tune.delete'],
    ...['endpoint.create', 'endpoint.read', 'endpoint.update', 'endpoint.delete', 'inference.invoke'],
    ...['evaluation.create', 'evaluation.read', 'evaluation.cancel', 'evaluation.delete'],
    ...['file.upload', 'file.read', 'file.delete'],
  ],
  adminOnly: [
    ...['project.update', 'collaborator.add', 'collaborator.remove', 'collaborator.update-role'],
    ...['cluster.create', 'cluster.delete', 'cluster.scale', 'cluster.configure'],
    ...['volume.create', 'volume.resize', 'volume.delete'],
  ],
};

/** Who has which role where: A is Admin, m is Member, - is nothing. The project is one that plain Members must be added to. */
const roles: Readonly<Record<Who, Readonly<Record<Place, 'A' | 'm' | '-'>>>> = {
  //                                   organization        defaultProject       project       of another organization
  owner: /*                */ row('A', 'A', 'A', '-', '-'),
  admin: /*                */ row('A', 'A', 'A', '-', '-'),
  member: /*               */ row('m', 'm', '-', '-', '-'),
  projectAdmin: /*         */ row('m', 'm', 'A', '-', '-'),
  projectMember: /*        */ row('m', 'm', 'm', '-', '-'),
  externalAdmin: /*        */ row('-', '-', 'A', '-', '-'),
  externalMember: /*       */ row('-', '-', 'm', '-', '-'),
  suspendedAdmin: /*       */ row('-', '-', '-', '-', '-'),
  suspendedProjectAdmin: /**/ row('-', '-', '-', '-', '-'),
  removedAdmin: /*         */ row('-', '-', '-', '-', '-'),
  removedProjectAdmin: /*  */ row('-', '-', '-', '-', '-'),
  removedCollaborator: /*  */ row('m', 'm', '-', '-', '-'),
  stranger: /*             */ row('-', '-', '-', '-', '-'),
  foreignOwner: /*         */ row('-', '-', '-', 'A', 'A'),
  projectKey: /*           */ row('-', '-', 'm', '-', '-'),
  defaultKey: /*           */ row('-', 'm', '-', '-', '-'),
  revokedKey: /*           */ row('-', '-', '-', '-', '-'),
  expiredKey: /*           */ row('-', '-', '-', '-', '-'),
};

function row(...[org, defaultProject, own, foreignOrganization, foreignProject]: readonly ('A' | 'm' | '-')[]) {
  return { organization: org, defaultProject, project: own, foreignOrganization, foreignProject } as Record<
    Place,
    'A' | 'm' | '-'
  >;
}

const everything = [
  ...organization.both,
  ...organization.adminOnly,
  ...project.both,
  ...project.adminOnly,
  'nothing.at-all',
  'PROJECT.READ',
  '__proto__',
];

/** Whether one with this role has the permission, in a place of this kind. */
function isExpected(permission: string, place: Place, role: 'A' | 'm' | '-'): boolean {
  const { both, adminOnly } = /organization/i.test(place) ? organization : project;
  if (both.includes(permission)) return role !== '-';
  return adminOnly.includes(permission) && role === 'A';
}

const places: readonly Place[] = ['organization', 'defaultProject', 'project', 'foreignOrganization', 'foreignProject'];
const principals = Object.keys(roles) as readonly Who[];

let cast: Cast;

beforeAll(async () => {
  cast = await castOf();
});

describe.each(principals)('%s', (who) => {
  test.each(places)('may do in %s exactly what the rules say, permission by permission', async (place) => {
    const role = roles[who][place];
    const expected = everything.map((permission) => [permission, isExpected(permission, place, role)]);
    const answers = await cast.decide(who, place, everything);
    expect(everything.map((permission, index) => [permission, answers[index]])).toEqual(expected);
  });
});

test('where Admins must join a project, one who has not has nothing there, and one who has is Admin whatever they were added as (PRJ-5)', async () => {
  await cast.setAdminAccess('joined');
  const holds = async (who: Who, permission: string) => (await cast.decide(who, 'project', [permission]))[0];
  for (const permission of [...project.both, ...project.adminOnly]) {
    expect([permission, await holds('admin', permission)]).toEqual([permission, false]);
    expect([permission, await holds('owner', permission)]).toEqual([permission, false]);
  }
  await cast.joinAsMember('admin');
  for (const permission of [...project.both, ...project.adminOnly]) {
    expect([permission, await holds('admin', permission)]).toEqual([permission, true]);
    expect([permission, (await cast.decide('admin', 'defaultProject', [permission]))[0]]).toEqual([permission, true]);
  }
  await cast.setAdminAccess('all');
});
