/** Whose account a really signed assertion opens: that of its connection and NameID, and of a proven address inside a verified domain (SSO-3, SSO-6). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createAccount } from '../../../src/access/index.ts';
import type { SamlPerson } from '../../../src/simulator/index.ts';
import { ann, openSamlWorld, type Pair, type SamlWorld } from './world.ts';

let world: SamlWorld;
let people = 0;
beforeAll(async () => {
  world = await openSamlWorld();
});

/** Somebody whom no earlier test knows; the NameID of this vendor is the id. */
const vendor = 'keycloak';
const somebody = (more: Partial<SamlPerson> = {}): SamlPerson => {
  people += 1;
  return { ...ann, id: `id-${people}`, email: `p-${people}@acme.test`, groups: [], ...more };
};
const accountOf = (email: string) => world.run((tx) => createAccount(tx, { email, provenBy: 'operator' }));

/** How a sign-in ends: the code of its record, or that it let somebody in. The page of a refusal tells nothing of why. */
async function ends(pair: Pair, person: SamlPerson): Promise<string> {
  const { signedIn, record, page } = await world.signIn(pair, {}, person);
  if (signedIn) return 'signed in';
  for (const told of [record?.code ?? '?', record?.detail ?? '?', person.email, person.id]) {
    expect(page).not.toContain(told);
  }
  return record?.code ?? 'no record';
}

const accountKnownAs = async ({ connection: { organizationId, _id: connectionId } }: Pair, subject: string) =>
  (await world.gatehouse.store.read.identities.findOne(organizationId, { connectionId, subject }))?.accountId;

test('the same NameID of another IdP is another person (SSO-6)', async () => {
  const [ours, theirs] = [
    await world.connect({ vendor }),
    await world.connect({ vendor, organizationId: await world.makeOrganization('theirs.test') }),
  ];
  const person = somebody();
  expect(await ends(ours, person)).toBe('signed in');
  const impostor = { ...person, email: 'impostor@theirs.test' };
  expect(await ends(theirs, impostor)).toBe('signed in');
  const [first, second] = [await accountKnownAs(ours, person.id), await accountKnownAs(theirs, person.id)];
  expect([typeof first, typeof second, first === second]).toEqual(['string', 'string', false]);
});

test('who comes for the first time through two connections at once, in several tabs, is one account (SSO-6)', async () => {
  const pairs = [await world.connect({ vendor }), await world.connect({ vendor })];
  const person = somebody({ groups: ['Engineering'] });
  const ended = await Promise.all([...pairs, ...pairs, ...pairs].map((pair) => world.signIn(pair, {}, person)));
  expect(ended.map(({ signedIn }) => signedIn)).toEqual(Array(6).fill(true));
  const accounts = await Promise.all(pairs.map((pair) => accountKnownAs(pair, person.id)));
  expect(new Set(accounts).size).toBe(1);
  expect(await world.sessionsOf(accounts[0] ?? '')).toBe(6);
  expect(await world.gatehouse.store.read.members.count(world.organizationId, { accountId: accounts[0] ?? '' })).toBe(
    1,
  );
});

describe('an address opens an account only inside of what the organization has verified (SSO-3)', () => {
  test.each([
    ['of another domain', 'other.test'],
    ['of a domain below', 'sub.acme.test'],
    ['of a domain that ends like it', 'notacme.test'],
    ['of a domain that begins like it', 'acme.test.evil.example'],
  ])('one %s waits, and nobody is let in', async (_title, domain) => {
    const pair = await world.connect({ vendor });
    const victim = somebody({ email: `victim-${people}@${domain}` });
    const account = await accountOf(victim.email);
    expect(await ends(pair, victim)).toBe('unverified_domain');
    expect(await world.sessionsOf(account._id)).toBe(0);
    const inside = somebody();
    const own = await accountOf(inside.email);
    expect(await ends(pair, inside)).toBe('signed in');
    expect(await world.sessionsOf(own._id)).toBe(1);
  });

  test('one of the domain of another organization waits, too, and comes in through that one', async () => {
    const organizationId = await world.makeOrganization('neighbour.test');
    const [ours, theirs] = [await world.connect({ vendor }), await world.connect({ vendor, organizationId })];
    const victim = somebody({ email: 'nora@neighbour.test' });
    const account = await accountOf(victim.email);
    expect(await ends(ours, victim)).toBe('unverified_domain');
    expect(await world.sessionsOf(account._id)).toBe(0);
    expect(await ends(theirs, victim)).toBe('signed in');
    expect(await world.sessionsOf(account._id)).toBe(1);
  });
});

test('a new NameID with the address of a person who has one already is a question, never a link (SSO-6)', async () => {
  const pair = await world.connect({ vendor });
  const person = somebody();
  expect(await ends(pair, person)).toBe('signed in');
  const account = await accountKnownAs(pair, person.id);
  expect(await ends(pair, { ...person, id: 'another-id' })).toBe('other_subject');
  expect(await world.sessionsOf(account ?? '')).toBe(1);
  expect(await ends(pair, { ...person, email: 'renamed@acme.test' })).toBe('signed in');
  expect(await accountKnownAs(pair, person.id)).toBe(account);
});
