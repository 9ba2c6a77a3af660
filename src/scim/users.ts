/** Users as a resource type (RFC 7643 §4.1). */
import { findUser, listUsers } from '../directory/index.ts';
import { createPerson, deletePerson, updatePerson } from '../provisioning/index.ts';
import type { DirectoryGroup, DirectoryUser, Filter, ReadStore } from '../store/index.ts';
import type { ResourceType } from './attributes.ts';
import { keepImmutable } from './constraints.ts';
import { type Resource, readResource } from './input.ts';
import type { ResourceKind } from './kind.ts';
import { applyPatch } from './patch/apply.ts';
import { resourceOf, userRecord } from './records.ts';
import { type BaseUrl, groupOfUser, represent } from './representation.ts';
import { wants } from './selection.ts';

/** @param type the User as the directory at hand knows it */
export const usersOf = (type: ResourceType): ResourceKind<DirectoryUser> => ({
  type,
  queued: false,
  answersPatch: true,
  versionCoversAnswer: (selection) => !wants(selection, 'groups'),
  find: findUser,

  list: (reads, directory, query) =>
    listUsers(reads, directory, { ...query, filter: query.filter as Filter<DirectoryUser> | undefined }),

  stream: (reads, { organizationId, _id }, filter) =>
    reads.directoryUsers.stream(organizationId, {
      $and: [{ directoryId: _id }, ...(filter ? [filter as Filter<DirectoryUser>] : [])],
    }),

  async render(reads, base, rows, selection, fresh = false) {
    const groups = !fresh && wants(selection, 'groups') ? await directGroups(reads, base, rows) : undefined;
    return rows.map((row) => {
      const own = groups?.get(row._id);
      return { ...represent(type, base, row), ...(own && { groups: own }) };
    });
  },

  async create(tx, directory, body) {
    const { resource, notes: ownNotes } = readResource(type, body);
    const { user, notes, touched } = await createPerson(tx, directory, userRecord(resource, true));
    return { row: user, changed: true, notes: [...notes, ...ownNotes], touched };
  },

  async replace(tx, directory, row, body) {
    const { resource, notes } = readResource(type, body, row._id);
    keepImmutable(type, () => resourceOf(row), resource);
    const statesActive = resource.active === true;
    const result = await updatePerson(tx, directory, row, userRecord(resource, row.active), { statesActive });
    return { ...result, row: result.user, notes: [...result.notes, ...notes] };
  },

  async patch(tx, directory, row, operations) {
    const { resource, named, notes } = applyPatch(type, row._id, resourceOf(row), operations);
    const statesActive = named.has('active') && resource.active === true;
    const result = await updatePerson(tx, directory, row, userRecord(resource, row.active), { statesActive });
    return { ...result, row: result.user, notes: [...result.notes, ...notes] };
  },

  remove: deletePerson,
});

/** The groups that each of these users is a direct member of, in two reads for all of them. */
async function directGroups(
  reads: ReadStore,
  base: BaseUrl,
  rows: readonly DirectoryUser[],
): Promise<ReadonlyMap<string, readonly Resource[]>> {
  const found = new Map<string, Resource[]>();
  const [first] = rows;
  if (first === undefined) return found;
  const { organizationId } = first;
  const edges = await reads.edges.find(organizationId, { memberId: { $in: rows.map(({ _id }) => _id) } });
  if (edges.length === 0) return found;
  const ids = [...new Set(edges.map(({ groupId }) => groupId))];
  const groups = new Map<string, DirectoryGroup>();
  for (const group of await reads.directoryGroups.find(organizationId, { _id: { $in: ids } }))
    groups.set(group._id, group);
  for (const { memberId, groupId } of edges) {
    const group = groups.get(groupId);
    if (group === undefined) continue;
    const own = found.get(memberId) ?? [];
    own.push(groupOfUser(base, group));
    found.set(memberId, own);
  }
  return found;
}
