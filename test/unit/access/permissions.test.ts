import { describe, expect, test } from '@jest/globals';
import {
  type AccessFacts,
  decideAccess,
  type GrantFacts,
  isPermission,
  organizationPermissions,
  permissionScope,
  projectPermissions,
  type Role,
} from '../../../src/access/index.ts';

// The tables of PRODUCT.md, written out by hand: never derived from the code's own.
const organizationTable = {
  bothRoles: ['organization.read', 'billing.read', 'project.list', 'member.list'],
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

const projectTable = {
  bothRoles: [
    // PERM-2
    'project.read',
    'cost.read',
    'key.list',
    'key.create',
    'key.revoke',
    'collaborator.list',
    // PERM-3
    'cluster.read',
    'volume.read',
    'cluster.ssh',
    'cluster.kubectl',
    'cluster.dashboard',
    'cluster.submit-job',
    'volume.read-data',
    'volume.write-data',
    // PERM-4
    'fine-tune.create',
    'fine-tune.read',
    'fine-tune.cancel',
    'fine-tune.delete',
    'endpoint.create',
    'endpoint.read',
    'endpoint.update',
    'endpoint.delete',
    'inference.invoke',
    'evaluation.create',
    'evaluation.read',
    'evaluation.cancel',
    'evaluation.delete',
    'file.upload',
    'file.read',
    'file.delete',
  ],
  adminOnly: [
    // PERM-2
    'project.update',
    'collaborator.add',
    'collaborator.remove',
    'collaborator.update-role',
    // PERM-3
    'cluster.create',
    'cluster.delete',
    'cluster.scale',
    'cluster.configure',
    'volume.create',
    'volume.resize',
    'volume.delete',
  ],
};

const manual = (role: Role): GrantFacts => ({ role, source: 'manual', sourceId: 'manual', grantedBy: 'operator' });
const owner = { role: 'admin', status: 'active', owner: true } as const;
const admin = { role: 'admin', status: 'active', owner: false } as const;
const member = { role: 'member', status: 'active', owner: false } as const;
const project = { kind: 'project', isDefault: false } as const;
const defaultProject = { kind: 'project', isDefault: true } as const;
const organization = { kind: 'organization' } as const;
const all = { adminAccess: 'all', grants: [] } as const;
const joined = { adminAccess: 'joined', grants: [] } as const;

type Row = [who: string, facts: AccessFacts, role: Role | 'nothing'];

const inOrganization: Row[] = [
  ['the Owner', { ...all, resource: organization, member: owner }, 'admin'],
  ['an Admin', { ...all, resource: organization, member: admin }, 'admin'],
  ['a Member', { ...all, resource: organization, member }, 'member'],
  ['a suspended Admin', { ...all, resource: organization, member: { ...admin, status: 'suspended' } }, 'nothing'],
  ['a suspended Member', { ...all, resource: organization, member: { ...member, status: 'suspended' } }, 'nothing'],
  ['a removed member', { ...all, resource: organization }, 'nothing'],
  ['an External Admin', { ...all, resource: organization, grants: [manual('admin')] }, 'nothing'],
  ['an External Member', { ...all, resource: organization, grants: [manual('member')] }, 'nothing'],
  ['a member of another organization', { ...all, resource: organization }, 'nothing'],
  ['an Admin whose session ended here', { ...all, resource: organization, member: admin, worth: 'ended' }, 'nothing'],
];

const inProject: Row[] = [
  ['the Owner', { ...all, resource: project, member: owner }, 'admin'],
  ['an Admin', { ...all, resource: project, member: admin }, 'admin'],
  ['a Member', { ...all, resource: project, member }, 'nothing'],
  ['a Member in the default project', { ...all, resource: defaultProject, member }, 'member'],
  ['an Admin in the default project', { ...all, resource: defaultProject, member: admin }, 'admin'],
  ['a project Admin', { ...all, resource: project, member, grants: [manual('admin')] }, 'admin'],
  ['a project Member', { ...all, resource: project, member, grants: [manual('member')] }, 'member'],
  ['an External Admin', { ...all, resource: project, grants: [manual('admin')] }, 'admin'],
  ['an External Member', { ...all, resource: project, grants: [manual('member')] }, 'member'],
  ['an External in the default project', { ...all, resource: defaultProject, grants: [manual('member')] }, 'member'],
  [
    'a suspended project Admin',
    { ...all, resource: project, member: { ...member, status: 'suspended' }, grants: [manual('admin')] },
    'nothing',
  ],
  [
    'a suspended Admin in the default project',
    { ...all, resource: defaultProject, member: { ...admin, status: 'suspended' } },
    'nothing',
  ],
  ['a removed member', { ...all, resource: project }, 'nothing'],
  ['a removed member in the default project', { ...all, resource: defaultProject }, 'nothing'],
  ['a member of another organization', { ...all, resource: project }, 'nothing'],
  ['an Owner who must join and has not', { ...joined, resource: project, member: owner }, 'nothing'],
  ['an Admin who must join and has not', { ...joined, resource: project, member: admin }, 'nothing'],
  [
    'an Admin who joined as Member',
    { ...joined, resource: project, member: admin, grants: [manual('member')] },
    'admin',
  ],
  ['an Admin who must join, in the default project', { ...joined, resource: defaultProject, member: admin }, 'admin'],
  ['a Member where Admins must join', { ...joined, resource: project, member, grants: [manual('member')] }, 'member'],
  [
    'a project Admin whose session ended here',
    { ...all, resource: project, member, grants: [manual('admin')], worth: 'ended' },
    'nothing',
  ],
];

function expected(table: typeof projectTable, permission: string, role: Role | 'nothing'): boolean {
  if (role === 'nothing') return false;
  return role === 'admin' || table.bothRoles.includes(permission);
}

describe('the permission tables (PERM-1…4)', () => {
  test('hold exactly the permissions of the product', () => {
    const { bothRoles, adminOnly } = organizationTable;
    expect(Object.keys(organizationPermissions).sort()).toEqual([...bothRoles, ...adminOnly].sort());
    expect(Object.keys(projectPermissions).sort()).toEqual(
      [...projectTable.bothRoles, ...projectTable.adminOnly].sort(),
    );
  });

  test('know no permission by another spelling, nor by a name that every object has', () => {
    for (const text of ['', 'Project.read', 'project.read ', 'constructor', '__proto__', 'toString', 'cluster.*']) {
      expect(isPermission(text)).toBe(false);
    }
    expect(permissionScope('member.list')).toBe('organization');
    expect(permissionScope('collaborator.list')).toBe('project');
  });

  describe.each(inOrganization)('%s, asked on the organization (PERM-1, MEM-1, PRJ-6)', (_who, facts, role) => {
    test.each([...organizationTable.bothRoles, ...organizationTable.adminOnly])('%s', (permission) => {
      expect(decideAccess(facts, permission).allowed).toBe(expected(organizationTable, permission, role));
    });
  });

  describe.each(inProject)('%s, asked on a project (PERM-2…4, MEM-1, PRJ-2, PRJ-5, PRJ-6)', (_who, facts, role) => {
    test.each([...projectTable.bothRoles, ...projectTable.adminOnly])('%s', (permission) => {
      expect(decideAccess(facts, permission).allowed).toBe(expected(projectTable, permission, role));
    });
  });

  test('never answer a permission of projects on an organization, nor the other way round', () => {
    for (const permission of [...projectTable.bothRoles, ...projectTable.adminOnly]) {
      const decision = decideAccess({ ...all, resource: organization, member: owner }, permission);
      expect(decision).toMatchObject({ allowed: false, reason: 'permission_not_for_resource' });
    }
    for (const permission of [...organizationTable.bothRoles, ...organizationTable.adminOnly]) {
      const decision = decideAccess({ ...all, resource: defaultProject, member: owner }, permission);
      expect(decision).toMatchObject({ allowed: false, reason: 'permission_not_for_resource' });
    }
  });
});
