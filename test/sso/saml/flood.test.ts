/** Answers that somebody makes up, in any number: as many are told of as an Admin can read, and honest people are not held up (SSO-2). */
import { beforeAll, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { openSamlWorld, type Pair, type SamlWorld } from './world.ts';

let world: SamlWorld;
beforeAll(async () => {
  world = await openSamlWorld();
});

const recordsOf = ({ connection: { organizationId, _id: connectionId } }: Pair) =>
  world.gatehouse.store.read.signInRecords.count(organizationId, { connectionId, outcome: 'refused' });
const auditOf = ({ connection: { organizationId, _id: targetId } }: Pair) =>
  world.gatehouse.store.read.auditEvents.count(organizationId, { type: 'sign_in.refused', targetId });

/** Sends until it is refused for its number; answers how many were taken before. */
async function flood(send: () => Promise<Response>): Promise<number> {
  for (let sent = 0; sent < 2000; sent += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, send));
    const refused = answers.find(({ status }) => status === 429);
    if (refused === undefined) continue;
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.text).not.toMatch(/Error:|node_modules/);
    return sent;
  }
  throw new Error('nothing was refused');
}

test('a flood of one connection with junk ends in 429, fills no audit, and holds up nobody', async () => {
  const [flooded, other] = [await world.connect(), await world.connect()];
  const { request } = world.gatehouse;
  const respond = ({ connection }: Pair) =>
    request
      .post(`/sso/saml/${connection._id}/acs`)
      .type('form')
      .send({ SAMLResponse: 'AAAA', RelayState: '0'.repeat(64) });
  const logOut = ({ connection }: Pair) => request.get(`/sso/saml/${connection._id}/slo?SAMLRequest=AAAA`);
  expect(await flood(() => respond(flooded))).toBeGreaterThanOrEqual(980);
  const [records, events] = [await recordsOf(flooded), await auditOf(flooded)];
  expect(records).toBe(events);
  // That there are too many is told, too, and a few times only.
  const { organizationId, _id: targetId } = flooded.connection;
  const limited = () =>
    world.gatehouse.store.read.auditEvents.count(organizationId, { type: 'sign_in.limited', targetId });
  expect(await limited()).toBeGreaterThan(0);
  expect(await limited()).toBeLessThanOrEqual(11);
  // One a second may still be told of, whatever it is that is refused.
  await Promise.all(Array.from({ length: 25 }, () => [respond(flooded), logOut(flooded)]).flat());
  expect((await recordsOf(flooded)) - records).toBeLessThan(20);
  expect(await world.signIn(flooded)).toMatchObject({ status: 303, signedIn: true });
  for (const refused of [await respond(other), await logOut(other)]) expect(refused.status).toBe(403);
  expect(await recordsOf(other)).toBe(2);
}, 120_000);
