/** Where exactly it begins to be wrong: addresses that nearly are ours, instants at the edge of what is tolerated (docs/sso-threats.md, A12 to A14, A23, B3, B4). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ResponseFacts } from '../../../src/simulator/index.ts';
import type { SignInFaultCode } from '../../../src/sso/protocol.ts';
import { type Craft, swap } from './craft.ts';
import { type Flaw, refuse } from './refusals.ts';
import { openSamlWorld, type SamlWorld } from './world.ts';

/** To a careless reader each is the same address. */
const nearly: Readonly<Record<string, (url: string) => string>> = {
  'in capitals': (url) => url.toUpperCase(),
  'with its host in capitals': (url) => url.replace('gatehouse', 'GateHouse'),
  'with its scheme in capitals': (url) => url.replace('http', 'HTTP'),
  'by another scheme': (url) => url.replace('http:', 'https:'),
  'with a slash behind it': (url) => `${url}/`,
  'with two slashes in it': (url) => url.replace('/sso', '//sso'),
  'with a detour': (url) => url.replace('/sso', '/x/../sso'),
  'with its port': (url) => url.replace('.test', '.test:80'),
  'with another port': (url) => url.replace('.test', '.test:8080'),
  'with a dot behind its host': (url) => url.replace('.test', '.test.'),
  'with an empty query': (url) => `${url}?`,
  'with a query': (url) => `${url}?x=1`,
  'with a fragment': (url) => `${url}#x`,
  'with an escape': (url) => url.replace('/sso', '/s%73o'),
  'with a user': (url) => url.replace('//', '//gatehouse@'),
  'of which ours is only the beginning': (url) => `${url}.evil.example`,
  'of another host, ours in its path': (url) => url.replace('//', '//evil.example/'),
  'with a blank before it': (url) => ` ${url}`,
  'with a blank behind it': (url) => `${url} `,
  'of another connection': (url) => url.replace(/con-.{8}/, 'con-00000000'),
};

const facts = (change: (honest: ResponseFacts) => Partial<ResponseFacts>): Craft => ({
  facts: (honest) => ({ ...honest, ...change(honest) }),
});

const rows = (code: SignInFaultCode, make: (nearlyOurs: (url: string) => string) => Craft): Record<string, Flaw> =>
  Object.fromEntries(Object.entries(nearly).map(([title, change]) => [title, { craft: make(change), code }]));

describe('a Recipient that is our address', () => {
  refuse(rows('recipient_mismatch', (change) => facts(({ recipient }) => ({ recipient: change(recipient) }))));
});

describe('a Destination that is our address', () => {
  refuse(
    rows('recipient_mismatch', (change) => facts(({ destination = '' }) => ({ destination: change(destination) }))),
  );
});

describe('an Audience that is our name', () => {
  refuse(rows('audience_mismatch', (change) => facts(({ audience }) => ({ audience: change(audience) }))));
});

describe('an instant counts', () => {
  const now = Date.parse('2026-06-01T12:00:00.000Z');
  let world: SamlWorld;
  beforeAll(async () => {
    world = await openSamlWorld({ clock: { now: () => new Date(now) } });
  });

  const minute = 60_000;
  const iso = (offset: number): string => new Date(now + offset).toISOString();
  const inConfirmation = (name: string, offset: number): Craft => ({
    assertion: (xml) =>
      swap(
        '<saml:SubjectConfirmationData ',
        `<saml:SubjectConfirmationData ${name}="${iso(offset)}" `,
      )(name === 'NotOnOrAfter' ? xml.replace(/(<saml:SubjectConfirmationData) NotOnOrAfter="[^"]*"/, '$1') : xml),
  });

  test.each<readonly [string, (offset: number) => Craft, number, number, SignInFaultCode]>([
    [
      'NotOnOrAfter of the Conditions, a minute ago',
      (at) => facts(() => ({ notOnOrAfter: iso(at) })),
      1 - minute,
      -minute,
      'expired',
    ],
    [
      'NotOnOrAfter of the confirmation, a minute ago',
      (at) => inConfirmation('NotOnOrAfter', at),
      1 - minute,
      -minute,
      'expired',
    ],
    [
      'NotBefore of the Conditions, in a minute',
      (at) => facts(() => ({ notBefore: iso(at) })),
      minute,
      minute + 1,
      'not_yet_valid',
    ],
    [
      'NotBefore of the confirmation, in a minute',
      (at) => inConfirmation('NotBefore', at),
      minute,
      minute + 1,
      'not_yet_valid',
    ],
    [
      'IssueInstant, in a minute',
      (at) => facts(() => ({ issueInstant: iso(at) })),
      minute,
      minute + 1,
      'not_yet_valid',
    ],
    [
      'IssueInstant, half an hour and a minute ago',
      (at) => facts(() => ({ issueInstant: iso(at) })),
      -31 * minute,
      -31 * minute - 1,
      'expired',
    ],
    [
      'AuthnInstant, in a minute',
      (at) => facts(() => ({ authnInstant: iso(at) })),
      minute,
      minute + 1,
      'not_yet_valid',
    ],
    [
      'SessionNotOnOrAfter, a minute ago',
      (at) => facts(() => ({ sessionNotOnOrAfter: iso(at) })),
      1 - minute,
      -minute,
      'expired',
    ],
  ])('%s, and a millisecond further no more', async (_title, make, good, bad, code) => {
    const pair = await world.connect({ vendor: 'ping' });
    const refused = await world.signIn(pair, make(bad));
    expect({ signedIn: refused.signedIn, code: refused.record?.code }).toEqual({ signedIn: false, code });
    const accepted = await world.signIn(pair, make(good));
    expect({ signedIn: accepted.signedIn, detail: accepted.record?.detail }).toEqual({
      signedIn: true,
      detail: undefined,
    });
  });
});
