/** Attributes that only we can read: EncryptedAttribute beside plain ones (SAML Core §2.7.3.2, SSO-8). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type EncryptionOptions, encryptAttribute, type SamlVendorName } from '../../../src/simulator/index.ts';
import { type Craft, swap } from './craft.ts';
import { refuse } from './refusals.ts';
import { ann, openSamlWorld, type SamlWorld } from './world.ts';

const assertionNs = 'urn:oasis:names:tc:SAML:2.0:assertion';

interface Hidden {
  /** Over the attribute, before it is encrypted. */
  readonly attribute?: (xml: string) => string;
  /** Over what is encrypted, before the IdP signs it. */
  readonly over?: (xml: string) => string;
  readonly options?: EncryptionOptions;
  /** PEM; ours where it is absent. */
  readonly certificate?: string;
}

const same = (xml: string): string => xml;
const emptied = (xml: string): string => xml.replace(/<(\w+:)?AttributeValue[\s\S]*<\/(\w+:)?AttributeValue>/, '');
const named = (name: string) => new RegExp(`<((?:\\w+:)?)Attribute Name="${name}"[\\s\\S]*?</\\1Attribute>`, 'g');

/** By itself, as it has to be to stand in an EncryptedAttribute: with the namespaces that it uses. */
const standalone = (found: string): string =>
  found.replace(/^<((?:\w+):)?Attribute/, (open, prefix: string | undefined) => {
    const own = prefix === undefined ? `xmlns="${assertionNs}"` : `xmlns:${prefix.slice(0, -1)}="${assertionNs}"`;
    return `${open} ${own} xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`;
  });

/** The IdP hides every attribute of this name before it signs. */
const hidden = (name: string, { attribute = same, over = same, options, certificate }: Hidden = {}): Craft => ({
  async assertion(xml, { to }) {
    const found = xml.match(named(name)) ?? [];
    if (found.length === 0) throw new Error(`the message has no attribute ${name}`);
    const pem = certificate ?? to.certificate ?? '';
    const each = found.map(async (one) => over(await encryptAttribute(attribute(standalone(one)), pem, options)));
    const encrypted = await Promise.all(each);
    return xml.replace(named(name), () => encrypted.shift() ?? '');
  },
});

describe('a hidden attribute counts as one that is not hidden', () => {
  let world: SamlWorld;
  beforeAll(async () => {
    world = await openSamlWorld();
  });

  async function groupsOf(connectionId: string): Promise<readonly string[] | undefined> {
    const { read } = world.gatehouse.store;
    const directory = await read.directories.findOne(world.organizationId, { connectionId });
    if (directory === undefined) return undefined;
    const groups = await read.directoryGroups.find(world.organizationId, { directoryId: directory._id });
    const edges = await read.edges.find(world.organizationId, { groupId: { $in: groups.map(({ _id }) => _id) } });
    const held = new Set(edges.map(({ groupId }) => groupId));
    return groups.filter(({ _id }) => held.has(_id)).map(({ displayName }) => displayName);
  }

  test.each<readonly [string, SamlVendorName, string, Hidden]>([
    ['in a signed assertion', 'ping', 'groups', {}],
    ['in both, signed', 'okta', 'groups', {}],
    ['one by one', 'keycloak', 'groups', {}],
    ['in an assertion that is encrypted, too', 'adfs', 'http://schemas.xmlsoap.org/claims/Group', {}],
    [
      'with AES-128 in CBC mode',
      'ping',
      'groups',
      { options: { algorithm: 'http://www.w3.org/2001/04/xmlenc#aes128-cbc' } },
    ],
  ])('groups %s (%s)', async (_title, vendor, name, how) => {
    const pair = await world.connect({ vendor });
    const ended = await world.signIn(pair, hidden(name, how));
    expect(ended.record?.detail).toBeUndefined();
    expect(ended).toMatchObject({ status: 303, signedIn: true });
    expect((await groupsOf(pair.connection._id))?.toSorted()).toEqual(ann.groups.toSorted());
    // Where the IdP hides that there are none, they are gone; it has not said nothing.
    expect(await world.signIn(pair, hidden(name, { attribute: emptied }))).toMatchObject({ signedIn: true });
    expect(await groupsOf(pair.connection._id)).toEqual([]);
  });

  test('the address, by which a person is known', async () => {
    const pair = await world.connect({ vendor: 'keycloak' });
    const person = { ...ann, id: 'u-hidden', email: 'hidden@acme.test' };
    expect(await world.signIn(pair, hidden('email'), person)).toMatchObject({ signedIn: true });
    const identity = await world.gatehouse.store.read.identities.findOne(world.organizationId, {
      connectionId: pair.connection._id,
    });
    expect(identity).toMatchObject({ subject: 'u-hidden', email: 'hidden@acme.test', link: 'linked' });
  });
});

const flip = (value: string): string => {
  const bytes = Buffer.from(value, 'base64');
  bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
  return bytes.toString('base64');
};

describe('a hidden attribute that cannot be read is never passed over', () => {
  refuse({
    'it is for the key of a stranger': {
      craft: ({ keys }) => hidden('groups', { certificate: keys.stranger.certificate }),
      code: 'decryption_failed',
      tells: /attribute cannot be decrypted/,
    },
    'its cipher text was changed': {
      craft: hidden('groups', { over: swap(/(?<=<xenc:CipherValue>)[^<]*/, flip) }),
      code: 'decryption_failed',
    },
    'it is by Triple DES': {
      craft: hidden('groups', { options: { algorithm: 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc' } }),
      code: 'algorithm_refused',
    },
    'it holds nothing': {
      craft: hidden('groups', { over: (xml) => xml.replace(/<xenc:EncryptedData[\s\S]*<\/xenc:EncryptedData>/, '') }),
      code: 'malformed',
    },
    'it holds something else than an attribute': {
      craft: hidden('groups', {
        attribute: () => `<saml:NameID xmlns:saml="${assertionNs}">owner@acme.test</saml:NameID>`,
      }),
      code: 'malformed',
      tells: /not one Attribute/,
    },
    'it holds two': {
      craft: hidden('groups', { attribute: (xml) => xml + xml }),
      code: 'decryption_failed',
    },
    'it holds a bomb': {
      craft: hidden('groups', { attribute: (xml) => `<!DOCTYPE x [<!ENTITY a "lol">]>${xml}` }),
      code: 'decryption_failed',
    },
    'there are more of them than any IdP has': {
      craft: {
        async assertion(xml, { to }) {
          const [found = ''] = xml.match(named('groups')) ?? [];
          const one = await encryptAttribute(standalone(found), to.certificate ?? '');
          return xml.replace(found, () => one.repeat(65));
        },
      },
      code: 'too_large',
      tells: /65 encrypted attributes/,
    },
  });
});

test('a connection without a key tells the Admin to make one, and nobody comes in without their groups (SSO-1)', async () => {
  const world = await openSamlWorld();
  const pair = await world.connect({ vendor: 'ping' });
  const { organizationId, _id: connectionId } = pair.connection;
  await world.run((tx) => tx.connectionKeys.remove(organizationId, { connectionId }));
  expect(await world.signIn(pair, hidden('groups'))).toMatchObject({
    signedIn: false,
    record: { code: 'decryption_failed', detail: expect.stringMatching(/attribute is encrypted.*make one/) },
  });
  expect(await world.signIn(pair)).toMatchObject({ signedIn: true });
});
