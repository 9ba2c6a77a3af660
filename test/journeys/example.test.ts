/** The example service as the README runs it: a process of its own, which knows Gatehouse by its API only. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findFreePort } from '../../src/lib/freePort.ts';
import { buildWorld, expectStatus, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

const script = fileURLToPath(new URL('../../examples/cluster-service.mjs', import.meta.url));

let gatehouse: TestGatehouse;
let world: World;
let url: string;
let end: () => Promise<void>;
let credentialId: string;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  world = await buildWorld(gatehouse, 'acme');
  const scopes = ['evaluate', 'introspect', 'keys.verify', 'resources'];
  const asked = gatehouse.operator('post', '/api/v1/service-credentials').send({ name: 'clusters', scopes });
  const { id, secret } = await expectStatus(201, asked);
  credentialId = id;
  const server = createServer(gatehouse.app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = String(await findFreePort(0));
  const service = spawn(process.execPath, [script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PORT: port,
      GATEHOUSE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      GATEHOUSE_SERVICE_TOKEN: secret,
    },
  });
  await once(service.stdout, 'data');
  url = `http://127.0.0.1:${port}/${world.projectId}`;
  end = async () => {
    service.kill();
    await once(service, 'exit');
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
});

afterAll(() => end());

async function ask(method: string, path: string, token?: string) {
  const headers = new Headers();
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  const answer = await fetch(`${url}/${path}`, { method, headers });
  return { status: answer.status, body: await answer.json() };
}
const call = async (...asked: Parameters<typeof ask>): Promise<number> => (await ask(...asked)).status;

const project = () => `/api/v1/projects/${world.projectId}`;

test('lets people do what their role carries, at once more and at once less (PERM-5, PRJ-7)', async () => {
  const { token, email, accountId } = world.member;
  expect(await call('GET', 'clusters')).toBe(401);
  expect(await call('GET', 'clusters', 'nonsense')).toBe(401);
  expect(await call('POST', 'clusters', world.admin.token)).toBe(201);
  expect(await call('GET', 'clusters', token)).toBe(403);
  const collaborators = `${project()}/collaborators`;
  await expectStatus(201, gatehouse.operator('post', collaborators).send({ email, role: 'member' }));
  expect(await call('GET', 'clusters', token)).toBe(200);
  expect(await call('POST', 'clusters', token)).toBe(403);
  await expectStatus(200, gatehouse.operator('delete', `${collaborators}/${accountId}`));
  expect(await call('GET', 'clusters', token)).toBe(403);
});

test('lets API keys of the project see clusters until they are revoked, and those of another project never (KEY-1, KEY-2)', async () => {
  const make = (path: string) => expectStatus(201, gatehouse.operator('post', `${path}/keys`).send({ name: 'CI' }));
  const key = await make(project());
  const other = await make(`/api/v1/projects/${world.defaultProjectId}`);
  expect(await call('GET', 'clusters', key.secret)).toBe(200);
  expect(await call('POST', 'clusters', key.secret)).toBe(403);
  expect(await call('DELETE', 'clusters', key.secret)).toBe(403);
  expect(await call('GET', 'clusters', other.secret)).toBe(401);
  await expectStatus(200, gatehouse.operator('delete', `${project()}/keys/${key.id}`));
  expect(await call('GET', 'clusters', key.secret)).toBe(401);
});

test('registers in its own name the clusters that it makes, once each, where their people see them (RES-1, RES-2)', async () => {
  const { token } = world.admin;
  const made = await ask('POST', 'clusters/training', token);
  expect(made).toMatchObject({
    status: 201,
    body: { type: 'cluster', name: 'training', createdBy: { kind: 'service' } },
  });
  expect((await ask('POST', 'clusters/training', token)).body.id).toBe(made.body.id);
  const names = ({ items }: { readonly items: readonly { readonly name: string }[] }) => items.map(({ name }) => name);
  expect(names((await ask('GET', 'clusters', token)).body)).toContain('training');
  const own = await expectStatus(200, gatehouse.bearer(token, 'get', '/api/v1/me/resources?type=cluster'));
  expect(names(own)).toContain('training');
});

test('lets nobody in once its own credential is revoked (OPS-4)', async () => {
  await expectStatus(200, gatehouse.operator('delete', `/api/v1/service-credentials/${credentialId}`));
  expect(await call('POST', 'clusters', world.admin.token)).toBe(503);
});
