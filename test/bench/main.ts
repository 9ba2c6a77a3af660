/**
 * `npm run bench`: Gatehouse (embedded, durable) against bare floors, side by side in one run, as ratios.
 * `npm run bench -- --quick` takes shorter rounds; the figures are then rougher.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Client, openClient } from './client.ts';
import { type Load, quantile, rates } from './measure.ts';
import { operatorToken, startFloor, startGatehouse } from './servers.ts';
import { buildWorld, inParallel, person, type World } from './world.ts';

const quick = process.argv.includes('--quick');
const roundMs = quick ? 700 : 2000;
const rounds = quick ? 3 : 5;
const connections = 16;
const groupSizes = [10, 1000, 10_000];

interface Line {
  readonly what: string;
  readonly figure: string;
  readonly floor: string;
  readonly ratio: string;
}

const say = (text: string) => process.stdout.write(`${text}\n`);
const perSecond = (value: number) => `${Math.round(value)}/s`;
const times = (value: number) => value.toFixed(2);
const created = ({ status }: { status: number }) => status === 201;
const ok = ({ status }: { status: number }) => status === 200 || status === 204;

const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
const full = await startFloor(folder, 'FULL');
const normal = await startFloor(folder, 'NORMAL');
const gatehouse = await startGatehouse(folder);
const [fullClient, normalClient, client] = await Promise.all(
  [full, normal, gatehouse].map((server) => openClient(server.base, connections)),
);
if (!fullClient || !normalClient || !client) throw new Error('no clients');

try {
  say(
    `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${connections} connections`,
  );
  say('building the directory: 10,000 people, groups of 10, 1,000 and 10,000');
  const world = await buildWorld(client, groupSizes.at(-1) ?? 0, groupSizes);
  say('creating');
  const lines = await creates(world, client, fullClient, normalClient);
  say('reading');
  lines.push(...(await reads(world, client, fullClient)));
  say('patching');
  lines.push(...(await patches(world, client)));
  say('waiting for changed checks');
  lines.push(await delayToCheck(world, client));
  print(lines);
} finally {
  for (const each of [fullClient, normalClient, client]) each.close();
  await Promise.all([full.stop(), normal.stop(), gatehouse.stop()]);
  await rm(folder, { recursive: true, force: true });
}

async function creates(world: World, client: Client, fullFloor: Client, normalFloor: Client): Promise<Line[]> {
  const floor = (to: Client): Load => ({
    client: to,
    next: (index) => ({ method: 'POST', path: '/people', body: person(`f${index}`) }),
    expect: created,
  });
  const [figure = 0, atFull = 0, atNormal = 0] = await rates(
    [
      { client, next: (index) => world.scim('POST', '/Users', person(`new${index}`)), expect: created },
      floor(fullFloor),
      floor(normalFloor),
    ],
    connections,
    roundMs,
    rounds,
  );
  return [
    {
      what: 'SCIM create',
      figure: perSecond(figure),
      floor: `${perSecond(atFull)} insert, FULL`,
      ratio: times(figure / atFull),
    },
    {
      what: 'SCIM create',
      figure: perSecond(figure),
      floor: `${perSecond(atNormal)} insert, NORMAL`,
      ratio: times(figure / atNormal),
    },
  ];
}

async function reads(world: World, client: Client, floorClient: Client): Promise<Line[]> {
  const stored = await floorClient.send({ method: 'POST', path: '/people', body: person('stored') });
  const { id } = JSON.parse(stored.body) as { id: string };
  const pick = (index: number) => world.people[index % world.people.length] as World['people'][number];
  const evaluation = (index: number) => ({
    method: 'POST',
    path: '/access/v1/evaluation',
    headers: { Authorization: `Bearer ${operatorToken}` },
    body: {
      subject: { type: 'user', id: pick(index).accountId },
      action: { name: 'organization.read' },
      resource: { type: 'organization', id: world.organizationId },
    },
  });
  const [read = 0, filter = 0, check = 0, floorRead = 0, floorCheck = 0] = await rates(
    [
      { client, next: (index) => world.scim('GET', `/Users/${pick(index).id}`), expect: ok },
      {
        client,
        next: (index) =>
          world.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${pick(index).userName}"`)}`),
        expect: ({ body }) => body.includes('"totalResults":1'),
      },
      { client, next: evaluation, expect: ({ body }) => body.includes('"decision":true') },
      { client: floorClient, next: () => ({ method: 'GET', path: `/people/${id}` }), expect: ok },
      { client: floorClient, next: () => ({ method: 'POST', path: '/checks', body: { id } }), expect: ok },
    ],
    connections,
    roundMs,
    rounds,
  );
  return [
    {
      what: 'SCIM read',
      figure: perSecond(read),
      floor: `${perSecond(floorRead)} indexed read`,
      ratio: times(read / floorRead),
    },
    {
      what: 'SCIM filter by userName',
      figure: perSecond(filter),
      floor: `${perSecond(floorRead)} indexed read`,
      ratio: times(filter / floorRead),
    },
    {
      what: 'AuthZEN evaluation',
      figure: perSecond(check),
      floor: `${perSecond(floorCheck)} JSON body, indexed read`,
      ratio: times(check / floorCheck),
    },
  ];
}

async function patches(world: World, client: Client): Promise<Line[]> {
  const extras = await inParallel(64, connections, async (index) => {
    const answer = await client.send(world.scim('POST', '/Users', person(`extra${index}`)));
    return (JSON.parse(answer.body) as { id: string }).id;
  });
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
  // Consecutive calls alternate over the extra people; each second pass over them undoes the first.
  const member = (size: number) => (index: number) => {
    const id = extras[index % extras.length] ?? '';
    const remove = Math.floor(index / extras.length) % 2 === 1;
    const operation = remove
      ? { op: 'remove', path: `members[value eq "${id}"]` }
      : { op: 'add', path: 'members', value: [{ value: id }] };
    return world.scim('PATCH', `/Groups/${world.groups.get(size)}`, { schemas, Operations: [operation] });
  };
  const active = (index: number) => {
    const { id } = world.people[index % 2000] as World['people'][number];
    const value = Math.floor(index / 2000) % 2 === 1;
    return world.scim('PATCH', `/Users/${id}`, { schemas, Operations: [{ op: 'replace', value: { active: value } }] });
  };
  const bySize = await rates(
    groupSizes.map((size) => ({ client, next: member(size), expect: ok })),
    connections,
    roundMs,
    rounds,
  );
  // In a run of its own: each change leaves a job behind, which the loads after it would pay for.
  const [toggles = 0] = await rates([{ client, next: active, expect: ok }], connections, roundMs, rounds);
  const smallest = bySize[0] ?? 0;
  return [
    { what: 'SCIM PATCH active', figure: perSecond(toggles), floor: '', ratio: '' },
    ...groupSizes.map((size, at) => ({
      what: `PATCH one member, group of ${size.toLocaleString('en')}`,
      figure: perSecond(bySize[at] ?? 0),
      floor: at === 0 ? '' : `${perSecond(smallest)} group of ${groupSizes[0]}`,
      ratio: at === 0 ? '' : times((bySize[at] ?? 0) / smallest),
    })),
  ];
}

/** From the response of a membership PATCH to the evaluation that sees the mapped role, while others create people. */
async function delayToCheck(world: World, client: Client): Promise<Line> {
  const delays: number[] = [];
  let busy = true;
  let made = 0;
  const started = performance.now();
  const load = Array.from({ length: connections / 2 }, async () => {
    while (busy) await client.send(world.scim('POST', '/Users', person(`load${made++}`)));
  });
  for (let index = 0; index < (quick ? 100 : 400); index += 1) {
    const subject = world.people[5000 + index] as World['people'][number];
    const check = {
      method: 'POST',
      path: '/access/v1/evaluation',
      headers: { Authorization: `Bearer ${operatorToken}` },
      body: {
        subject: { type: 'user', id: subject.accountId },
        action: { name: 'project.read' },
        resource: { type: 'project', id: world.projectId },
      },
    };
    const patched = await client.send(
      world.scim('PATCH', `/Groups/${world.mappedGroupId}`, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'add', path: 'members', value: [{ value: subject.id }] }],
      }),
    );
    if (!ok(patched)) throw new Error(`the membership PATCH answered ${patched.status} ${patched.body}`);
    const answered = performance.now();
    // The first one waits until the jobs are done that the loads before have left; it is not counted.
    const limit = index === 0 ? 120_000 : 10_000;
    while (!(await client.send(check)).body.includes('"decision":true')) {
      if (performance.now() - answered > limit) throw new Error(`the mapped role did not arrive within ${limit} ms`);
    }
    if (index > 0) delays.push(performance.now() - answered);
  }
  busy = false;
  await Promise.all(load);
  const seconds = (performance.now() - started) / 1000;
  const shown = (q: number) => `${quantile(delays, q).toFixed(1)} ms`;
  return {
    what: 'SCIM response → changed check, under load',
    figure: `p50 ${shown(0.5)}, p99 ${shown(0.99)}`,
    floor: `${perSecond(made / seconds)} creates beside it`,
    ratio: '',
  };
}

function print(lines: readonly Line[]): void {
  say('');
  say('| what | Gatehouse | beside it | ratio |');
  say('|---|---|---|---|');
  for (const { what, figure, floor, ratio } of lines) say(`| ${what} | ${figure} | ${floor} | ${ratio} |`);
}
