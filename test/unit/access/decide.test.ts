import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type AccessFacts,
  decideAccess,
  type GrantFacts,
  projectPermissions,
  type Role,
} from '../../../src/access/index.ts';

const member = { role: 'member', status: 'active', owner: false } as const;
const admin = { role: 'admin', status: 'active', owner: false } as const;
const owner = { role: 'admin', status: 'active', owner: true } as const;
const organization = { kind: 'organization' } as const;
const project = { kind: 'project', isDefault: false } as const;
const defaultProject = { kind: 'project', isDefault: true } as const;
const grant = (source: GrantFacts['source'], role: Role): GrantFacts =>
  source === 'mapping'
    ? { source, role, sourceId: 'map-1', grantedBy: 'group:grp-1' }
    : { source, role, sourceId: source, grantedBy: 'account:acc-1' };
const facts = (some: Partial<AccessFacts>): AccessFacts => ({ adminAccess: 'all', grants: [], ...some });

type Case = [what: string, facts: AccessFacts, permission: string, decision: object];

const cases: Case[] = [
  [
    'an unknown permission',
    facts({ resource: project, member: owner }),
    'cluster.explode',
    { reason: 'unknown_permission' },
  ],
  ['an unknown resource', facts({}), 'project.read', { reason: 'unknown_resource' }],
  [
    'the Owner in the organization',
    facts({ resource: organization, member: owner }),
    'sso.manage',
    { reason: 'owner', via: 'owner', role: 'admin', message: 'Admin: Owner of the organization' },
  ],
  [
    'an Admin in the organization',
    facts({ resource: organization, member: admin }),
    'sso.manage',
    { reason: 'organization_admin', via: 'organization_role' },
  ],
  [
    'a Member in the organization',
    facts({ resource: organization, member }),
    'member.list',
    { reason: 'organization_member', role: 'member' },
  ],
  [
    'a Member asking for more',
    facts({ resource: organization, member }),
    'sso.manage',
    {
      reason: 'role_insufficient',
      role: 'member',
      message: 'sso.manage needs the role Admin; the role here is Member: Member of the organization',
    },
  ],
  [
    'the Owner in a project',
    facts({ resource: project, member: owner }),
    'cluster.delete',
    { reason: 'owner', via: 'owner' },
  ],
  [
    'an Admin in a project',
    facts({ resource: project, member: admin }),
    'cluster.delete',
    { reason: 'organization_admin', via: 'organization_role' },
  ],
  [
    'a Member in the default project',
    facts({ resource: defaultProject, member }),
    'cluster.ssh',
    { reason: 'default_project', via: 'default_project' },
  ],
  [
    'an Admin who must join, in the default project',
    facts({ resource: defaultProject, member: admin, adminAccess: 'joined' }),
    'cluster.delete',
    { reason: 'default_project', via: 'default_project', role: 'admin' },
  ],
  [
    'an Admin who has not joined',
    facts({ resource: project, member: admin, adminAccess: 'joined' }),
    'project.read',
    { reason: 'project_not_joined' },
  ],
  [
    'an Admin who joined as Member',
    facts({ resource: project, member: admin, adminAccess: 'joined', grants: [grant('manual', 'member')] }),
    'cluster.delete',
    { reason: 'granted_manually', role: 'admin' },
  ],
  ['a Member without a grant', facts({ resource: project, member }), 'project.read', { reason: 'no_project_access' }],
  [
    'a manual grant',
    facts({ resource: project, member, grants: [grant('manual', 'member')] }),
    'project.read',
    { reason: 'granted_manually', via: 'grant', message: 'Member: added by account:acc-1' },
  ],
  [
    'a creator',
    facts({ resource: project, member, grants: [grant('creator', 'admin')] }),
    'project.update',
    { reason: 'granted_as_creator', via: 'grant' },
  ],
  [
    'a mapping',
    facts({ resource: project, member, grants: [grant('mapping', 'admin')] }),
    'project.update',
    { reason: 'granted_by_mapping', message: 'Admin: mapping map-1 of group grp-1' },
  ],
  [
    'the higher of two grants',
    facts({ resource: project, member, grants: [grant('manual', 'member'), grant('mapping', 'admin')] }),
    'project.update',
    { reason: 'granted_by_mapping' },
  ],
  [
    'a mapped Admin in the default project',
    facts({ resource: defaultProject, member, grants: [grant('mapping', 'admin')] }),
    'project.update',
    { reason: 'granted_by_mapping' },
  ],
  [
    'an External Collaborator',
    facts({ resource: project, grants: [grant('manual', 'member')] }),
    'project.read',
    { reason: 'external_collaborator', via: 'external' },
  ],
  [
    'an External Collaborator in the organization',
    facts({ resource: organization, grants: [grant('manual', 'admin')] }),
    'organization.read',
    { reason: 'external_without_organization_role' },
  ],
  [
    'a stranger in the organization',
    facts({ resource: organization }),
    'organization.read',
    { reason: 'not_a_member' },
  ],
  ['a stranger in a project', facts({ resource: project }), 'project.read', { reason: 'not_a_member' }],
  [
    "a mapping's grant without membership",
    facts({ resource: project, grants: [grant('mapping', 'admin')] }),
    'project.read',
    { reason: 'not_a_member' },
  ],
  [
    "a creator's grant without membership",
    facts({ resource: project, grants: [grant('creator', 'admin')] }),
    'project.read',
    { reason: 'not_a_member' },
  ],
  [
    'a suspended member with grants',
    facts({ resource: project, member: { ...member, status: 'suspended' }, grants: [grant('manual', 'admin')] }),
    'project.read',
    { reason: 'member_suspended' },
  ],
  [
    'an ended session',
    facts({ resource: project, member: owner, worth: 'ended' }),
    'project.read',
    { reason: 'session_ended' },
  ],
];

describe('a decision names its source (PERM-5)', () => {
  test.each(cases)('%s', (_what, given, permission, decision) => {
    expect(decideAccess(given, permission)).toMatchObject(decision);
  });
});

const roles = fc.constantFrom<Role>('admin', 'member');
const grants = fc.array(
  fc.tuple(fc.constantFrom<GrantFacts['source']>('manual', 'mapping', 'creator'), roles).map(([s, r]) => grant(s, r)),
  { maxLength: 5 },
);
const anyFacts: fc.Arbitrary<AccessFacts> = fc
  .record({
    resource: fc.constantFrom(organization, project, defaultProject),
    member: fc.option(
      fc.record({ role: roles, status: fc.constantFrom('active' as const, 'suspended' as const), owner: fc.boolean() }),
    ),
    adminAccess: fc.constantFrom('all' as const, 'joined' as const),
    grants,
  })
  .map(({ member: who, ...rest }) => ({ ...rest, ...(who && { member: who }) }));
const permissions = fc.constantFrom(
  ...Object.keys(projectPermissions),
  'organization.read',
  'member.remove',
  'nonsense',
);

describe('whatever the facts', () => {
  test('one more grant never takes access away (MAP-2)', () => {
    fc.assert(
      fc.property(anyFacts, permissions, grants, (given, permission, more) => {
        const before = decideAccess(given, permission);
        const after = decideAccess({ ...given, grants: [...given.grants, ...more] }, permission);
        expect(after.allowed || !before.allowed).toBe(true);
      }),
    );
  });

  test('a suspended member is denied everything, and never external (MEM-1)', () => {
    fc.assert(
      fc.property(anyFacts, permissions, roles, (given, permission, role) => {
        const decision = decideAccess({ ...given, member: { role, status: 'suspended', owner: false } }, permission);
        expect(decision.allowed).toBe(false);
        expect(decision.via).toBeUndefined();
      }),
    );
  });

  test('the order of grants changes nothing in the role (MAP-2)', () => {
    fc.assert(
      fc.property(anyFacts, permissions, (given, permission) => {
        const turned = decideAccess({ ...given, grants: [...given.grants].reverse() }, permission);
        const { allowed, role } = decideAccess(given, permission);
        expect({ allowed: turned.allowed, role: turned.role }).toEqual({ allowed, role });
      }),
    );
  });

  test('Admin may all that Member may (PERM-1…4)', () => {
    fc.assert(
      fc.property(permissions, fc.boolean(), (permission, isDefault) => {
        const resource = { kind: 'project', isDefault } as const;
        const as = (role: Role) =>
          decideAccess(facts({ resource, member, grants: [grant('manual', role)] }), permission);
        expect(as('admin').allowed || !as('member').allowed).toBe(true);
      }),
    );
  });
});
