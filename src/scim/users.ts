/** Users as a resource type (RFC 7643 §4.1). */
import { findUser, listUsers } from '../directory/index.ts';
import { createPerson, deletePerson, updatePerson } from '../provisioning/index.ts';
import type { DirectoryUser, Filter } from '../store/index.ts';
import type { AttributePath, ResourceType } from './attributes.ts';
import { BODY_LIMIT } from './body.ts';
import { keepImmutable } from './constraints.ts';
import { type Resource, readResource } from './input.ts';
import type { ResourceKind } from './kind.ts';
import { groupsReader } from './memberships.ts';
import { applyPatch } from './patch/apply.ts';
import { resourceOf, userRecord } from './records.ts';
import { covering, represent } from './representation.ts';
import { wants } from './selection.ts';

/** @param type the User as the directory at hand knows it */
export const usersOf = (type: ResourceType): ResourceKind<DirectoryUser> => ({
  type,
  queued: false,
  bodyLimit: BODY_LIMIT,
  answersPatch: true,
  versionCoversAnswer: (selection) => !wants(selection, 'groups'),
  find: findUser,

  list: (reads, directory, query) =>
    listUsers(reads, directory, { ...query, filter: query.filter as Filter<DirectoryUser> | undefined }),

  stream: (reads, { organizationId, _id }, filter) =>
    reads.directoryUsers.stream(organizationId, {
      $and: [{ directoryId: _id }, ...(filter ? [filter as Filter<DirectoryUser>] : [])],
    }),

  rows: (reads, { organizationId, _id }, { filter, sort, limit }) =>
    reads.directoryUsers.find(
      organizationId,
      { $and: [{ directoryId: _id }, filter as Filter<DirectoryUser>] },
      { ...(sort && { sort }), limit },
    ),

  judgeFor(reads, { organizationId }, base, { leaves, sort }) {
    // the version that is answered tells the groups, too
    const ofGroups = (path: AttributePath | undefined) =>
      path?.attribute?.home?.in === 'edges' || (path?.attribute?.name === 'meta' && path.subName === 'version');
    const groups =
      ofGroups(sort) || leaves.some(({ path }) => ofGroups(path))
        ? groupsReader(reads, base, organizationId)
        : undefined;
    return {
      async judge(rows) {
        const found = await groups?.of(rows.map(({ _id }) => _id));
        return rows.map((row) => ({
          id: row._id,
          resource: withGroups(represent(type, base, row), found?.get(row._id)),
        }));
      },
    };
  },

  mayBeLong: () => false,

  async render(reads, base, rows, selection, { fresh = false } = {}) {
    const [first] = rows;
    const asked = first !== undefined && !fresh && wants(selection, 'groups');
    const groups = asked ? groupsReader(reads, base, first.organizationId) : undefined;
    const found = await groups?.of(rows.map(({ _id }) => _id));
    return rows.map((row) => withGroups(represent(type, base, row), found?.get(row._id)));
  },

  async create(tx, directory, body) {
    const { resource, notes: ownNotes } = readResource(type, body);
    const { user, notes, touched } = await createPerson(tx, directory, userRecord(resource, true));
    return { row: user, changed: true, notes: [...notes, ...ownNotes], touched };
  },

  async replace(tx, directory, row, body) {
    const { resource, notes } = readResource(type, body, row._id);
    keepImmutable(type, () => resourceOf(row), resource);
    // left out it stays as it is, and null is as good as left out (RFC 7643 §2.5): only `true` brings somebody back (MEM-4)
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

/** The user with their groups, which the version tells too: they change without the row (RFC 7644 §3.14). */
const withGroups = (resource: Resource, groups: readonly Resource[] | undefined): Resource =>
  groups === undefined ? resource : covering({ ...resource, groups }, groups);
