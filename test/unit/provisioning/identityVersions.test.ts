/** What is remembered of lists of identities: who follows by changes alone always has the whole list (PRJ-7). */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IdentityVersions, type NamedIdentities, type ProjectIdentity } from '../../../src/provisioning/index.ts';

/** By the number of a person: the role on the list; who has none is not on it. */
type Roles = readonly ('admin' | 'member' | undefined)[];

const listOf = (roles: Roles): readonly ProjectIdentity[] =>
  roles.flatMap((role, at) =>
    role ? [{ accountId: `acc-${at}`, role, external: false, groups: [], sshKeys: [] }] : [],
  );

const anyRoles = fc.array(fc.constantFrom('admin' as const, 'member' as const, undefined), {
  minLength: 6,
  maxLength: 6,
});

/** What an agent has after it was told this. */
function apply(has: readonly ProjectIdentity[], list: readonly ProjectIdentity[], { changes }: NamedIdentities) {
  if (!changes) return list;
  const people = new Map(has.map((one) => [one.accountId, one]));
  for (const accountId of changes.removed) people.delete(accountId);
  for (const one of changes.changed) people.set(one.accountId, one);
  return [...people.values()].sort((a, b) => (a.accountId < b.accountId ? -1 : 1));
}

const admin = listOf(['admin', 'member']);
const renamed = listOf(['member', 'member']);
const joined = listOf(['member', 'member', 'member']);

describe('what is told of a list that was before', () => {
  test('leads whoever follows, from wherever, to the list as it is, and tells nothing else', () => {
    const step = fc.record({ project: fc.nat({ max: 2 }), agent: fc.nat({ max: 3 }), roles: anyRoles });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 40 }), (steps, most) => {
        const versions = new IdentityVersions(most);
        const known = new Map<string, { cursor: string; has: readonly ProjectIdentity[] }>();
        for (const { project, agent, roles } of steps) {
          const list = listOf(roles);
          const before = known.get(`${project} ${agent}`);
          const told = versions.name(`prj-${project}`, list, before?.cursor);
          if (before && told.changes) {
            const was = new Map(before.has.map((one) => [one.accountId, JSON.stringify(one)]));
            const differing = list.filter((one) => was.get(one.accountId) !== JSON.stringify(one));
            expect(told.changes.changed).toEqual(differing);
          }
          const has = apply(before?.has ?? [], list, told);
          expect(has).toEqual(list);
          known.set(`${project} ${agent}`, { cursor: told.cursor, has });
          expect(versions.held).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is each who came, changed and went since then, over several changes', () => {
    const versions = new IdentityVersions();
    const { cursor } = versions.name('prj-1', admin);
    versions.name('prj-1', renamed);
    expect(versions.name('prj-1', joined, cursor).changes).toEqual({
      changed: [renamed[0], joined[2]],
      removed: [],
    });
    expect(versions.name('prj-1', joined.slice(1), cursor).changes).toEqual({
      changed: [joined[2]],
      removed: ['acc-0'],
    });
  });

  test('is nothing of whom everything is as it was', () => {
    const versions = new IdentityVersions();
    const { cursor } = versions.name('prj-1', admin);
    versions.name('prj-1', joined);
    expect(versions.name('prj-1', admin, cursor)).toEqual({ cursor, changes: { changed: [], removed: [] } });
  });

  test('is told by whoever has seen both lists, and of the same list by anybody', () => {
    const { cursor } = new IdentityVersions().name('prj-1', admin);
    const elsewhere = new IdentityVersions();
    expect(elsewhere.name('prj-1', renamed, cursor).changes).toBeUndefined();
    expect(elsewhere.name('prj-1', admin, cursor)).toEqual({ cursor, changes: { changed: [], removed: [] } });
    expect(elsewhere.name('prj-1', renamed, cursor).changes).toEqual({ changed: [renamed[0]], removed: [] });
  });

  test('is nothing by the cursor of another project', () => {
    const versions = new IdentityVersions();
    const { cursor } = versions.name('prj-1', admin);
    expect(versions.name('prj-2', renamed, cursor).changes).toBeUndefined();
  });
});

describe('what is remembered', () => {
  const many = (count: number) => listOf(Array.from({ length: count }, () => 'member' as const));

  test('is bounded over all projects: the one that nobody has asked about for longest goes', () => {
    const versions = new IdentityVersions(25);
    const [first, second] = [versions.name('prj-1', many(10)), versions.name('prj-2', many(10))];
    versions.name('prj-1', many(10));
    versions.name('prj-3', many(3));
    expect(versions.name('prj-1', many(9), first.cursor).changes).toEqual({ changed: [], removed: ['acc-9'] });
    expect(versions.name('prj-2', many(9), second.cursor).changes).toBeUndefined();
  });

  test('is nothing of a list that is too long', () => {
    const versions = new IdentityVersions(5);
    const { cursor } = versions.name('prj-1', many(10));
    expect(versions.held).toBe(0);
    expect(versions.name('prj-1', many(9), cursor).changes).toBeUndefined();
  });

  test('is no chain of changes that is longer than the list', () => {
    const versions = new IdentityVersions();
    const { cursor } = versions.name('prj-1', many(200));
    for (let round = 0; round < 500; round += 1) versions.name('prj-1', many(200 - (round % 2)));
    expect(versions.held).toBeLessThanOrEqual(402);
    expect(versions.name('prj-1', many(1)).changes).toBeUndefined();
    expect(versions.name('prj-1', many(2), cursor).changes).toBeUndefined();
  });
});
