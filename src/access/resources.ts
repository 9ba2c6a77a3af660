/** Resources, registered in projects by the platform's services and people (RES-1); access to them is their project's. */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { groupBy } from '../lib/groupBy.ts';
import { newId } from '../lib/ids.ts';
import {
  type Filter,
  type Page,
  type PageOptions,
  PLATFORM,
  type ReadStore,
  type Resource,
  type Transaction,
} from '../store/index.ts';
import type { AccessibleProject } from './accessibleProjects.ts';
import { lockOpenProject } from './projects.ts';
import { type ResourceType, readableTypes, resourceTypes } from './resourceTypes.ts';

export interface NewResource {
  readonly type: ResourceType;
  readonly name: string;
  /** The service's own id of it: one of each type in a project, so that registering can be repeated. */
  readonly externalId?: string | undefined;
  /** Of a volume: the cluster of the project that it is attached to. */
  readonly clusterId?: string | undefined;
}

/**
 * Registers a resource in a project. Said again with the same externalId, name and cluster it answers what is registered.
 * Throws `not_found` (no such project here), `project_archived`, `resource_exists` (the externalId is that of a resource of which something
 * else is said), `invalid_request` (a cluster of what is no volume), `cluster_not_found`.
 */
export async function registerResource(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  input: NewResource,
): Promise<Resource> {
  const { type, name, externalId, clusterId } = input;
  await lockOpenProject(tx, organizationId, projectId);
  const known =
    externalId === undefined ? undefined : await tx.resources.findOne(organizationId, { projectId, type, externalId });
  if (known) {
    if (known.name === name && known.clusterId === clusterId) return known;
    throw new AppError(
      'resource_exists',
      `The project has a ${type} with the externalId ${JSON.stringify(externalId)} already, with another name or cluster`,
      { details: { resourceId: known._id } },
    );
  }
  if (clusterId !== undefined) await lockCluster(tx, organizationId, projectId, type, clusterId);
  const { actor, onBehalfOf } = tx.cause;
  const resource = await tx.resources.insert(organizationId, {
    _id: newId('resource'),
    organizationId,
    projectId,
    type,
    name,
    ...(externalId !== undefined && { externalId }),
    ...(clusterId !== undefined && { clusterId }),
    createdBy: actor,
    ...(onBehalfOf !== undefined && { onBehalfOf }),
  });
  await recordAudit(tx, organizationId, {
    type: 'resource.registered',
    targetKind: 'resource',
    targetId: resource._id,
    after: described(resource),
  });
  return resource;
}

/** The cluster must not go while a volume is attached to it. */
async function lockCluster(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  type: ResourceType,
  clusterId: string,
): Promise<void> {
  if (type !== 'volume') throw new AppError('invalid_request', 'clusterId: only a volume names its cluster');
  const cluster = await tx.resources.lock(organizationId, clusterId);
  if (cluster?.projectId === projectId && cluster.type === 'cluster') return;
  throw new AppError('cluster_not_found', `clusterId: the project has no cluster ${clusterId}`);
}

/** The resource of a project; throws `not_found`. */
export async function getResource(
  reads: ReadStore,
  organizationId: string,
  projectId: string,
  resourceId: string,
): Promise<Resource> {
  const resource = await reads.resources.get(organizationId, resourceId);
  if (resource?.projectId !== projectId) throw new AppError('not_found', `The project has no resource ${resourceId}`);
  return resource;
}

/** A page of a project's resources, of these types, in the order of registration. */
export function listResources(
  reads: ReadStore,
  organizationId: string,
  projectId: string,
  { types, ...page }: PageOptions & { readonly types: readonly ResourceType[] },
): Promise<Page<Resource>> {
  return reads.resources.page(organizationId, { projectId, ...ofTypes(types) }, page);
}

/** What may be changed of a registration; a `clusterId` of null takes a volume off its cluster. */
export interface ResourceChange {
  readonly name?: string | undefined;
  readonly clusterId?: string | null | undefined;
}

/** Renames a resource, attaches a volume or takes it off. Throws as `registerResource` and `getResource` do. */
export async function updateResource(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  resourceId: string,
  change: ResourceChange,
): Promise<Resource> {
  await lockOpenProject(tx, organizationId, projectId);
  const resource = await getResource(tx, organizationId, projectId, resourceId);
  const { name = resource.name } = change;
  const clusterId = change.clusterId === undefined ? resource.clusterId : (change.clusterId ?? undefined);
  if (name === resource.name && clusterId === resource.clusterId) return resource;
  if (clusterId !== undefined && clusterId !== resource.clusterId) {
    await lockCluster(tx, organizationId, projectId, resource.type, clusterId);
  }
  return changeResource(tx, resource, { name, clusterId });
}

async function changeResource(
  tx: Transaction,
  resource: Resource,
  { name, clusterId }: Pick<Resource, 'name'> & { readonly clusterId: string | undefined },
): Promise<Resource> {
  const { organizationId, _id } = resource;
  const changed = await tx.resources.updateOne(
    organizationId,
    { _id },
    clusterId === undefined ? { $set: { name }, $unset: { clusterId: true } } : { $set: { name, clusterId } },
  );
  await recordAudit(tx, organizationId, {
    type: 'resource.updated',
    targetKind: 'resource',
    targetId: _id,
    before: described(resource),
    after: described(changed ?? resource),
  });
  return changed ?? resource;
}

/**
 * Takes a resource out of the register. A cluster that volumes name is refused unless `volumes` says that they are to be
 * taken off it. Throws `not_found`, `cluster_in_use`.
 */
export async function removeResource(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  resourceId: string,
  { volumes }: { readonly volumes?: 'detach' | undefined } = {},
): Promise<void> {
  const resource = await getResource(tx, organizationId, projectId, resourceId);
  const attached =
    resource.type === 'cluster' ? await tx.resources.find(organizationId, { clusterId: resourceId }) : [];
  if (attached.length > 0 && volumes !== 'detach') {
    throw new AppError(
      'cluster_in_use',
      `${attached.length === 1 ? 'A volume names' : `${attached.length} volumes name`} this cluster: take them off it first, or ask with volumes=detach`,
      { details: { volumeIds: attached.slice(0, shownVolumes).map(({ _id }) => _id) } },
    );
  }
  for (const volume of attached) await changeResource(tx, volume, { name: volume.name, clusterId: undefined });
  await tx.resources.remove(organizationId, { _id: resourceId });
  await recordAudit(tx, organizationId, {
    type: 'resource.removed',
    targetKind: 'resource',
    targetId: resourceId,
    before: described(resource),
  });
}

/** So many of the volumes that are in the way are named. */
const shownVolumes = 20;

/** A resource with where it is, as a person sees it among all of theirs. */
export interface OwnResource extends AccessibleProject {
  readonly resource: Resource;
}

/**
 * A page of the resources in these projects of an account, all or of one type, by project (RES-2): those of types that the
 * role in their project may read. One read, on an index that holds them in this order.
 */
export async function findResourcesIn(
  reads: ReadStore,
  projects: readonly AccessibleProject[],
  {
    type,
    limit,
    cursor,
  }: { readonly type?: ResourceType | undefined; readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<OwnResource>> {
  const wanted = type === undefined ? resourceTypes : [type];
  const byTypes = groupBy(projects, ({ standing }) =>
    readableTypes(standing.role)
      .filter((readable) => wanted.includes(readable))
      .join(' '),
  );
  byTypes.delete('');
  const filters = [...byTypes].map(
    ([types, those]): Filter<Resource> => ({
      projectId: { $in: those.map(({ project }) => project._id) },
      ...ofTypes(types.split(' ') as ResourceType[]),
    }),
  );
  const [first] = filters;
  if (!first) return { items: [] };
  const sort = { projectId: 1, _id: 1 } as const;
  const page = await reads.resources.page(PLATFORM, filters.length === 1 ? first : { $or: filters }, {
    sort,
    limit,
    cursor,
  });
  const byId = new Map(projects.map((one) => [one.project._id, one]));
  return {
    ...page,
    items: page.items.flatMap((resource) => {
      const at = byId.get(resource.projectId);
      return at ? [{ ...at, resource }] : [];
    }),
  };
}

/** The filter of these types; none where it is all of them. */
function ofTypes(types: readonly ResourceType[]): Pick<Filter<Resource>, 'type'> {
  const [only] = types;
  if (types.length === 1 && only) return { type: only };
  return types.length === resourceTypes.length ? {} : { type: { $in: types } };
}

/** What the audit says of a resource. */
const described = ({ projectId, type, name, externalId, clusterId }: Resource) => ({
  projectId,
  type,
  name,
  ...(externalId !== undefined && { externalId }),
  ...(clusterId !== undefined && { clusterId }),
});
