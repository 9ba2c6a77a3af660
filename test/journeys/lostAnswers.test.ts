import { afterEach, describe, expect, test } from '@jest/globals';
import { createTenant, makePopulation, openEntraIdp, openOktaIdp } from '../../src/simulator/index.ts';
import { openReverseProxy, type ReverseProxy } from '../support/reverseProxy.ts';
import { openListening } from './world.ts';

const domain = 'acme.example';
let proxy: ReverseProxy | undefined;

afterEach(async () => {
  await proxy?.close();
});

describe.each([
  ['Okta', openOktaIdp],
  ['Entra ID', openEntraIdp],
])('pushes of %s over a line that loses answers', (name, openIdp) => {
  test('are repeated, and nobody and no membership is there twice (SCIM-2)', async () => {
    const line = await openReverseProxy();
    proxy = line;
    const { url, platform } = await openListening({ publicUrl: line.url });
    line.targets = [url];
    const tenant = await createTenant(platform, 'Acme', { email: `olivia@${domain}`, name: 'Olivia' });
    await tenant.addDomain(domain);
    const project = await tenant.addProject('production');
    const idp = openIdp(await tenant.addDirectory(name));
    let writes = 0;
    line.loses = (method) => method !== 'GET' && ++writes % 3 === 0;

    const people = idp.hire(makePopulation({ seed: 3, count: 12, domain }));
    await idp.assign(people);
    expect((await tenant.members()).length).toBe(13);

    line.loses = () => false;
    const group = await idp.pushGroup(
      'admins',
      people.slice(0, 2).map(({ id }) => id),
    );
    await tenant.map(idp.scimId(group.id), project, 'admin');
    let patches = 0;
    line.loses = (method) => method === 'PATCH' && ++patches % 2 === 1;
    await idp.addToGroup(
      group.id,
      people.slice(2, 6).map(({ id }) => id),
    );
    await idp.removeFromGroup(
      group.id,
      people.slice(0, 1).map(({ id }) => id),
    );
    const [left, ...stayed] = people.slice(0, 6).map(({ profile }) => profile.email);
    for (const email of stayed) expect(await platform.settle(email, 'cluster.create', project, true)).toBeDefined();
    expect(await platform.settle(left ?? '', 'cluster.create', project, false)).toBeDefined();
    const mapped = (await tenant.collaborators(project)).filter(({ sources }) =>
      sources.some(({ source }) => source === 'mapping'),
    );
    expect(mapped.map(({ sources }) => sources.length)).toEqual(stayed.map(() => 1));
  });
});
