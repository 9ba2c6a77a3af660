/** Who may do what: the tables PERM-1…4, once, as data. A finer role is a one-line change here. */

export type Role = 'admin' | 'member';

const both: readonly Role[] = ['admin', 'member'];
const adminOnly: readonly Role[] = ['admin'];

/** Permissions on an organization, and the organization roles that carry them (PERM-1). */
export const organizationPermissions = {
  'organization.read': both,
  'billing.read': both,
  'project.list': both,
  'member.list': both,
  'organization.update': adminOnly,
  'billing.update': adminOnly,
  'project.create': adminOnly,
  'member.invite': adminOnly,
  'member.remove': adminOnly,
  'member.update-role': adminOnly,
  'sso.manage': adminOnly,
  'directory.manage': adminOnly,
  'mapping.manage': adminOnly,
  'audit.read': adminOnly,
} as const satisfies Record<string, readonly Role[]>;

/** Permissions on a project, and the project roles that carry them (PERM-2, PERM-3, PERM-4). */
export const projectPermissions = {
  // the project itself (PERM-2)
  'project.read': both,
  'cost.read': both,
  'key.list': both,
  'key.create': both,
  'key.revoke': both,
  'collaborator.list': both,
  'project.update': adminOnly,
  'collaborator.add': adminOnly,
  'collaborator.remove': adminOnly,
  'collaborator.update-role': adminOnly,
  // clusters and volumes, control plane (PERM-3)
  'cluster.read': both,
  'volume.read': both,
  'cluster.create': adminOnly,
  'cluster.delete': adminOnly,
  'cluster.scale': adminOnly,
  'cluster.configure': adminOnly,
  'volume.create': adminOnly,
  'volume.resize': adminOnly,
  'volume.delete': adminOnly,
  // clusters and volumes, data plane (PERM-3)
  'cluster.ssh': both,
  'cluster.kubectl': both,
  'cluster.dashboard': both,
  'cluster.submit-job': both,
  'volume.read-data': both,
  'volume.write-data': both,
  // fine-tuning, endpoints, inference, evaluations, files (PERM-4)
  'fine-tune.create': both,
  'fine-tune.read': both,
  'fine-tune.cancel': both,
  'fine-tune.delete': both,
  'endpoint.create': both,
  'endpoint.read': both,
  'endpoint.update': both,
  'endpoint.delete': both,
  'inference.invoke': both,
  'evaluation.create': both,
  'evaluation.read': both,
  'evaluation.cancel': both,
  'evaluation.delete': both,
  'file.upload': both,
  'file.read': both,
  'file.delete': both,
} as const satisfies Record<string, readonly Role[]>;

/** What goes on in an archived project, for those whose role carries it: reading, taking away, and opening it again. */
const goingOn: ReadonlySet<string> = new Set<keyof typeof projectPermissions>([
  'project.read',
  'project.update',
  'cost.read',
  'key.list',
  'key.revoke',
  'collaborator.list',
  'collaborator.remove',
  'cluster.read',
  'cluster.delete',
  'volume.read',
  'volume.read-data',
  'volume.delete',
  'fine-tune.read',
  'fine-tune.cancel',
  'fine-tune.delete',
  'endpoint.read',
  'endpoint.delete',
  'evaluation.read',
  'evaluation.cancel',
  'evaluation.delete',
  'file.read',
  'file.delete',
]);

type OrganizationPermission = keyof typeof organizationPermissions;
type ProjectPermission = keyof typeof projectPermissions;
export type Permission = OrganizationPermission | ProjectPermission;

const roles: Readonly<Record<Permission, readonly Role[]>> = { ...organizationPermissions, ...projectPermissions };
const allPermissions = Object.keys(roles) as readonly Permission[];

/** The permissions that are asked on an organization, or on a project, in the order of the tables. */
export function permissionsOn(kind: 'organization' | 'project'): readonly Permission[] {
  return allPermissions.filter((permission) => permissionScope(permission) === kind);
}

/** Whether `text` names a permission; permissions are case-sensitive. */
export function isPermission(text: string): text is Permission {
  return Object.hasOwn(roles, text);
}

/** On what a permission is asked. */
export function permissionScope(permission: Permission): 'organization' | 'project' {
  return Object.hasOwn(organizationPermissions, permission) ? 'organization' : 'project';
}

/** Whether a permission of a project is worth something while the project is archived. */
export function goesOnArchived(permission: Permission): boolean {
  return goingOn.has(permission);
}

/** The roles that carry a permission. */
export function rolesFor(permission: Permission): readonly Role[] {
  return roles[permission];
}

/** The higher of two roles; `undefined` is no role at all. */
export function higherRole(a: Role | undefined, b: Role | undefined): Role | undefined {
  return a === 'admin' || b === 'admin' ? 'admin' : (a ?? b);
}
