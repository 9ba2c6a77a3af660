/** Groups that are read while they are written: an answer is of one moment, whatever its length (SCIM-4, OPS-2). */
import { beforeAll, expect, jest, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { cause, openWorld, PATCH, type ScimWorld } from './setup.ts';

// beyond two of the pages in which members are read
const SIZE = 1_200;
jest.setTimeout(120_000);

let world: ScimWorld;
let people: readonly string[];
let flipping: string;
let steady: string;

beforeAll(async () => {
  world = await openWorld({ rehearse: false });
  const { organizationId, directory } = world;
  people = Array.from({ length: SIZE }, () => newId('directoryUser'));
  await world.gatehouse.store.transaction(cause, (tx) =>
    tx.directoryUsers.insertMany(
      organizationId,
      people.map((_id, i) => ({
        ...{ _id, organizationId, directoryId: directory._id, userName: `u${i}`, userNameKey: `u${i}` },
        ...{ active: true, attributes: {}, link: 'waiting' as const },
      })),
    ),
  );
  flipping = (await world.group({ displayName: 'Flipping' })).id;
  steady = (await world.group({ displayName: 'Steady', members: people.slice(0, 700).map((value) => ({ value })) })).id;
}, 120_000);

const all = () => people.map((value) => ({ value }));

/** One request after the other, each of which gives the group all of them or none. */
async function flip(times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const value = time % 2 === 0 ? all() : [];
    const { status } = await world.call('patch', `/Groups/${flipping}`, {
      schemas: [PATCH],
      Operations: [{ op: 'replace', path: 'members', value }],
    });
    expect(status).toBe(204);
  }
}

interface Shown {
  readonly id: string;
  readonly meta: { readonly version: string };
  readonly members?: readonly unknown[];
}

/** Reads again and again until the writes have ended; answers how many members were shown with which version. */
async function readWhile(writes: Promise<void>, read: () => Promise<Shown>): Promise<Map<string, Set<number>>> {
  const seen = new Map<string, Set<number>>();
  let over = false;
  const ended = writes.finally(() => {
    over = true;
  });
  while (!over) {
    const { meta, members = [] } = await read();
    seen.set(meta.version, (seen.get(meta.version) ?? new Set()).add(members.length));
  }
  await ended;
  return seen;
}

const oneOfAll = (seen: Map<string, Set<number>>) => {
  for (const counts of seen.values()) expect([[0], [SIZE]]).toContainEqual([...counts]);
  expect(seen.size).toBeGreaterThan(2);
};

test('a group that is read alone shows all members of one version, and that version', async () => {
  const seen = await readWhile(flip(30), async () => {
    const { status, body, headers } = await world.call('get', `/Groups/${flipping}`);
    expect([status, headers.etag]).toEqual([200, body.meta.version]);
    return body;
  });
  oneOfAll(seen);
});

test('a group that is read in a list does so too, and so does the answer to a write', async () => {
  const seen = await readWhile(flip(31), async () => {
    const { status, body } = await world.call('get', '/Groups?count=10');
    expect([status, body.Resources.length]).toEqual([200, 2]);
    expect(body.Resources.find(({ id }: Shown) => id === steady).members).toHaveLength(700);
    return body.Resources.find(({ id }: Shown) => id === flipping);
  });
  oneOfAll(seen);
  const writing = flip(20);
  const put = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Flipping', members: all() };
  for (let time = 0; time < 5; time += 1) {
    const { status, body } = await world.call('put', `/Groups/${flipping}`, put);
    expect([status, body.members?.length]).toEqual([200, SIZE]);
  }
  await writing;
});

test('a list leaves out a group that is deleted while it is sent, and the group alone is then 404', async () => {
  const { id } = await world.group({ displayName: 'Going', members: all() });
  const reading = Array.from({ length: 6 }, () => world.call('get', `/Groups/${id}`));
  const gone = world.call('delete', `/Groups/${id}`);
  for (const { status, body } of await Promise.all(reading)) {
    if (status === 404) continue;
    expect([status, body.members?.length]).toEqual([200, SIZE]);
  }
  expect((await gone).status).toBe(204);
  const { body } = await world.call('get', '/Groups?count=10');
  expect(body.Resources.map(({ id: one }: Shown) => one).sort()).toEqual([flipping, steady].sort());
});
