/** What may be registered in a project (RES-1), and which permission each act on it asks for (PERM-3, PERM-4), as data. */
import { type Permission, type Role, rolesFor } from './permissions.ts';

export const resourceTypes = [
  'cluster',
  'volume',
  'fine-tuned-model',
  'dedicated-endpoint',
  'evaluation',
  'file',
] as const;
export type ResourceType = (typeof resourceTypes)[number];

/** What is done with a registration. */
export type ResourceAct = 'create' | 'read' | 'update' | 'remove';

/**
 * Where the tables name no permission of changing a thing, whoever may make one may change how it is registered. A volume
 * is attached and renamed by whoever may resize it.
 */
const permissions: Readonly<Record<ResourceType, Readonly<Record<ResourceAct, Permission>>>> = {
  cluster: {
    create: 'cluster.create',
    read: 'cluster.read',
    update: 'cluster.configure',
    remove: 'cluster.delete',
  },
  volume: {
    create: 'volume.create',
    read: 'volume.read',
    update: 'volume.resize',
    remove: 'volume.delete',
  },
  'fine-tuned-model': {
    create: 'fine-tune.create',
    read: 'fine-tune.read',
    update: 'fine-tune.create',
    remove: 'fine-tune.delete',
  },
  'dedicated-endpoint': {
    create: 'endpoint.create',
    read: 'endpoint.read',
    update: 'endpoint.update',
    remove: 'endpoint.delete',
  },
  evaluation: {
    create: 'evaluation.create',
    read: 'evaluation.read',
    update: 'evaluation.create',
    remove: 'evaluation.delete',
  },
  file: {
    create: 'file.upload',
    read: 'file.read',
    update: 'file.upload',
    remove: 'file.delete',
  },
};

/** The permission, on its project, of an act on a resource of this type. */
export function resourcePermission(type: ResourceType, act: ResourceAct): Permission {
  return permissions[type][act];
}

/**
 * What is asked on a resource itself. All else is asked on its project: above all what makes one, but for types whose
 * registration is changed by whoever may make them.
 */
const asked: Readonly<Record<ResourceType, readonly Permission[]>> = {
  cluster: [
    'cluster.read',
    'cluster.delete',
    'cluster.scale',
    'cluster.configure',
    'cluster.ssh',
    'cluster.kubectl',
    'cluster.dashboard',
    'cluster.submit-job',
  ],
  volume: ['volume.read', 'volume.resize', 'volume.delete', 'volume.read-data', 'volume.write-data'],
  'fine-tuned-model': [
    'fine-tune.create',
    'fine-tune.read',
    'fine-tune.cancel',
    'fine-tune.delete',
    'inference.invoke',
  ],
  'dedicated-endpoint': ['endpoint.read', 'endpoint.update', 'endpoint.delete', 'inference.invoke'],
  evaluation: ['evaluation.create', 'evaluation.read', 'evaluation.cancel', 'evaluation.delete'],
  file: ['file.upload', 'file.read', 'file.delete'],
};

/** Whether a permission is one that is asked on resources of this type. */
export function isAskedOn(type: ResourceType, permission: Permission): boolean {
  return asked[type].includes(permission);
}

/** Whether this is a type of resources. */
export function isResourceType(text: string): text is ResourceType {
  return Object.hasOwn(asked, text);
}

/** The types that a project role may read; all of them where no role is asked about (the operator). */
export function readableTypes(role: Role | undefined): readonly ResourceType[] {
  if (role === undefined) return resourceTypes;
  return resourceTypes.filter((type) => rolesFor(resourcePermission(type, 'read')).includes(role));
}
