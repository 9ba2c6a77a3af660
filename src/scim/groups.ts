/** Groups as a resource type (RFC 7643 §4.2). Members are edges: read only where they are answered, never to be changed. */
import { findGroup, findMembersAmong, listGroups, type MemberRef, streamMembers } from '../directory/index.ts';
import { changeMembers, createGroup, deleteGroup, updateGroup } from '../provisioning/index.ts';
import type { Directory, DirectoryGroup, Filter, Transaction } from '../store/index.ts';
import type { ResourceType } from './attributes.ts';
import { LONG_BODY_LIMIT } from './body.ts';
import { keepImmutable } from './constraints.ts';
import { matches } from './filter/match.ts';
import { type Reading, type Resource, readResource } from './input.ts';
import type { ResourceKind } from './kind.ts';
import { gatherMembers, memberJudge, membersOf } from './members.ts';
import type { ScimNote } from './notes.ts';
import { applyPatch } from './patch/apply.ts';
import {
  foldMembers,
  idsIn,
  kindOfMember,
  type MemberChange,
  type MemberStep,
  type NamedMembers,
  readMembers,
} from './patch/members.ts';
import { groupRecord, resourceOf } from './records.ts';
import { represent } from './representation.ts';
import { wants } from './selection.ts';

/** How many of the members that a request names are noted in the log as touched. */
const TOUCHED_LIMIT = 100;

/** @param type the Group as the directory at hand knows it */
export const groupsOf = (type: ResourceType): ResourceKind<DirectoryGroup> => ({
  type,
  queued: true,
  bodyLimit: LONG_BODY_LIMIT,
  answersPatch: false,
  versionCoversAnswer: () => true,
  find: findGroup,

  list: (reads, directory, query) =>
    listGroups(reads, directory, { ...query, filter: query.filter as Filter<DirectoryGroup> | undefined }),

  stream: (reads, { organizationId, _id }, filter) =>
    reads.directoryGroups.stream(organizationId, {
      $and: [{ directoryId: _id }, ...(filter ? [filter as Filter<DirectoryGroup>] : [])],
    }),

  rows: (reads, { organizationId, _id }, { filter, sort, limit }) =>
    reads.directoryGroups.find(
      organizationId,
      { $and: [{ directoryId: _id }, filter as Filter<DirectoryGroup>] },
      { ...(sort && { sort }), limit },
    ),

  judgeFor: (reads, { organizationId }, base, asked) => memberJudge(type, reads, base, organizationId, asked),

  mayBeLong: (selection) => wants(selection, 'members'),

  async render(reads, base, rows, selection, { later = reads, steady } = {}) {
    const rendered: Resource[] = [];
    for (const row of rows) {
      const { group, memberIds } = wants(selection, 'members')
        ? await gatherMembers(reads, row, steady)
        : { group: row, memberIds: [] };
      const members = await membersOf(reads, later, base, { group, memberIds }, selection);
      rendered.push({ ...represent(type, base, group), ...(members && { members }) });
    }
    return rendered;
  },

  async create(tx, directory, body) {
    const reading = readResource(type, body);
    const { resource, notes: ownNotes } = reading;
    const { ids, notes: idNotes } = membersIn(reading) ?? { ids: [], notes: [] };
    const { group, notes } = await createGroup(tx, directory, groupRecord(resource), ids.map(refOf));
    const all = [...notes, ...ownNotes, ...idNotes];
    return { row: group, changed: true, notes: all, touched: touched(group, { add: ids }) };
  },

  // a PUT that does not name members says nothing about them: it does not empty the group. null and [] do (RFC 7643 §2.5)
  async replace(tx, directory, row, body) {
    const reading = readResource(type, body, row._id);
    const { resource, notes } = reading;
    keepImmutable(type, () => resourceOf(row), resource);
    const named = membersIn(reading);
    const change = named ? { replace: named.ids } : {};
    return write(tx, directory, row, groupRecord(resource), change, [...notes, ...(named?.notes ?? [])]);
  },

  async patch(tx, directory, row, operations) {
    const { resource, members, notes } = applyPatch(type, row._id, resourceOf(row), operations);
    return write(tx, directory, row, groupRecord(resource), await fold(tx, row, members), notes);
  },

  async remove(tx, directory, row) {
    await deleteGroup(tx, directory, row);
    return { notes: [], touched: [row._id] };
  },
});

async function write(
  tx: Transaction,
  directory: Directory,
  row: DirectoryGroup,
  record: ReturnType<typeof groupRecord>,
  change: MemberChange,
  notes: Iterable<ScimNote>,
) {
  const updated = await updateGroup(tx, directory, row, record);
  const moved = await changeMembers(tx, directory, updated.group, {
    ...(change.replace && { replace: change.replace.map(refOf) }),
    ...(change.add && { add: change.add.map(refOf) }),
    ...(change.remove && { remove: change.remove }),
  });
  return {
    row: moved.group,
    changed: updated.changed || moved.changed,
    notes: [...updated.notes, ...moved.notes, ...notes, ...memberNotes(change, moved.moved)],
    touched: touched(row, change),
  };
}

/** Who was named and not moved: where a part of a push has no effect, the log says so (SCIM-5). */
function memberNotes(
  { add = [], remove = [], notes = [] }: MemberChange,
  moved: readonly MemberRef[],
): readonly ScimNote[] {
  const effective = new Set(moved.map(({ id }) => id));
  const idle = (id: string) => !effective.has(id);
  return [
    ...notes,
    ...(remove.some(idle) ? ['member_not_in_group' as const] : []),
    ...(add.some(idle) ? ['member_already_in_group' as const] : []),
  ];
}

const refOf = (id: string): MemberRef => ({ id, kind: kindOfMember(id) });

const touched = (group: DirectoryGroup, { replace = [], add = [], remove = [] }: MemberChange): readonly string[] => [
  group._id,
  ...[...replace, ...add, ...remove].slice(0, TOUCHED_LIMIT),
];

/** The members that a POST or PUT names; undefined where it says nothing about them, which is something else than none. */
function membersIn({ named, members }: Reading): NamedMembers | undefined {
  return named.has('members') ? readMembers(members ?? []) : undefined;
}

function fold(tx: Transaction, row: DirectoryGroup, steps: readonly MemberStep[]): Promise<MemberChange> {
  return foldMembers(steps, async (condition, added) => {
    const ids = idsIn(condition);
    if (ids) {
      const there = await findMembersAmong(tx, row.organizationId, row._id, ids);
      return [...added.filter((id) => ids.includes(id)), ...there.map(({ memberId }) => memberId)];
    }
    const element = ({ id, kind }: MemberRef) => ({ value: id, type: kind });
    const chosen = added.filter((id) => matches(condition, element(refOf(id))));
    for await (const { memberId, memberKind } of streamMembers(tx, row.organizationId, row._id)) {
      if (matches(condition, element({ id: memberId, kind: memberKind }))) chosen.push(memberId);
    }
    return chosen;
  });
}
