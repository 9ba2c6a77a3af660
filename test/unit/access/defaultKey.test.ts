import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Presence, readDefaultKey, regenerateDefaultKey } from '../../../src/access/index.ts';
import { hashSecret, openSealer } from '../../../src/lib/secrets.ts';
import { openWorld, refused, sealer, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});

const throughIdp = (accountId: string): Presence => ({ kind: 'session', accountId, madeBy: 'sign_in' });
const signedIn = (accountId: string): Presence => ({ ...throughIdp(accountId), mailboxAt: new Date(0) }) as Presence;
const read = (reader: Presence) => readDefaultKey(world.store.read, sealer, world.org, reader);
const regenerate = (reader: Presence) => world.write((tx) => regenerateDefaultKey(tx, sealer, world.org, reader));
const holders = (secret: string) => world.store.read.apiKeys.count(world.org, { hash: hashSecret(secret) });

describe('the Organization Default Key', () => {
  test('is read by its Owner any time, and stands encrypted in the store (KEY-3)', async () => {
    const { secret, key } = await read(signedIn(world.owner.accountId));
    expect(secret).toMatch(/^ghk_[0-9a-f]{64}$/);
    expect(key).toMatchObject({ projectId: world.defaultProject._id, lastFour: secret.slice(-4) });
    expect((await read(signedIn(world.owner.accountId))).secret).toBe(secret);
    expect(JSON.stringify(key)).not.toContain(secret.slice(4));
    expect(await holders(secret)).toBe(1);
    expect(() => openSealer('another key').open(key.sealed ?? '')).toThrow();
  });

  test('regenerated, kills the old one at once (KEY-3)', async () => {
    const owner = signedIn(world.owner.accountId);
    const old = await read(owner);
    const { secret } = await regenerate(owner);
    expect(secret).not.toBe(old.secret);
    expect((await read(owner)).secret).toBe(secret);
    expect([await holders(old.secret), await holders(secret)]).toEqual([0, 1]);
    const [event] = await world.audit('default_key.regenerated');
    expect(JSON.stringify(event)).not.toContain(secret.slice(4, 60));
    expect(event).toMatchObject({ before: { lastFour: old.secret.slice(-4) }, after: { lastFour: secret.slice(-4) } });
  });

  test('is for nobody else: not an Admin, not the operator, not in the Owner’s name (KEY-3, OWN-4)', async () => {
    const { owner, admin, member, outsider } = world;
    const refusals = [
      [{ kind: 'operator' }, 'permission_denied'],
      [{ kind: 'act_as', accountId: owner.accountId }, 'act_as_refused'],
      [{ kind: 'session', accountId: owner.accountId, madeBy: 'operator' }, 'permission_denied'],
      [throughIdp(owner.accountId), 'reauthentication_required'],
      [signedIn(admin.accountId), 'permission_denied'],
      [signedIn(member.accountId), 'permission_denied'],
      [signedIn(outsider._id), 'not_found'],
      [{ kind: 'act_as', accountId: outsider._id }, 'not_found'],
    ] as const;
    for (const [reader, code] of refusals) {
      await refused(read(reader), code);
      await refused(regenerate(reader), code);
    }
    expect((await world.store.read.apiKeys.find(world.org, {}))[0]?.version).toBe(1);
  });
});
