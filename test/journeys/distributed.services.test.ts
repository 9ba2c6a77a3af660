import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createTenant,
  type Idp,
  type IdpPerson,
  makePopulation,
  openEntraIdp,
  openOktaIdp,
  openPlatform,
  type Platform,
  type Resource,
  type Tenant,
} from '../../src/simulator/index.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';
import { buildProcesses, type Running, type RunningWeb, startWeb, startWorker } from '../support/processes.ts';
import { openReverseProxy, type ReverseProxy } from '../support/reverseProxy.ts';
import { databaseUri, giveBackDatabase, takeDatabase, testRedisUrl } from '../support/services.ts';

const domain = 'acme.example';
const operatorToken = 'operator-token-of-the-distributed-journey';

/** One of Redis's numbered databases, so that queues of other suites are not in the way. */
function ownRedisUrl(): string {
  const url = new URL(testRedisUrl());
  url.pathname = `/${1 + (process.pid % 15)}`;
  return url.href;
}

describe('two web processes and two workers on MongoDB and Redis, behind a balancer that takes them in turn', () => {
  let database: string | undefined;
  let balancer: ReverseProxy;
  let webs: readonly RunningWeb[] = [];
  let workers: readonly Running[] = [];
  let tenant: Tenant;
  let platform: Platform;
  let okta: Idp;
  let entra: Idp;
  let project: Resource;
  let mailbox: Mailbox;

  beforeAll(async () => {
    await buildProcesses();
    ({ database } = await takeDatabase());
    balancer = await openReverseProxy();
    mailbox = await openMailbox();
    const env = {
      SMTP_URL: mailbox.url,
      MONGODB_URI: databaseUri(database),
      REDIS_URL: ownRedisUrl(),
      GATEHOUSE_URL: balancer.url,
      GATEHOUSE_KEY: 'key-of-the-distributed-journey-0123456789',
      GATEHOUSE_OPERATOR_TOKEN: operatorToken,
    };
    // One after the other: the first makes the collections.
    const first = await startWeb(env);
    webs = [first, await startWeb(env)];
    workers = await Promise.all([startWorker(env), startWorker(env)]);
    balancer.targets = webs.map(({ url }) => url);
    platform = openPlatform(balancer.url, operatorToken);
    tenant = await createTenant(platform, 'Acme', { email: `olivia@${domain}`, name: 'Olivia' });
    await tenant.addDomain(domain);
    project = await tenant.addProject('production');
    okta = openOktaIdp(await tenant.addDirectory('Okta'));
    entra = openEntraIdp(await tenant.addDirectory('Entra ID', true));
  }, 120_000);

  afterAll(async () => {
    await Promise.all([...webs, ...workers].map((one) => one.kill()));
    await balancer?.close();
    if (database !== undefined) giveBackDatabase(database);
  });

  /** Asks the process that has not answered the latest request. */
  const other = (): Platform => {
    const url = webs.map((web) => web.url).find((one) => one !== balancer.latest);
    if (url === undefined) throw new Error('there are two web processes');
    return openPlatform(url, operatorToken);
  };
  const may = async (email: string, permission: string, resource: Resource) =>
    (await other().may(email, permission, resource)).decision;
  const hire = (idp: Idp, count: number, seed: number): readonly IdpPerson[] => {
    const taken = [...okta.people, ...entra.people].map(({ profile }) => profile.userName.replace(/@.*/, ''));
    return idp.hire(makePopulation({ seed, count, domain, taken }));
  };

  test('a sign-in link that one web process is asked for is sent by a worker, and works at the other one (OWN-5)', async () => {
    const cookies = new Map<string, string>();
    /** Each request meets the other process. */
    const browse = async (address: string, form?: Record<string, string>) => {
      const answer = await fetch(new URL(address, balancer.url), {
        redirect: 'manual',
        headers: {
          cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(form && { origin: new URL(balancer.url).origin }),
        },
        ...(form && { method: 'POST', body: new URLSearchParams(form) }),
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
      }
      return { status: answer.status, text: await answer.text() };
    };
    const tokenOf = ({ text }: { readonly text: string }) => /name="form_token" value="([^"]*)"/.exec(text)?.[1] ?? '';
    const email = `olivia@${domain}`;
    const asked = await browse('/sign-in', { form_token: tokenOf(await browse('/sign-in')), email, action: 'link' });
    expect(asked.text).toContain('Check your mail');
    const [letter] = await mailbox.waitFor(email);
    const { link = '' } = letter ?? {};
    const form_token = tokenOf(await browse(link));
    const token = new URL(link).searchParams.get('token') ?? '';
    expect((await browse('/sign-in/link', { form_token, token })).status).toBe(303);
    expect((await browse('/signed-in')).text).toContain(email);
    await mailbox.waitFor(email, 2);
  });

  test('people who are pushed through both at once are members, each once (SCIM-3)', async () => {
    await Promise.all([okta.assign(hire(okta, 30, 1)), entra.assign(hire(entra, 30, 2))]);
    const members = await tenant.members();
    expect(members.length).toBe(61);
    expect(new Set(members.map(({ accountId }) => accountId)).size).toBe(61);
  });

  test('right after the response of one process, a check on the other one denies the deactivated and allows the reactivated (MEM-5)', async () => {
    const home = tenant.defaultProject;
    for (const idp of [okta, entra, okta, entra]) {
      const [person] = idp.people;
      if (!person) throw new Error('people were hired');
      const { email } = person.profile;
      expect(await may(email, 'cluster.submit-job', home)).toBe(true);
      await idp.deactivate(person.id);
      expect(await may(email, 'cluster.submit-job', home)).toBe(false);
      await idp.reactivate(person.id);
      expect(await may(email, 'cluster.submit-job', home)).toBe(true);
    }
  });

  test('mapped roles arrive, and go, within a second of the response (MAP-5)', async () => {
    for (const [idp, name] of [
      [okta, 'operators'],
      [entra, 'LAB-Operators'],
    ] as const) {
      const group = await idp.pushGroup(name, []);
      await tenant.map(idp.scimId(group.id), project, 'admin');
      const times: (number | undefined)[] = [];
      for (const { id, profile } of idp.people.slice(0, 6)) {
        await idp.addToGroup(group.id, [id]);
        times.push(await other().settle(profile.email, 'cluster.create', project, true));
        await idp.removeFromGroup(group.id, [id]);
        times.push(await other().settle(profile.email, 'cluster.create', project, false));
      }
      const late = times.filter((ms) => ms === undefined || ms > 1000);
      expect({ idp: idp.vendor, late }).toEqual({ idp: idp.vendor, late: [] });
    }
  });

  test('a worker killed in the middle loses nothing: every role arrives, once (OPS-2, MAP-3)', async () => {
    const [victim] = workers;
    const group = await okta.pushGroup('everyone', []);
    await tenant.map(okta.scimId(group.id), project, 'member');
    let pushed = 0;
    for (const { id } of okta.people) {
      await okta.addToGroup(group.id, [id]);
      pushed += 1;
      if (pushed === 10) await victim?.kill();
    }
    for (const { profile } of okta.people) {
      expect(await other().settle(profile.email, 'cluster.submit-job', project, true, 60_000)).toBeDefined();
    }
    const collaborators = await tenant.collaborators(project);
    const doubled = collaborators.filter(
      ({ sources }) => sources.filter(({ source }) => source === 'mapping').length > 1,
    );
    expect(doubled).toEqual([]);
    expect(await parked()).toEqual([]);
  }, 120_000);

  test('200 PATCHes at once on both web processes, each adding another member to one group: all are there, none is answered 5xx (SCIM-4)', async () => {
    const { baseUrl, token } = await tenant.addDirectory('Crowd');
    const scim = (path: string, method: string, body: unknown, web = 0) =>
      fetch(`${baseUrl.replace(balancer.url, webs[web]?.url ?? '')}${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/scim+json' },
        body: JSON.stringify(body),
      });
    const idOf = async (answer: Response) => ((await answer.json()) as { id: string }).id;
    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
    const people: string[] = [];
    for (let at = 0; at < 200; at += 20) {
      const names = Array.from({ length: 20 }, (_, i) => `crowd-${at + i}`);
      people.push(
        ...(await Promise.all(
          names.map(async (userName) => idOf(await scim('/Users', 'POST', { schemas, userName, active: true }))),
        )),
      );
    }
    const displayName = 'crowd';
    const group = await idOf(
      await scim('/Groups', 'POST', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName }),
    );
    const answers = await Promise.all(
      people.map((value, i) =>
        scim(
          `/Groups/${group}`,
          'PATCH',
          {
            schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
            Operations: [{ op: 'add', path: 'members', value: [{ value }] }],
          },
          i % 2,
        ),
      ),
    );
    expect(answers.filter(({ status }) => status !== 200 && status !== 204).map(({ status }) => status)).toEqual([]);
    const read = await fetch(`${baseUrl}/Groups/${group}`, { headers: { Authorization: `Bearer ${token}` } });
    const { members } = (await read.json()) as { members: readonly { value: string }[] };
    expect(members.map(({ value }) => value).sort()).toEqual([...people].sort());
  }, 120_000);

  test('the processes that are left end gracefully when asked to', async () => {
    const [, survivor] = workers;
    expect(await survivor?.stop()).toBe(0);
    expect(await Promise.all(webs.map((web) => web.stop()))).toEqual([0, 0]);
  });

  const parked = async (): Promise<readonly unknown[]> => {
    const answer = await fetch(`${balancer.url}/api/v1/organizations/${tenant.id}/jobs/parked`, {
      headers: { Authorization: `Bearer ${operatorToken}` },
    });
    const { items } = (await answer.json()) as { items: readonly unknown[] };
    return items;
  };
});
