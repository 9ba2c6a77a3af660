/** Many requests at once: nothing is lost, nothing happens twice, nothing crosses from one tenant to another. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { addDirectory, addWorld, openWorld, PATCH, type ScimWorld, USER } from './setup.ts';

let world: ScimWorld;
beforeAll(async () => {
  world = await openWorld();
});

const times = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const memberIds = async (of: ScimWorld, id: string): Promise<readonly string[]> =>
  ((await of.call('get', `/Groups/${id}`)).body.members ?? []).map(({ value }: { value: string }) => value);

/** How often each status was answered. */
const tally = (answers: readonly { status: number }[]): Readonly<Record<number, number>> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

describe('requests that race', () => {
  test('a hundred creates of one userName, in two spellings: one 201, the others 409 uniqueness (SCIM-3)', async () => {
    const answers = await Promise.all(
      times(100, (i) =>
        world.call('post', '/Users', { schemas: [USER], userName: i % 2 ? 'race@acme.test' : 'RACE@acme.test' }),
      ),
    );
    expect(tally(answers)).toEqual({ 201: 1, 409: 99 });
    for (const { status, body } of answers) if (status === 409) expect(body.scimType).toBe('uniqueness');
    const found = await world.call('get', '/Users?filter=userName eq "race@acme.test"');
    expect(found.body.totalResults).toBe(1);
  });

  test('two hundred PATCHes that each add another member: all are there, each once (SCIM-4)', async () => {
    const users: string[] = [];
    for (const batch of times(10, () => times(20, () => world.user())))
      users.push(...(await Promise.all(batch)).map(({ id }) => id));
    const group = await world.group();
    const answers = await Promise.all(
      users.map((value) => world.patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value }] })),
    );
    expect(tally(answers)).toEqual({ 204: 200 });
    expect([...(await memberIds(world, group.id))].sort()).toEqual([...users].sort());
  });

  test('members added and removed at once: each has the state that was last asked for it alone', async () => {
    const users = await Promise.all(times(20, () => world.user()));
    const [staying, leaving] = [users.slice(0, 10), users.slice(10)];
    const group = await world.group({ members: leaving.map(({ id }) => ({ value: id })) });
    const path = `/Groups/${group.id}`;
    const answers = await Promise.all([
      ...staying.map(({ id }) => world.patch(path, { op: 'add', path: 'members', value: [{ value: id }] })),
      ...leaving.map(({ id }) => world.patch(path, { op: 'remove', path: `members[value eq "${id}"]` })),
      ...times(5, (i) => world.patch(path, { op: 'replace', path: 'displayName', value: `Name ${i}` })),
    ]);
    expect(tally(answers)).toEqual({ 204: 25 });
    expect([...(await memberIds(world, group.id))].sort()).toEqual(staying.map(({ id }) => id).sort());
  });

  test('PATCHes of different attributes of one person: none undoes another', async () => {
    const { id } = await world.user();
    const names = ['title', 'nickName', 'locale', 'timezone', 'userType', 'displayName', 'preferredLanguage'];
    const answers = await Promise.all(
      names.map((name) =>
        retried(() => world.patch(`/Users/${id}`, { op: 'replace', path: name, value: `of ${name}` })),
      ),
    );
    expect(tally(answers)).toEqual({ 200: names.length });
    const { body } = await world.call('get', `/Users/${id}`);
    expect(body).toMatchObject(Object.fromEntries(names.map((name) => [name, `of ${name}`])));
  });

  test('two people cannot take one userName at once by PATCH: one 200, the others 409', async () => {
    const users = await Promise.all(times(8, () => world.user()));
    const answers = await Promise.all(
      users.map(({ id }) =>
        world.patch(`/Users/${id}`, { op: 'replace', path: 'userName', value: 'wanted@acme.test' }),
      ),
    );
    expect(tally(answers)).toEqual({ 200: 1, 409: 7 });
  });

  test('a DELETE among PATCHes: 404 or 200, and the person stays deleted, in no group', async () => {
    const user = await world.user();
    const groups = await Promise.all(times(4, () => world.group()));
    const answers = await Promise.all([
      ...groups.map(({ id }) =>
        world.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value: user.id }] }),
      ),
      world.call('delete', `/Users/${user.id}`),
      ...times(4, (i) => world.patch(`/Users/${user.id}`, { op: 'replace', path: 'title', value: `t${i}` })),
    ]);
    for (const { status } of answers) expect([200, 204, 400, 404, 412]).toContain(status);
    expect((await world.call('get', `/Users/${user.id}`)).status).toBe(404);
    for (const { id } of groups) expect(await memberIds(world, id)).toEqual([]);
  });
});

/** What 503 and 412 ask for: the same request again. */
async function retried<T extends { status: number }>(send: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const answer = await send();
    if (attempt === 20 || (answer.status !== 503 && answer.status !== 412)) return answer;
  }
}

describe('two tenants, and two directories of one tenant, under load at once (PRJ-1)', () => {
  test('no resource is ever visible, changeable or found across, whatever id or name is asked for', async () => {
    const worlds = [world, await addWorld(world.gatehouse, 'Gamma'), await addDirectory(world)];
    const made = await Promise.all(
      worlds.map((own, w) =>
        Promise.all(
          times(12, (i) => own.user({ userName: `p${i}@load.test`, externalId: `x${i}`, title: `tenant ${w}` })),
        ),
      ),
    );
    const rounds = worlds.flatMap((own, w) =>
      times(12, async (i) => {
        const mine = made[w]?.[i]?.id;
        const foreign = made[(w + 1) % worlds.length]?.[i]?.id;
        const seen = await own.call('get', `/Users?filter=userName eq "p${i}@load.test"`);
        expect(seen.body.Resources).toMatchObject([{ id: mine, title: `tenant ${w}` }]);
        const byExternal = await own.call('get', `/Users?filter=externalId eq "x${i}" and title sw "tenant"`);
        expect(byExternal.body.Resources.map(({ id }: { id: string }) => id)).toEqual([mine]);
        for (const answer of [
          await own.call('get', `/Users/${foreign}`),
          await own.patch(`/Users/${foreign}`, { op: 'replace', path: 'title', value: `stolen by ${w}` }),
          await own.call('put', `/Users/${foreign}`, { schemas: [USER], userName: `stolen${i}@load.test` }),
          await own.call('delete', `/Users/${foreign}`),
        ]) {
          expect(answer.status).toBe(404);
        }
        const joined = await own.call('post', '/Groups', { displayName: `G${i}`, members: [{ value: foreign }] });
        expect([joined.status, joined.body.scimType]).toEqual([400, 'invalidValue']);
        const group = await own.group({ displayName: `Shared ${i}`, members: [{ value: mine }] });
        const patched = await own.patch(`/Users/${mine}`, { op: 'add', path: 'nickName', value: `nick ${w}/${i}` });
        expect(patched.body).toMatchObject({ id: mine, title: `tenant ${w}`, nickName: `nick ${w}/${i}` });
        expect(patched.body.groups).toMatchObject([{ value: group.id }]);
        expect(patched.body.meta.location.startsWith(own.base)).toBe(true);
      }),
    );
    await Promise.all(rounds);
    for (const [w, own] of worlds.entries()) {
      const { body } = await own.call('get', '/Users?count=200&filter=title sw "tenant"');
      expect(body.totalResults).toBe(12);
      for (const one of body.Resources)
        expect(one).toMatchObject({ title: `tenant ${w}`, nickName: expect.stringMatching(`^nick ${w}/`) });
      const groups = await own.call('get', '/Groups?count=200&filter=displayName sw "Shared"');
      expect(groups.body.totalResults).toBe(12);
    }
  });

  test('another directory’s token is refused at this one’s address, during the load too', async () => {
    const other = await addWorld(world.gatehouse, 'Delta');
    const own = await other.user();
    const answers = await Promise.all(
      times(20, (i) =>
        i % 2
          ? world.gatehouse.bearer(world.token, 'get', `/scim/v2/${other.directory._id}/Users/${own.id}`)
          : world.gatehouse
              .bearer(world.token, 'patch', `/scim/v2/${other.directory._id}/Users/${own.id}`)
              .type('application/scim+json')
              .send(JSON.stringify({ schemas: [PATCH], Operations: [{ op: 'remove', path: 'externalId' }] })),
      ),
    );
    expect(tally(answers)).toEqual({ 401: 20 });
    expect((await other.call('get', `/Users/${own.id}`)).body).toEqual(own);
  });
});
