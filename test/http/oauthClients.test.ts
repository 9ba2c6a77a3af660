/** OAuth clients of a directory in the management API (SCIM-1). */
import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { openTestGatehouse, type TestGatehouse, testBaseUrl } from '../support/gatehouse.ts';
import { samplePem } from './samplePem.ts';
import { buildWorld, expectStatus, type World } from './world.ts';

let gatehouse: TestGatehouse;
let acme: World;
let home: string;

beforeAll(async () => {
  gatehouse = await openTestGatehouse();
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}/directories/${acme.directoryId}/oauth-clients`;
});

const asAdmin = (method: 'get' | 'post' | 'delete', path: string) => gatehouse.bearer(acme.admin.token, method, path);

describe('OAuth clients', () => {
  test('an Admin makes one: id and secret, shown once; a Member may not look', async () => {
    const { client, secret } = await expectStatus(201, asAdmin('post', home).send({ name: 'Entra' }));
    expect(client).toMatchObject({
      name: 'Entra',
      tokenEndpoint: `${testBaseUrl}/scim/v2/${acme.directoryId}/oauth/token`,
      keys: [],
    });
    expect(client.secrets).toEqual([
      { id: secret.id, name: 'first', lastFour: secret.secret.slice(-4), createdAt: expect.any(String) },
    ]);
    const listed = await expectStatus(200, asAdmin('get', home));
    expect(listed.items).toContainEqual(client);
    expect(JSON.stringify(listed)).not.toContain(secret.secret);
    expect((await gatehouse.bearer(acme.member.token, 'get', home)).status).toBe(403);
  });

  test('everything that happens to one is audited, secrets left out (AUD-1)', async () => {
    const { client, secret } = await expectStatus(201, asAdmin('post', home).send({ name: 'Audited' }));
    const one = `${home}/${client.id}`;
    const second = await expectStatus(201, asAdmin('post', `${one}/secrets`).send({ name: 'second' }));
    const key = await expectStatus(201, asAdmin('post', `${one}/keys`).send({ name: 'key', pem: samplePem() }));
    const revoked = await expectStatus(200, asAdmin('delete', `${one}/secrets/${secret.id}`));
    expect(await expectStatus(200, asAdmin('delete', `${one}/secrets/${secret.id}`))).toEqual(revoked);
    await expectStatus(204, asAdmin('delete', `${one}/keys/${key.id}`));
    const trust = { name: 'x', issuer: 'https://i.example', subject: 's', jwksUri: 'https://i.example/keys' };
    const issuer = await expectStatus(201, asAdmin('post', `${one}/issuers`).send(trust));
    await expectStatus(204, asAdmin('delete', `${one}/issuers/${issuer.id}`));
    await expectStatus(204, asAdmin('delete', one));
    expect((await asAdmin('get', one)).status).toBe(404);
    const { items } = await expectStatus(
      200,
      asAdmin('get', `/api/v1/organizations/${acme.organizationId}/audit`).query({ targetId: acme.directoryId }),
    );
    const events = items
      .filter((event: Record<string, Record<string, unknown>>) =>
        [event.before?.clientId, event.after?.clientId].includes(client.id),
      )
      .map(({ type }: { type: string }) => type)
      .reverse();
    expect(events).toEqual([
      'directory.client_created',
      'directory.client_secret_issued',
      'directory.client_secret_issued',
      'directory.client_key_added',
      'directory.client_secret_revoked',
      'directory.client_key_removed',
      'directory.client_issuer_added',
      'directory.client_issuer_removed',
      'directory.client_deleted',
    ]);
    expect(JSON.stringify(items)).not.toContain(second.secret);
  });

  const refused = async (body: object, path = `${home}/${acme.oauthClient.id}/keys`) => {
    const answer = await asAdmin('post', path).send({ name: 'x', ...body });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    return String(answer.body.detail);
  };

  test('a key must be public, asymmetric and strong', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(await refused({ jwk: rsa.privateKey.export({ format: 'jwk' }) })).toContain('private');
    expect(await refused({ pem: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) })).toContain('private key');
    expect(await refused({ jwk: { kty: 'oct', k: 'AAAA' } })).toContain('secret key');
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    expect(await refused({ jwk: weak.export({ format: 'jwk' }) })).toContain('2048');
    const odd = generateKeyPairSync('x25519').publicKey;
    expect(await refused({ jwk: odd.export({ format: 'jwk' }) })).toContain('RSA');
    await refused({ jwk: {} });
    await refused({ pem: 'nonsense' });
    await refused({});
    const jwk = rsa.publicKey.export({ format: 'jwk' });
    await refused({ jwk, pem: samplePem() });
    await refused({ jwk: { ...jwk, kid: 7 } });
  });

  test('a key is added once; one that names itself keeps its name', async () => {
    const path = `${home}/${acme.oauthClient.id}/keys`;
    const jwk = { ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid: 'mine' };
    const added = await expectStatus(201, asAdmin('post', path).send({ name: 'ed', jwk }));
    expect(added.kid).toBe('mine');
    const again = await asAdmin('post', path).send({ name: 'ed', jwk });
    expect([again.status, again.body.code]).toEqual([409, 'oauth_key_exists']);
  });

  test('what would never be valid is not made', async () => {
    const past = { expiresAt: '2020-01-01T00:00:00Z' };
    await refused({ ...past, pem: samplePem() });
    await refused(past, `${home}/${acme.oauthClient.id}/secrets`);
    await refused({ secretExpiresAt: past.expiresAt }, home);
    const rotation = `${home.replace('oauth-clients', 'tokens')}/${acme.directoryToken.id}/rotate`;
    const answer = await asAdmin('post', rotation).send({ oldExpiresAt: past.expiresAt });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
  });
});

test('a token is rotated with an overlap: both are listed, the old one with its end (SCIM-1)', async () => {
  const tokens = home.replace('oauth-clients', 'tokens');
  const oldExpiresAt = '2100-01-01T00:00:00.000Z';
  const asked = asAdmin('post', `${tokens}/${acme.directoryToken.id}/rotate`).send({ oldExpiresAt });
  const { token, former } = await expectStatus(201, asked);
  expect(former).toMatchObject({ id: acme.directoryToken.id, expiresAt: oldExpiresAt });
  const { items } = await expectStatus(200, asAdmin('get', tokens));
  const { secret, ...shown } = token;
  expect(items).toEqual([former, shown]);
  expect(secret).toMatch(/^ghd_/);
});
