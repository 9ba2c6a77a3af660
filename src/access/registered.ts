/** Registered resources as what permissions are asked on (RES-1): each decides as its project, for its type's permissions. */
import { type Filter, PLATFORM, type ReadStore, type Resource } from '../store/index.ts';
import type { ResourceRef } from './decide.ts';
import { isPermission } from './permissions.ts';
import { isAskedOn, type ResourceType } from './resourceTypes.ts';
import { findResources, type Subject } from './search.ts';

/** What is asked about where a resource of this type is named by its id; undefined where there is none, or of another type. */
export async function findRegistered(
  reads: ReadStore,
  type: ResourceType,
  id: string,
): Promise<ResourceRef | undefined> {
  const row = await reads.resources.get(PLATFORM, id);
  return row?.type === type ? { kind: 'project', id: row.projectId, registered: type } : undefined;
}

/**
 * The resources of this type on which the subject may do this, by project and in the order of registration, from the first
 * beyond `after` on; each as its place in this order, of which `idAt` tells the id. However many there are, they are read in
 * batches along one index.
 */
export async function* findRegisteredThat(
  reads: ReadStore,
  subject: Subject,
  permission: string,
  type: ResourceType,
  after: string,
): AsyncGenerator<string> {
  if (!isPermission(permission) || !isAskedOn(type, permission)) return;
  const projectIds = await findResources(reads, subject, permission, 'project');
  const [project = '', id = ''] = after.split(' ');
  if (projectIds.includes(project)) yield* placesOf(reads, { type, projectId: project, _id: { $gt: id } });
  const later = projectIds.filter((one) => one > project);
  if (later.length > 0) yield* placesOf(reads, { type, projectId: { $in: later } });
}

/** The id of the resource at this place of a search. */
export const idAt = (place: string): string => place.slice(place.indexOf(' ') + 1);

const inOrder = { sort: { projectId: 1, _id: 1 }, limit: 500 } as const;

async function* placesOf(reads: ReadStore, filter: Filter<Resource>): AsyncGenerator<string> {
  let cursor: string | undefined;
  do {
    const page = await reads.resources.page(PLATFORM, filter, { ...inOrder, cursor });
    for (const { projectId, _id } of page.items) yield `${projectId} ${_id}`;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
