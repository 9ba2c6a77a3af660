import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openBuffer } from '../../../src/directory/buffer.ts';
import {
  authenticateDirectory,
  issueToken,
  listLog,
  listTokens,
  openRequestLog,
  openTokenUses,
  recordRequest,
  revokeToken,
} from '../../../src/directory/index.ts';
import { acme, openWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.store.close());

const reads = () => world.store.read;
const issue = (name: string, expiresAt?: Date) =>
  world.run((tx) => issueToken(tx, acme, world.directory._id, { name, expiresAt }));
const ask = (secret: string | undefined, now = new Date(), directoryId = world.directory._id) =>
  authenticateDirectory(reads(), directoryId, secret, now);
const fail = (error: unknown): never => {
  throw error;
};

describe('tokens of a directory (SCIM-1)', () => {
  test('several are valid at once; revoking one leaves the others', async () => {
    const first = await issue('first');
    const second = await issue('second');
    expect(first.secret).toMatch(/^ghd_[0-9a-f]{64}$/);
    expect((await ask(first.secret)).directory).toEqual(world.directory);
    await world.run((tx) => revokeToken(tx, acme, world.directory._id, first.token._id));
    await expect(ask(first.secret)).rejects.toMatchObject({ code: 'token_revoked' });
    expect((await ask(second.secret)).token?.name).toBe('second');
    expect((await listTokens(reads(), acme, world.directory._id)).map(({ name }) => name)).toEqual(['first', 'second']);
  });

  test('only the hash of a secret is kept', async () => {
    const { secret, token } = await issue('t');
    expect(JSON.stringify(await reads().directoryTokens.get(acme, token._id))).not.toContain(secret);
    expect(JSON.stringify(await reads().auditEvents.find(acme, {}))).not.toContain(secret);
    expect(token.lastFour).toBe(secret.slice(-4));
  });

  test('a token ends at the instant of its expiry', async () => {
    const expiresAt = new Date(Date.now() + 60_000);
    const { secret } = await issue('t', expiresAt);
    await ask(secret, new Date(expiresAt.getTime() - 1));
    await expect(ask(secret, expiresAt)).rejects.toMatchObject({ code: 'token_expired' });
    await expect(issue('late', new Date(0))).rejects.toMatchObject({ code: 'invalid_request' });
  });

  test.each([
    ['nothing', undefined, 'authentication_required'],
    ['an empty secret', '', 'authentication_required'],
    ['a secret that nobody issued', 'ghd_0', 'token_invalid'],
  ])('%s is refused', async (_, secret, code) => {
    await expect(ask(secret)).rejects.toMatchObject({ code });
  });

  test("another directory's token, and a directory that does not exist, are refused alike (PRJ-1)", async () => {
    const { secret } = await issue('t');
    const answers = await Promise.all(
      [world.sibling._id, world.foreign._id, 'dir-none'].map((id) =>
        ask(secret, new Date(), id).catch((error) => error),
      ),
    );
    expect(new Set(answers.map(({ code, message }) => `${code} ${message}`)).size).toBe(1);
    expect(answers[0]).toMatchObject({ code: 'token_invalid' });
  });

  test("another directory's token cannot be revoked through this one, nor one issued for a directory elsewhere", async () => {
    const { token } = await issue('t');
    await expect(world.run((tx) => revokeToken(tx, acme, world.sibling._id, token._id))).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(world.run((tx) => issueToken(tx, acme, world.foreign._id, { name: 'x' }))).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('a second revocation keeps the time of the first', async () => {
    const { token } = await issue('t');
    const revoke = () => world.run((tx) => revokeToken(tx, acme, world.directory._id, token._id));
    expect(await revoke()).toEqual(await revoke());
  });

  test('the last use is written in one batch, and the newest stands', async () => {
    const { token } = await issue('t');
    const uses = openTokenUses(world.store, { onError: fail, delayMs: 60_000 });
    const newest = new Date(5000);
    for (const at of [new Date(1000), newest, new Date(3000)]) uses.add({ token, at });
    await uses.flush();
    uses.add({ token, at: new Date(2000) });
    await uses.close();
    const stored = await reads().directoryTokens.get(acme, token._id);
    expect([stored?.lastUsedAt, stored?.version]).toEqual([newest, 2]);
  });
});

describe('the provisioning log (SCIM-5)', () => {
  const entry = (path: string) => ({
    organizationId: acme,
    directoryId: world.directory._id,
    requestId: 'req-1',
    method: 'GET',
    path,
    status: 200,
    outcome: 'read' as const,
    notes: [],
    touched: [],
    durationMs: 1,
  });

  test('shows the newest first, by directory and outcome', async () => {
    const log = openRequestLog(world.store, { onError: fail });
    log.add(entry('/Users'));
    await world.run((tx) => recordRequest(tx, { ...entry('/Groups'), outcome: 'applied' }));
    await log.close();
    const paths = async (query: object) =>
      (await listLog(reads(), acme, { limit: 9, ...query })).items.map(({ path }) => path);
    expect(await paths({})).toEqual(['/Groups', '/Users']);
    expect(await paths({ outcome: 'read' })).toEqual(['/Users']);
    expect(await paths({ directoryId: world.sibling._id })).toEqual([]);
  });
});

describe('the buffer', () => {
  test('keeps what could not be written for the next time, and never more than its capacity', async () => {
    const written: number[][] = [];
    const errors: unknown[] = [];
    let broken = true;
    const buffer = openBuffer<number>({
      capacity: 3,
      delayMs: 60_000,
      onError: (error) => errors.push(error),
      write: async (items) => {
        if (broken) throw new Error('no disk');
        written.push([...items]);
      },
    });
    buffer.add(1);
    buffer.add(2);
    await buffer.flush();
    broken = false;
    buffer.add(3);
    buffer.add(4);
    await buffer.close();
    expect([errors.length, written]).toEqual([1, [[2, 3, 4]]]);
  });

  test('writes by itself after its delay', async () => {
    const done = new Promise<readonly string[]>((resolve) => {
      openBuffer<string>({ delayMs: 1, onError: fail, write: async (items) => resolve(items) }).add('a');
    });
    expect(await done).toEqual(['a']);
  });
});
