/** Over HTTP: every flaw is refused, the page tells nothing of it, the record tells all; without the flaw people come in. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PLATFORM } from '../../../src/store/index.ts';
import { sampled, sampleOf } from '../sample.ts';
import { type BrowserWorld, openBrowserWorld } from './browser.ts';
import { endpointFlaws, metadataFlaws } from './endpointFlaws.ts';
import { type EvilIdp, newKey, openEvilIdp, type Person } from './evilIdp.ts';
import { callbackFlaws, claimFlaws, type FlawRow, signatureFlaws } from './flaws.ts';

let world: BrowserWorld;
let idp: EvilIdp;

const ann: Person = { sub: 'ann', email: 'ann@acme.test', email_verified: true, name: 'Ann Lee' };
const sessions = () => world.gatehouse.store.read.sessions.count(PLATFORM, {});

beforeAll(async () => {
  world = await openBrowserWorld();
  idp = await openEvilIdp();
});
afterAll(() => idp.close());

const [foreign, sameKid, ec] = [await newKey('foreign'), await newKey('key-1'), await newKey('key-1', 'ES256')];

/** A connection of its own for each attempt: nothing of an earlier one is remembered. */
async function refuses([, flaw, code]: FlawRow): Promise<void> {
  const before = await sessions();
  idp.misbehave(flaw);
  const bad = await world.signIn(await world.connect(idp.issuer), idp, ann, flaw);
  idp.misbehave({});
  expect(bad).toMatchObject({ signedIn: false, record: { outcome: 'refused', code } });
  expect(bad.status).toBe(code === 'too_large' ? 413 : 403);
  expect(await sessions()).toBe(before);
  for (const told of [code, bad.record?.detail ?? '', '<script>', '<img', 'access_denied', idp.issuer]) {
    expect(bad.page).not.toContain(told);
  }
  expect(JSON.stringify(bad.record)).not.toMatch(/eyJ|client-secret/);
  const good = await world.signIn(await world.connect(idp.issuer), idp, ann);
  expect(good).toMatchObject({ status: 303, signedIn: true });
}

describe.each([
  ['its claims', 'oidc/flaws', claimFlaws],
  ['its signature', 'oidc/flaws', signatureFlaws(foreign, sameKid, ec)],
  ['the redirect', 'oidc/flaws', callbackFlaws],
  ["the IdP's endpoints", 'oidc/endpointFlaws', endpointFlaws],
  ["the IdP's metadata and keys", 'oidc/endpointFlaws', metadataFlaws],
] as const)('an answer with one flaw in %s is refused (SSO-2)', (_part, table, rows) => {
  test.each(sampleOf(table, rows, ([title]) => title))(`%s${sampled}`, (...row) => refuses(row));
});
