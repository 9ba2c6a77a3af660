/** What people say of themselves, over HTTP: a name, and the SSH public keys that they enter clusters with (ACC-5). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { buildWorld, expectStatus, openPerson, type Person, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { shortRsaKey, sshKeys } from '../support/sshKeys.ts';

let gatehouse: TestGatehouse;
let acme: World;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  gatehouse = await openTestGatehouse();
  acme = await buildWorld(gatehouse, 'acme');
  ann = acme.member;
  bob = await openPerson(gatehouse, 'bob@elsewhere.example');
});

const path = '/api/v1/me/ssh-keys';
const add = ({ token }: Person, publicKey: string, name?: string) =>
  gatehouse.bearer(token, 'post', path).send({ publicKey, ...(name !== undefined && { name }) });
const list = async ({ token }: Person) => (await expectStatus(200, gatehouse.bearer(token, 'get', path))).items;
const audited = async (type: string) =>
  (
    await expectStatus(
      200,
      gatehouse.operator('get', `/api/v1/organizations/${acme.organizationId}/audit`).query({ type }),
    )
  ).items;

describe('a profile', () => {
  test('has a name, which lists show, and which the person changes and takes away (ACC-5)', async () => {
    const rename = (name: string | null) => gatehouse.bearer(ann.token, 'patch', '/api/v1/me').send({ name });
    const nameInList = async () => {
      const one = await gatehouse.operator(
        'get',
        `/api/v1/organizations/${acme.organizationId}/members/${acme.member.memberId}`,
      );
      return one.body.name;
    };
    expect(await expectStatus(200, rename(' Ann Lee '))).toEqual({ id: ann.accountId, name: 'Ann Lee' });
    expect(await nameInList()).toBe('Ann Lee');
    expect((await gatehouse.bearer(ann.token, 'get', '/api/v1/me')).body.name).toBe('Ann Lee');
    expect(await expectStatus(200, rename(null))).toEqual({ id: ann.accountId });
    expect(await nameInList()).toBeUndefined();
    expect((await rename('')).status).toBe(400);
    expect((await gatehouse.operator('patch', '/api/v1/me').send({ name: 'Nobody' })).status).toBe(403);
  });

  test('has SSH public keys, named by the person or by their comment, each told to the organizations (ACC-5, AUD-1)', async () => {
    const added = await expectStatus(201, add(ann, `${sshKeys.ed25519.line}\n`));
    expect(added).toMatchObject({
      name: 'ann@laptop',
      type: 'ssh-ed25519',
      publicKey: sshKeys.ed25519.line.split(' ').slice(0, 2).join(' '),
      fingerprint: sshKeys.ed25519.fingerprint,
    });
    await expectStatus(201, add(ann, sshKeys.rsa.line, 'desk'));
    expect((await list(ann)).map(({ name }: { name: string }) => name)).toEqual(['ann@laptop', 'desk']);
    expect(await audited('ssh_key.added')).toMatchObject([
      { targetId: ann.accountId, after: { name: 'desk', fingerprint: sshKeys.rsa.fingerprint } },
      { targetId: ann.accountId, after: { sshKeyId: added.id } },
    ]);
    await expectStatus(204, gatehouse.bearer(ann.token, 'delete', `${path}/${added.id}`));
    expect(await list(ann)).toHaveLength(1);
    expect(await audited('ssh_key.removed')).toMatchObject([{ before: { sshKeyId: added.id } }]);
  });

  test('has a key whose comment is cut where it is long, and never within a character', async () => {
    const [type, key] = sshKeys.nistp384.line.split(' ');
    const added = await expectStatus(201, add(bob, `${type} ${key} ${'x'.repeat(199)}😀`));
    expect(added.name).toBe('x'.repeat(199));
    await expectStatus(204, gatehouse.bearer(bob.token, 'delete', `${path}/${added.id}`));
  });

  test('has a key once, while others may have the same one; two requests at once add it once', async () => {
    const answers = await Promise.all([add(bob, sshKeys.nistp256.line), add(bob, sshKeys.nistp256.line)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe('ssh_key_exists');
    await expectStatus(201, add(ann, sshKeys.nistp256.line));
    expect(await list(bob)).toHaveLength(1);
  });

  test("does not show, and nobody else removes, another's keys", async () => {
    const own = await expectStatus(201, add(ann, sshKeys.nistp384.line));
    expect((await list(bob)).map(({ id }: { id: string }) => id)).not.toContain(own.id);
    expect((await gatehouse.bearer(bob.token, 'delete', `${path}/${own.id}`)).status).toBe(404);
    expect((await list(ann)).map(({ id }: { id: string }) => id)).toContain(own.id);
  });

  test('takes no private key, no short one, and nothing that is none; a refusal repeats nothing (OPS-1)', async () => {
    const before = await list(ann);
    for (const text of [shortRsaKey, 'ssh-ed25519 c2VjcmV0LXNlY3JldA==', '-----BEGIN OPENSSH PRIVATE KEY-----']) {
      const answer = await add(ann, text);
      expect([answer.status, answer.body.code]).toEqual([400, 'ssh_key_invalid']);
      expect(JSON.stringify(answer.body)).not.toContain(text);
    }
    expect(await list(ann)).toEqual(before);
  });
});
