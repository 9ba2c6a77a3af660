/** Names that only we can read: EncryptedID in assertions and in requests to log out (SAML Core §2.2.4, SSO-6). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { findLiveSession } from '../../../src/access/index.ts';
import {
  type EncryptionOptions,
  encryptName,
  newSamlId,
  type SamlVendorName,
  signForm,
  signRedirect,
  writeLogoutRequest,
} from '../../../src/simulator/index.ts';
import { type Craft, craftResponse, swap } from './craft.ts';
import { refuse, responseSigned } from './refusals.ts';
import { ann, openSamlWorld, type Pair, type SamlWorld } from './world.ts';

const assertionNs = 'urn:oasis:names:tc:SAML:2.0:assertion';
const nameId = /<((?:\w+:)?)NameID[^>]*>[^<]*<\/\1NameID>/;

interface Hidden {
  /** Over the name, before it is encrypted. */
  readonly name?: (xml: string) => string;
  /** Over what is encrypted, before the IdP signs it. */
  readonly over?: (xml: string) => string;
  readonly options?: EncryptionOptions;
  /** PEM; ours where it is absent. */
  readonly certificate?: string;
}

const same = (xml: string): string => xml;

/** By itself, as it has to be to stand in an EncryptedID: with its own namespace. */
const standalone = (found: string): string =>
  found.replace(/^<((?:\w+):)?NameID/, (open, prefix: string | undefined) =>
    prefix === undefined ? `${open} xmlns="${assertionNs}"` : `${open} xmlns:${prefix.slice(0, -1)}="${assertionNs}"`,
  );

async function hide(
  xml: string,
  certificate: string,
  { name = same, over = same, options }: Hidden = {},
): Promise<string> {
  const [found] = nameId.exec(xml) ?? [];
  if (found === undefined) throw new Error('the message names nobody');
  const encrypted = over(await encryptName(name(standalone(found)), certificate, options));
  return xml.replace(nameId, () => encrypted);
}

/** The IdP hides the name before it signs. */
const hidden = (how: Hidden = {}): Craft => ({
  assertion: (xml, { to }) => hide(xml, how.certificate ?? to.certificate ?? '', how),
});

const key = /<e:EncryptedKey[\s\S]*<\/e:EncryptedKey>/;
const xenc = 'http://www.w3.org/2001/04/xmlenc#';
const flip = (value: string): string => {
  const bytes = Buffer.from(value, 'base64');
  bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
  return bytes.toString('base64');
};
const ofData = swap(/(?<=<xenc:CipherValue>)[^<]*/, flip);
const ofKey = swap(/(?<=<e:CipherValue>)[^<]*/, flip);

describe('a hidden name is the name of the person (SSO-6)', () => {
  let world: SamlWorld;
  beforeAll(async () => {
    world = await openSamlWorld();
  });

  test.each<readonly [string, SamlVendorName, Hidden]>([
    ['in a signed assertion', 'ping', {}],
    ['in a signed response', 'onelogin', {}],
    ['in both', 'okta', {}],
    ['in an assertion that is encrypted, too', 'adfs', {}],
    ['with AES-128 in CBC mode', 'ping', { options: { algorithm: `${xenc}aes128-cbc` } }],
    [
      'with its key beside the data',
      'ping',
      {
        over: (xml) =>
          xml
            .replace(/<KeyInfo[\s\S]*<\/KeyInfo>/, '')
            .replace('</saml:EncryptedID>', () => `${key.exec(xml)?.[0] ?? ''}</saml:EncryptedID>`),
      },
    ],
    ['with the namespace that is told around it', 'ping', { name: swap(/ xmlns:saml="[^"]*"/, '') }],
    ['with an XML declaration', 'ping', { name: (xml) => `<?xml version="1.0" encoding="UTF-8"?>${xml}` }],
  ])('%s (%s)', async (_title, vendor, how) => {
    const pair = await world.connect({ vendor });
    const ended = await world.signIn(pair, hidden(how));
    expect(ended.record?.detail).toBeUndefined();
    expect(ended).toMatchObject({ status: 303, signedIn: true });
    const identity = await world.gatehouse.store.read.identities.findOne(world.organizationId, {
      connectionId: pair.connection._id,
    });
    expect(identity).toMatchObject({ subject: 'ann@acme.test', link: 'linked' });
    // Next time it is not hidden: the same person.
    expect(await world.signIn(pair)).toMatchObject({ signedIn: true });
    expect(
      await world.gatehouse.store.read.identities.count(world.organizationId, { connectionId: pair.connection._id }),
    ).toBe(1);
  });

  test('a passing one is refused as one that is not hidden, where no attribute names the person', async () => {
    const pair = await world.connect({ vendor: 'ping' });
    const passing = hidden({
      name: swap('1.1:nameid-format:unspecified', '2.0:nameid-format:transient'),
    });
    expect(await world.signIn(pair, passing)).toMatchObject({ signedIn: false, record: { code: 'subject_invalid' } });
  });

  test('a connection without a key tells the Admin to make one (SSO-1)', async () => {
    const pair = await world.connect({ vendor: 'ping' });
    const { organizationId, _id: connectionId } = pair.connection;
    await world.run((tx) => tx.connectionKeys.remove(organizationId, { connectionId }));
    const { record } = await world.signIn(pair, hidden());
    expect(record).toMatchObject({
      code: 'decryption_failed',
      detail: expect.stringMatching(/^The NameID .* has no key/),
    });
  });
});

describe('a hidden name that is none', () => {
  const honest = hidden();
  const failed = { honest, code: 'decryption_failed', tells: /^The NameID cannot be decrypted with any key/ } as const;
  refuse({
    'its cipher text was changed on the way': {
      craft: { ...honest, message: ofData },
      code: 'signature_invalid',
      honest,
    },
    'another hidden name was put in its place': {
      craft: (world) => ({
        ...honest,
        message: async (xml) => {
          const evil = await encryptName(
            `<NameID xmlns="${assertionNs}">owner@acme.test</NameID>`,
            world.keys.own.certificate,
          );
          return xml.replace(/<saml:EncryptedID[\s\S]*<\/saml:EncryptedID>/, () => evil);
        },
      }),
      code: 'signature_invalid',
      honest,
    },
    'and nobody has signed': {
      craft: { ...honest, message: swap(/<ds:Signature[ >][\s\S]*?<\/ds:Signature>/, '') },
      code: 'unsigned',
      honest,
    },
    'its cipher text is broken': { craft: hidden({ over: ofData }), ...failed },
    'its key is broken': { craft: hidden({ over: ofKey }), ...failed },
    'it is for a stranger': {
      craft: (world) => hidden({ certificate: world.keys.stranger.certificate }),
      ...failed,
    },
    'it is no XML': { craft: hidden({ name: () => 'ann@acme.test' }), ...failed },
    'it has a document type': {
      craft: hidden({ name: (xml) => `<!DOCTYPE x [<!ENTITY e "owner">]>${xml}` }),
      ...failed,
    },
    'it has a comment': {
      craft: hidden({ name: swap('ann@acme.test', 'ann@acme.test<!---->.evil') }),
      ...failed,
    },
    'it has two': { craft: hidden({ name: (xml) => xml + xml }), ...failed },
    'it is of a namespace that nobody tells': {
      craft: hidden({ name: (xml) => xml.replace(/ xmlns:saml="[^"]*"/, '').replaceAll('saml:', 'x:') }),
      ...failed,
    },
    'it is of Triple DES': {
      craft: hidden({ options: { algorithm: `${xenc}tripledes-cbc` } }),
      code: 'algorithm_refused',
      honest,
    },
    'its key is by PKCS #1 v1.5': {
      craft: hidden({ options: { keyAlgorithm: `${xenc}rsa-1_5` } }),
      code: 'algorithm_refused',
      honest,
    },
    'it has two keys': {
      craft: hidden({ over: swap(key, (found) => found + found) }),
      code: 'malformed',
      tells: /EncryptedID must hold one EncryptedData/,
      honest,
    },
    'its cipher text is elsewhere': {
      craft: hidden({
        over: swap(
          /<xenc:CipherValue>[^<]*<\/xenc:CipherValue>/,
          '<xenc:CipherReference URI="https://evil.example/x"/>',
        ),
      }),
      code: 'malformed',
      honest,
    },
    'it is an assertion': {
      craft: hidden({ name: () => `<Assertion xmlns="${assertionNs}"/>` }),
      code: 'subject_invalid',
      tells: /not one NameID/,
      honest,
    },
    'it is a NameID of another namespace': {
      craft: hidden({ name: () => '<NameID xmlns="urn:evil">ann@acme.test</NameID>' }),
      code: 'subject_invalid',
      honest,
    },
    'it holds an element': {
      craft: hidden({ name: swap('ann@acme.test', 'ann@acme.test<x/>.evil') }),
      code: 'subject_invalid',
      honest,
    },
    'it is empty': { craft: hidden({ name: swap('ann@acme.test', '') }), code: 'subject_invalid', honest },
    'it has blanks around it': {
      craft: hidden({ name: swap('ann@acme.test', ' ann@acme.test') }),
      code: 'subject_invalid',
      honest,
    },
    'there are two': {
      craft: hidden({ over: (xml) => xml + xml.replaceAll(/ Id="[^"]*"/g, '') }),
      code: 'subject_invalid',
      tells: /2 names/,
      honest,
    },
    'there is a plain one beside it': {
      craft: hidden({ over: (xml) => `<saml:NameID>owner@acme.test</saml:NameID>${xml}` }),
      code: 'subject_invalid',
      tells: /2 names/,
      honest,
    },
    'and the response is signed, but says another name now': {
      vendor: responseSigned,
      craft: {
        ...honest,
        message: swap(/<saml:EncryptedID[\s\S]*<\/saml:EncryptedID>/, '<saml:NameID>owner@acme.test</saml:NameID>'),
      },
      code: 'signature_invalid',
      honest,
    },
  });
});

describe('a request to log out may hide the name, too', () => {
  let world: SamlWorld;
  beforeAll(async () => {
    world = await openSamlWorld();
  });

  async function signIn(pair: Pair): Promise<string> {
    const left = await world.start(pair);
    const field = await craftResponse(pair.idp, pair.to, ann, {
      request: left.request.id,
      at: world.now(),
      craft: hidden(),
    });
    const answer = await world.gatehouse.request
      .post(`/sso/saml/${pair.connection._id}/acs`)
      .set('cookie', left.cookie)
      .type('form')
      .send({ SAMLResponse: field, RelayState: left.relayState });
    return /gatehouse-session=([^;]+)/.exec(String(answer.headers['set-cookie']))?.[1] ?? '';
  }

  const lives = async (token: string) =>
    (await findLiveSession(world.gatehouse.store.read, token, world.now())) !== undefined;

  async function ask(pair: Pair, binding: 'redirect' | 'post', how: Hidden = {}, name = ann.email): Promise<number> {
    const path = `/sso/saml/${pair.connection._id}/slo`;
    const destination = pair.to.acsUrl.replace(/acs$/, 'slo');
    const facts = { id: newSamlId(), issuer: pair.idp.entityId, destination, at: world.now() };
    const plain = writeLogoutRequest(facts, { nameId: name });
    const xml = await hide(plain, how.certificate ?? pair.to.certificate ?? '', how);
    const [signer] = pair.idp.keys;
    const { request } = world.gatehouse;
    const sent =
      binding === 'redirect'
        ? request.get(`${path}?${signRedirect('SAMLRequest', xml, signer)}`)
        : request
            .post(path)
            .type('form')
            .send({ SAMLRequest: signForm('SAMLRequest', xml, signer) });
    return (await sent).status;
  }

  test.each(['redirect', 'post'] as const)(
    'by %s: who cannot be read ends nothing, and who is somebody else ends nobody',
    async (binding) => {
      const pair = await world.connect({ vendor: 'ping' });
      const token = await signIn(pair);
      const flaws: readonly Hidden[] = [
        { over: ofData },
        { over: ofKey },
        { certificate: world.keys.stranger.certificate },
        { name: () => `<Assertion xmlns="${assertionNs}"/>` },
        { options: { algorithm: `${xenc}tripledes-cbc` } },
        { over: (xml) => `<saml:NameID>x</saml:NameID>${xml}` },
        { over: () => '<saml:EncryptedID/>' },
        { over: () => '<saml:BaseID/>' },
      ];
      for (const how of flaws) expect(await ask(pair, binding, how)).toBe(403);
      expect(await ask(pair, binding, {}, 'bea@acme.test')).toBe(303);
      expect(await lives(token)).toBe(true);
      expect(await ask(pair, binding)).toBe(303);
      expect(await lives(token)).toBe(false);
    },
  );
});
