import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createTenant,
  type Idp,
  makePopulation,
  openOktaIdp,
  openPlatform,
  type Tenant,
} from '../../src/simulator/index.ts';
import { openTestPlace, type TestPlace, testEngine } from '../support/engines.ts';
import { buildProcesses, type RunningWeb, startWeb } from '../support/processes.ts';
import { openReverseProxy, type ReverseProxy } from '../support/reverseProxy.ts';
import { until } from '../support/until.ts';

const domain = 'acme.example';
const operatorToken = 'operator-token-of-the-killed-journey';
const people = 120;

describe(`a web process that runs jobs itself, on ${testEngine}, killed in the middle of one and started again`, () => {
  let place: TestPlace;
  let front: ReverseProxy;
  let web: RunningWeb;
  let tenant: Tenant;
  let idp: Idp;

  const start = async (): Promise<void> => {
    const env = { GATEHOUSE_KEY: 'key-of-the-killed-journey-0123456789', GATEHOUSE_OPERATOR_TOKEN: operatorToken };
    web = await startWeb({ ...place.env, ...env, GATEHOUSE_URL: front.url });
    front.targets = [web.url];
  };

  beforeAll(async () => {
    await buildProcesses();
    place = await openTestPlace();
    front = await openReverseProxy();
    await start();
    tenant = await createTenant(openPlatform(front.url, operatorToken), 'Acme', {
      email: `olivia@${domain}`,
      name: 'Olivia',
    });
    await tenant.addDomain(domain);
    idp = openOktaIdp(await tenant.addDirectory('Okta'));
    await idp.assign(idp.hire(makePopulation({ seed: 7, count: people, domain })));
  }, 180_000);

  afterAll(async () => {
    await web?.kill();
    await front?.close();
  });

  test('loses no job and doubles no effect: everybody has the role, once (OPS-2, MAP-3)', async () => {
    const group = await idp.pushGroup(
      'everyone',
      idp.people.map(({ id }) => id),
    );
    let caught = 0;
    for (let round = 0; caught === 0 && round < 5; round++) {
      const project = await tenant.addProject(`project ${round}`);
      const mapped = async () =>
        (await tenant.collaborators(project)).filter(({ sources }) =>
          sources.some(({ source }) => source === 'mapping'),
        );
      await tenant.map(idp.scimId(group.id), project, 'member');
      await until('the handler is under way', async () => (await mapped()).length > 0);
      await web.kill();
      await start();
      const done = (await mapped()).length;
      if (done < people) caught = done;
      await until('everybody has the role', async () => (await mapped()).length === people, 90_000);
      const sources = (await mapped()).map((each) => each.sources.filter(({ source }) => source === 'mapping').length);
      expect(sources).toEqual(sources.map(() => 1));
    }
    expect(caught).toBeGreaterThan(0);
    // What the killed process held comes free when its lease has ended.
    const noneLeft = async () => {
      const metrics = await (await fetch(`${web.url}/metrics`)).text();
      return /gatehouse_outbox_jobs\{state="waiting"\} 0/.test(metrics) && /state="parked"\} 0/.test(metrics);
    };
    await until('no job is left', noneLeft, 60_000);
  }, 240_000);

  test('the audit of all that is one unbroken chain (AUD-1)', async () => {
    const verify = async () => {
      const answer = await fetch(`${web.url}/api/v1/organizations/${tenant.id}/audit/verify`, {
        headers: { Authorization: `Bearer ${operatorToken}` },
      });
      return (await answer.json()) as { verified: boolean; count: number };
    };
    await until('all of it is numbered', async () => (await verify()).count >= 2 * people, 30_000);
    expect(await verify()).toMatchObject({ verified: true });
  });
});
