/** What the scenarios need in Gatehouse: an organization, a directory, people, groups of several sizes, a mapping. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, Client } from './client.ts';
import { operatorToken } from './servers.ts';

export interface World {
  readonly organizationId: string;
  readonly directoryId: string;
  readonly projectId: string;
  readonly scim: (method: string, path: string, body?: unknown) => Call;
  readonly operator: (method: string, path: string, body?: unknown) => Call;
  /** SCIM ids and account ids of the people in the directory. */
  readonly people: readonly { readonly id: string; readonly accountId: string; readonly userName: string }[];
  /** Groups by number of members. */
  readonly groups: Map<number, string>;
  readonly mappedGroupId: string;
}

export function person(name: string): Record<string, unknown> {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `${name}@acme.example`,
    externalId: `ext-${name}`,
    name: { givenName: 'Pat', familyName: `Person ${name}` },
    displayName: `Pat Person ${name}`,
    emails: [{ value: `${name}@acme.example`, type: 'work', primary: true }],
    title: 'Engineer',
    active: true,
  };
}

export async function buildWorld(client: Client, population: number, sizes: readonly number[]): Promise<World> {
  const operator = (method: string, path: string, body?: unknown): Call => ({
    method,
    path: `/api/v1${path}`,
    headers: { Authorization: `Bearer ${operatorToken}` },
    body,
  });
  const ask = async <T = unknown>(call: Call): Promise<T> => {
    const answer = await client.send(call);
    if (answer.status >= 300) throw new Error(`${call.method} ${call.path} answered ${answer.status} ${answer.body}`);
    return (answer.body === '' ? undefined : JSON.parse(answer.body)) as T;
  };
  const organization: { id: string } = await ask(
    operator('POST', '/organizations', { name: 'Bench', owner: { email: 'owner@bench.example' } }),
  );
  const home = `/organizations/${organization.id}`;
  await ask(operator('POST', `${home}/domains`, { domain: 'acme.example' }));
  await ask(operator('POST', `${home}/domains/acme.example/verify`, { force: true }));
  const opened: { directory: { id: string }; token: { secret: string } } = await ask(
    operator('POST', `${home}/directories`, { name: 'Bench' }),
  );
  const scim = (method: string, path: string, body?: unknown): Call => ({
    method,
    path: `/scim/v2/${opened.directory.id}${path}`,
    headers: { Authorization: `Bearer ${opened.token.secret}` },
    body,
  });

  const people = await inParallel(population, 16, async (index) => {
    const made: { id: string; userName: string } = await ask(scim('POST', '/Users', person(`p${index}`)));
    return made;
  });
  const accounts = new Map<string, string>();
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page: { items: { accountId: string; directoryUserId?: string }[]; nextCursor?: string } = await ask(
      operator('GET', `${home}/members?limit=200${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`),
    );
    for (const member of page.items) if (member.directoryUserId) accounts.set(member.directoryUserId, member.accountId);
    cursor = page.nextCursor;
  }

  const groups = new Map<number, string>();
  for (const size of sizes) {
    const members = people.slice(0, size).map(({ id }) => ({ value: id }));
    const group: { id: string } = await ask(
      scim('POST', '/Groups', {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
        displayName: `Group of ${size}`,
        members,
      }),
    );
    groups.set(size, group.id);
  }
  const mapped: { id: string } = await ask(
    scim('POST', '/Groups', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Mapped' }),
  );
  const project: { id: string } = await ask(operator('POST', `${home}/projects`, { name: 'Mapped' }));
  await ask(operator('POST', `${home}/mappings`, { groupId: mapped.id, projectId: project.id, role: 'member' }));

  return {
    organizationId: organization.id,
    directoryId: opened.directory.id,
    projectId: project.id,
    scim,
    operator,
    people: people.map(({ id, userName }) => ({ id, userName, accountId: accounts.get(id) ?? '' })),
    groups,
    mappedGroupId: mapped.id,
  };
}

/** Waits until the jobs are done that what came before has asked for: they would be measured with what comes next. */
export async function jobsDone(client: Client): Promise<void> {
  for (const until = performance.now() + 600_000; ; await sleep(200)) {
    const { body } = await client.send({ method: 'GET', path: '/metrics' });
    if (/^gatehouse_outbox_jobs\{state="waiting"\} 0$/m.test(body)) return;
    if (performance.now() > until) throw new Error('the jobs are not done after ten minutes');
  }
}

/** `count` results of `make`, `width` at a time, in order. */
export async function inParallel<T>(count: number, width: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = new Array(count);
  let next = 0;
  const run = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await make(index);
    }
  };
  await Promise.all(Array.from({ length: width }, run));
  return results;
}
