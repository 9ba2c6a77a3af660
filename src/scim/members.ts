/** Members of groups, read for an answer or for a search: beyond a page of them, no more than their ids is held at once (SCIM-4). */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { findGroupIn, findMemberPage } from '../directory/index.ts';
import { AppError } from '../errors.ts';
import type { DirectoryGroup, Edge, Page, ReadStore } from '../store/index.ts';
import type { ResourceType } from './attributes.ts';
import type { Condition, Leaf } from './filter/condition.ts';
import { matches } from './filter/match.ts';
import { asksForDisplay, onElement } from './filter/memberships.ts';
import type { Resource } from './input.ts';
import type { Asked, Candidate, Judge, Steady } from './kind.ts';
import { LongList } from './long.ts';
import { membersAt } from './memberships.ts';
import { kindOfMember } from './patch/members.ts';
import { type BaseUrl, represent } from './representation.ts';
import { type Selection, wantsSub } from './selection.ts';

/** How many members are held at once, but for their ids. A group with more is sent piece by piece. */
const PAGE = 500;

/** How many memberships of a batch of groups are read at once; beyond, each group is read by itself. */
const FEW = 5000;

/** Pages of edges; other requests get their turn between them. */
async function* pagesOf(reads: ReadStore, row: DirectoryGroup): AsyncGenerator<Page<Edge>> {
  let cursor: string | undefined;
  do {
    const page: Page<Edge> = await findMemberPage(reads, row.organizationId, row._id, { limit: PAGE, cursor });
    yield page;
    cursor = page.nextCursor;
    await nextTurn();
  } while (cursor !== undefined);
}

/** A group, and the ids of its members at the same moment. */
export interface Gathered {
  readonly group: DirectoryGroup;
  readonly memberIds: readonly string[];
}

async function idsOf(reads: ReadStore, group: DirectoryGroup): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { items } of pagesOf(reads, group)) for (const { memberId } of items) ids.push(memberId);
  return ids;
}

/** How often a group is read anew that was changed meanwhile, before it is read where nothing changes. */
const ATTEMPTS = 3;

/**
 * The group with its members, all of one moment: each change of them gives the group another version. Throws not_found.
 *
 * @param steady where `reads` are no transaction's
 */
export async function gatherMembers(reads: ReadStore, row: DirectoryGroup, steady?: Steady): Promise<Gathered> {
  const { organizationId, _id } = row;
  const current = async (from: ReadStore): Promise<DirectoryGroup> => {
    const found = await findGroupIn(from, organizationId, _id);
    if (!found) throw new AppError('not_found', `There is no Group with the id ${_id}`);
    return found;
  };
  if (!steady) return { group: row, memberIds: await idsOf(reads, row) };
  let group = row;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const memberIds = await idsOf(reads, group);
    const now = await current(reads);
    if (now.version === group.version) return { group, memberIds };
    group = now;
  }
  return steady(async (still) => {
    const settled = await current(still);
    return { group: settled, memberIds: await idsOf(still, settled) };
  });
}

/**
 * The members as they are answered: undefined where there are none, a LongList where they are more than a page.
 *
 * @param later what the rest of a long list is read from while it is sent
 */
export async function membersOf(
  reads: ReadStore,
  later: ReadStore,
  base: BaseUrl,
  { group: { organizationId }, memberIds }: Gathered,
  selection: Selection,
): Promise<readonly Resource[] | LongList | undefined> {
  const display = wantsSub(selection, 'members', 'display');
  const shown = async (from: ReadStore, ids: readonly string[]): Promise<readonly Resource[]> => {
    const edges = ids.map((memberId) => ({ memberId, memberKind: kindOfMember(memberId) }));
    const members = await membersAt(from, base, organizationId, edges, display);
    return members.map((member) => chosenParts(member, selection));
  };
  const first = await shown(reads, memberIds.slice(0, PAGE));
  if (memberIds.length <= PAGE) return first.length === 0 ? undefined : first;
  return new LongList(first, async function* () {
    for (let start = PAGE; start < memberIds.length; start += PAGE) {
      yield* await shown(later, memberIds.slice(start, start + PAGE));
      await nextTurn();
    }
  });
}

const chosenParts = (member: Resource, selection: Selection): Resource =>
  Object.fromEntries(Object.entries(member).filter(([name]) => wantsSub(selection, 'members', name)));

interface Question {
  readonly leaf: Leaf;
  readonly one: Condition;
}

/** Judges groups by their members, where a search asks of them: many small groups at a time, large ones page by page. */
export function memberJudge(
  type: ResourceType,
  reads: ReadStore,
  base: BaseUrl,
  organizationId: string,
  { leaves, sort }: Asked,
): Judge<DirectoryGroup> {
  const questions: readonly Question[] = leaves
    .filter(({ path }) => path.attribute?.home?.in === 'edges')
    .map((leaf) => ({ leaf, one: onElement(leaf) }));
  const sorted = sort?.attribute?.home?.in === 'edges';
  const display = questions.some(({ one }) => asksForDisplay(one)) || (sorted && sort.subName === 'display');
  const elementsAt = (edges: readonly Edge[]) => membersAt(reads, base, organizationId, edges, display);

  /** The first member stands for all where the order asks for it (RFC 7644 §3.4.2.3). */
  const candidate = (row: DirectoryGroup, first: Resource | undefined, known: Candidate['known']): Candidate => ({
    id: row._id,
    resource: { ...represent(type, base, row), ...(sorted && first && { members: [first] }) },
    ...(known && { known }),
  });

  async function judgeLarge(row: DirectoryGroup): Promise<Candidate> {
    const known = new Map<Condition, boolean>();
    let first: Resource | undefined;
    for await (const { items } of pagesOf(reads, row)) {
      const elements = await elementsAt(items);
      first ??= elements[0];
      const open = questions.filter(({ leaf }) => !known.get(leaf));
      for (const { leaf, one } of open) known.set(leaf, holds(leaf, one, elements, first !== undefined));
      if (questions.every(({ leaf }) => known.get(leaf))) break;
    }
    return candidate(row, first, known);
  }

  async function judge(rows: readonly DirectoryGroup[]): Promise<readonly Candidate[]> {
    if (questions.length === 0 && !sorted) return rows.map((row) => candidate(row, undefined, undefined));
    const ids = rows.map(({ _id }) => _id);
    const edges = await reads.edges.find(organizationId, { groupId: { $in: ids } }, { limit: FEW + 1 });
    if (edges.length > FEW) {
      const judged: Candidate[] = [];
      for (const row of rows) judged.push(await judgeLarge(row));
      return judged;
    }
    const ordered = edges.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const elements = await elementsAt(ordered);
    const byGroup = new Map<string, Resource[]>(ids.map((id) => [id, []]));
    for (const [i, { groupId }] of ordered.entries()) byGroup.get(groupId)?.push(elements[i] ?? {});
    return rows.map((row) => {
      const own = byGroup.get(row._id) ?? [];
      const known = new Map<Condition, boolean>();
      for (const { leaf, one } of questions) known.set(leaf, holds(leaf, one, own, own.length > 0));
      return candidate(row, own[0], known);
    });
  }
  return { judge };
}

/** Whether one of these elements fulfils the condition; a group without any is judged as one without the attribute. */
const holds = (leaf: Leaf, one: Condition, elements: readonly Resource[], hasAny: boolean): boolean =>
  hasAny ? elements.some((element) => matches(one, element)) : matches(leaf, {});
