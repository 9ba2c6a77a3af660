import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  claimDomain,
  createOrganization,
  findDomains,
  forceVerifyDomain,
  normalizeDomain,
  ownsVerifiedDomain,
} from '../../../src/access/index.ts';
import { openWorld, refused, sealer, type World } from './world.ts';

let world: World;

const claim = (domain: string, org = world.org) => world.write((tx) => claimDomain(tx, org, domain));
const verify = (domain: string, org = world.org) => world.write((tx) => forceVerifyDomain(tx, org, domain));
const otherOrganization = () =>
  world.write(async (tx) => {
    const made = await createOrganization(tx, sealer, { name: 'Other', owner: { email: 'o@other.test' } });
    return made.organization._id;
  });

describe('a domain name', () => {
  test.each([
    ['Acme.Test', 'acme.test'],
    [' acme.test. ', 'acme.test'],
    ['münchen.example', 'xn--mnchen-3ya.example'],
    ['a.b.c.example', 'a.b.c.example'],
  ])('%s is kept as %s (SSO-3)', (text, domain) => {
    expect(normalizeDomain(text)).toBe(domain);
  });

  test.each([
    '',
    'localhost',
    '.',
    'a..b',
    '-a.test',
    'a-.test',
    '127.0.0.1',
    'user@acme.test',
    'acme.test/path',
    'acme.test\\path',
    'acme.test?query',
    'acme.test#hash',
    'acme.test:443',
    '%61cme.test',
    'ac\tme.test',
    '0x7f.1',
    'https://acme.test',
    'acme test.com',
    '*.acme.test',
    `${'a'.repeat(64)}.test`,
    'a\u0000b.test',
  ])('is not %j (SSO-3)', (text) => {
    expect(normalizeDomain(text)).toBeUndefined();
  });
});

describe('a domain', () => {
  beforeEach(async () => {
    world = await openWorld();
  });

  test('that is no domain name is neither claimed nor verified', async () => {
    await refused(claim('acme.test/path'), 'invalid_request');
    await refused(verify('localhost'), 'invalid_request');
  });

  test('proves nothing until verified, and then exactly itself (SSO-3, ACC-2)', async () => {
    const { org, store } = world;
    const owns = (email: string) => ownsVerifiedDomain(store.read, org, email);
    await claim('Acme.test');
    expect(await owns('ann@acme.test')).toBe(false);
    expect(await verify('acme.TEST')).toMatchObject({ domain: 'acme.test', verified: true, verifiedBy: 'operator' });
    expect(await owns('Ann@ACME.test')).toBe(true);
    for (const email of [
      'ann@sub.acme.test',
      'ann@notacme.test',
      'acme.test',
      '@acme.test',
      'ann@',
      'a@acme.test@x.test',
      'a@acme.test/x.test',
      'a@%61cme.test',
    ]) {
      expect(await owns(email)).toBe(false);
    }
    expect(await ownsVerifiedDomain(store.read, await otherOrganization(), 'ann@acme.test')).toBe(false);
  });

  test('once verified asks for its addresses to be proven, once (ACC-2, SCIM-3)', async () => {
    const { org, store } = world;
    await claim('acme.test');
    await verify('acme.test');
    await verify('acme.test');
    expect(await store.read.outbox.find(org, {})).toMatchObject([
      { job: 'prove-domain', payload: { domain: 'acme.test' } },
    ]);
    expect(await world.audit('domain.verified')).toHaveLength(1);
  });

  test('is verified by one organization at a time, whoever has claimed it (SSO-3)', async () => {
    const other = await otherOrganization();
    await claim('acme.test');
    await claim('acme.test', other);
    const both = await Promise.allSettled([verify('acme.test'), verify('acme.test', other)]);
    expect(both.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
    expect(both.find((end) => end.status === 'rejected')).toMatchObject({ reason: { code: 'domain_taken' } });
  });

  test('is claimed before it is verified, and once (SSO-3)', async () => {
    await refused(verify('acme.test'), 'not_found');
    const first = await claim('acme.test');
    expect((await claim('ACME.test'))._id).toBe(first._id);
    expect(await findDomains(world.store.read, world.org)).toHaveLength(1);
  });
});
