/** Documents that are no honest XML, too large, or encrypted to find something out (docs/sso-threats.md, A17, A18, B18 to B26). */

import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import {
  encryptAssertion,
  type SamlVendor,
  samlVendors,
  signXml,
  writeAssertion,
} from '../../../src/simulator/index.ts';
import { type Craft, swap } from './craft.ts';
import { type Flaw, refuse, responseSigned } from './refusals.ts';
import { ann, openSamlWorld } from './world.ts';

const status = '<samlp:Status>';
const aside = (addition: string): Craft => ({ message: swap(status, `${addition}${status}`) });
const ahead = (addition: string): Craft => ({ message: (xml) => addition + xml });
const empties = (count: number) => '<x/>'.repeat(count);

const refuseEach = (codeOf: Flaw['code'], rows: Readonly<Record<string, Craft>>, more: Partial<Flaw> = {}) =>
  refuse(Object.fromEntries(Object.entries(rows).map(([title, craft]) => [title, { craft, code: codeOf, ...more }])));

describe('what is not base64, not UTF-8, not XML', () => {
  refuseEach('malformed', {
    'a field that is not base64': { field: () => '<samlp:Response/>' },
    'base64 for addresses': {
      field: (field) => field.replaceAll('+', '-').replaceAll('/', '_').replace(/^..../, 'AB-_'),
    },
    'base64 without its end': { field: (field) => `${field.replace(/=+$/, '')}A`.slice(0, -((field.length % 4) + 2)) },
    'base64 with something behind it': { field: (field) => `${field.replace(/=*$/, '')}====` },
    'base64 with blanks': { field: (field) => `${field.slice(0, 40)} ${field.slice(40)}` },
    'a deflated message, as of a redirect': { bytes: (bytes) => deflateRawSync(bytes) },
    text: { bytes: () => Buffer.from('hello') },
    JSON: { bytes: () => Buffer.from('{"Response":{}}') },
    'UTF-16': { bytes: (bytes) => Buffer.from(`\ufeff${bytes.toString('utf8')}`, 'utf16le') },
    'UTF-16 without a mark': { bytes: (bytes) => Buffer.from(bytes.toString('utf8'), 'utf16le') },
    'Latin-1': { bytes: (bytes) => Buffer.from(bytes.toString('utf8').replace('>Ann<', '>Änn<'), 'latin1') },
    'UTF-7 by declaration': ahead('<?xml version="1.0" encoding="UTF-7"?>'),
    'UTF-16 by declaration': ahead('<?xml version="1.0" encoding="UTF-16"?>'),
    'EBCDIC by declaration': ahead('<?xml version="1.0" encoding="cp037"?>'),
    'XML 1.1': ahead('<?xml version="1.1" encoding="UTF-8"?>'),
    'a NUL': { message: swap('ann@acme.test</saml:NameID>', 'ann@acme.test\0.evil</saml:NameID>') },
    'a control character': { message: swap('ann@acme.test</saml:NameID>', 'ann\u0001@acme.test</saml:NameID>') },
    'overlong UTF-8': {
      bytes: (bytes) => Buffer.concat([bytes.subarray(0, 40), Buffer.from([0xc0, 0xaf]), bytes.subarray(40)]),
    },
    'a prefix that is bound to nothing': aside('<y:x/>'),
    'a prefix that is bound to an empty name': aside('<x xmlns:y=""/>'),
    'an attribute twice, by two prefixes of one namespace': aside(
      '<x xmlns:a="urn:x" xmlns:b="urn:x" a:who="ann" b:who="owner"/>',
    ),
    'a prefix of XML itself that means something else': aside('<x xmlns:xml="urn:x"/>'),
    'the namespace of XML itself under another prefix': aside('<x xmlns:a="http://www.w3.org/XML/1998/namespace"/>'),
    'a declaration of xmlns itself': aside('<x xmlns:xmlns="urn:x"/>'),
    'the namespace of declarations as a default': aside('<x xmlns="http://www.w3.org/2000/xmlns/"/>'),
    'an end tag too many': { message: (xml) => `${xml}</samlp:Response>` },
    'a second root': { message: (xml) => `${xml}<samlp:Response/>` },
    'text behind the root': { message: (xml) => `${xml}x` },
    'an attribute twice': { message: swap('<samlp:Response ', '<samlp:Response Version="2.0" ') },
    'the first half': { message: (xml) => xml.slice(0, xml.length / 2) },
    'an assertion by itself': { message: (xml) => /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '' },
    'a LogoutResponse': { message: (xml) => xml.replaceAll('samlp:Response', 'samlp:LogoutResponse') },
    'a response of another namespace': {
      message: swap('urn:oasis:names:tc:SAML:2.0:protocol', 'urn:oasis:names:tc:SAML:1.0:protocol'),
    },
  });
});

describe('document types and entities', () => {
  const lol = `<!DOCTYPE x [<!ENTITY a "lol">${'bcdefghij'
    .split('')
    .map((name, index) => `<!ENTITY ${name} "${`&${'abcdefghi'[index]};`.repeat(10)}">`)
    .join('')}]>`;
  refuseEach('malformed', {
    'an empty document type': ahead('<!DOCTYPE Response>'),
    'a document type in small letters': ahead('<!doctype Response>'),
    'an entity': {
      message: (xml) =>
        `<!DOCTYPE x [<!ENTITY e "owner@acme.test">]>${xml.replace('ann@acme.test</saml:NameID>', '&e;</saml:NameID>')}`,
    },
    'a billion laughs': { message: (xml) => `${lol}${xml.replace(status, `<x>&j;</x>${status}`)}` },
    'one long entity many times': {
      message: (xml) =>
        `<!DOCTYPE x [<!ENTITY e "${'x'.repeat(10_000)}">]>${xml.replace(status, `<x>${'&e;'.repeat(1000)}</x>${status}`)}`,
    },
    'a file': {
      message: (xml) =>
        `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${xml.replace('ann@acme.test</saml:NameID>', '&e;</saml:NameID>')}`,
    },
    'an address': ahead('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
    'a parameter entity': ahead('<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:9/x.dtd"> %e;]>'),
    'default attributes': ahead('<!DOCTYPE x [<!ATTLIST samlp:Response ID CDATA "_x">]>'),
    'an entity that nobody has made': { message: swap('ann@acme.test</saml:NameID>', '&nobody;</saml:NameID>') },
    'a style sheet': ahead('<?xml-stylesheet type="text/xsl" href="http://127.0.0.1:9/x.xsl"?>'),
  });
});

refuseEach('signature_invalid', {
  'an XInclude, which is an element like any other, changes what was signed': {
    message: swap(
      '<saml:AuthnStatement',
      '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/><saml:AuthnStatement',
    ),
  },
});

const namespaces = (count: number): string =>
  Array.from({ length: count }, (_, index) => `xmlns:a${index}="urn:a"`).join(' ');

describe('documents that keep a parser busy', () => {
  refuseEach('too_large', {
    'more than 600 KiB': aside(`<x>${'x'.repeat(620_000)}</x>`),
    '42 KiB of empty elements': aside(empties(10_750)),
    '159 KiB of empty elements': aside(empties(40_700)),
    'thousands of CDATA sections': aside(`<x>${'<![CDATA[]]>'.repeat(10_000)}</x>`),
    'elements in elements': aside(`${'<x>'.repeat(1000)}${'</x>'.repeat(1000)}`),
    'an element with more namespaces than any has': aside(`<x ${namespaces(65)}/>`),
    'thousands of attributes': aside(`<x ${Array.from({ length: 12_000 }, (_, index) => `a${index}=""`).join(' ')}/>`),
  });
  refuseEach(
    'signature_invalid',
    {
      'as many empty elements as may be, in what is signed': {
        message: swap('<saml:AuthnStatement', `${empties(4_400)}<saml:AuthnStatement`),
      },
      'as many namespaces as may be, in what is signed': {
        message: swap('<saml:AuthnStatement', `${`<x ${namespaces(64)}/>`.repeat(150)}<saml:AuthnStatement`),
      },
      'as many empty elements as may be, in the response': { message: swap(status, `${empties(4_400)}${status}`) },
    },
    { vendor: responseSigned },
  );

  test('nothing of that takes as long as one honest sign-in of two thousand groups', async () => {
    const world = await openSamlWorld();
    const spend = async (craft: Craft, groups = ann.groups) => {
      const pair = await world.connect({ vendor: responseSigned, jit: false });
      const begun = process.cpuUsage().user;
      await world.signIn(pair, craft, { ...ann, id: 'x', email: 'x@acme.test', groups });
      return process.cpuUsage().user - begun;
    };
    await spend({});
    const honest = await spend(
      {},
      Array.from({ length: 2000 }, (_, index) => `group-${index}`),
    );
    for (const count of [4_400, 40_000]) {
      expect(
        await spend({ message: swap('<saml:AuthnStatement', `${empties(count)}<saml:AuthnStatement`) }),
      ).toBeLessThan(honest);
    }
  });
});

describe('encrypted assertions', () => {
  const encrypting = 'shibboleth';
  const subjectId = 'urn:oasis:names:tc:SAML:attribute:subject-id';
  const connection = { claims: { subject: [subjectId] } };
  /** The response is not signed: only what is inside may be. */
  const inner: SamlVendor = { ...samlVendors.adfs, signs: { response: false, assertion: true } };
  const bare: SamlVendor = { ...samlVendors.adfs, signs: { response: false, assertion: false } };
  const cipher = (index: number, change: (value: string) => string) => (xml: string) => {
    let at = -1;
    return xml.replace(/(<(?:\w+:)?CipherValue>)([^<]*)/g, (found, open: string, value: string) => {
      at += 1;
      return at === index ? open + change(value) : found;
    });
  };
  const flip = (value: string): string => {
    const bytes = Buffer.from(value, 'base64');
    bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
    return bytes.toString('base64');
  };
  const oaepName = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';

  refuseEach(
    'algorithm_refused',
    {
      'Triple DES': { encryption: { algorithm: 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc' } },
      'RSA with PKCS #1 v1.5': { encryption: { keyAlgorithm: 'http://www.w3.org/2001/04/xmlenc#rsa-1_5' } },
      'no algorithm': { encrypted: swap('Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"', 'Algorithm=""') },
      'an algorithm that nobody knows': { encrypted: (xml) => xml.replace(oaepName, 'urn:x') },
    },
    { vendor: inner },
  );

  refuseEach(
    'decryption_failed',
    {
      'the cipher text was changed': { encrypted: cipher(1, flip) },
      'the cipher text is short': { encrypted: cipher(1, () => 'AAAA') },
      'the cipher text is empty': { encrypted: cipher(1, () => '') },
      'the key was changed': { encrypted: cipher(0, flip) },
      'the key is short': { encrypted: cipher(0, () => 'AAAA') },
      'what is inside is no XML': { signedAssertion: () => 'hello' },
      'what is inside is a bomb': { signedAssertion: (xml) => `<!DOCTYPE x [<!ENTITY a "lol">]>${xml}` },
      'what is inside is too much': { signedAssertion: swap('<AuthnStatement', `${empties(20_000)}<AuthnStatement`) },
      'what is inside has comments': {
        signedAssertion: swap('@acme.test</NameID>', '@acme.test<!---->.evil</NameID>'),
      },
    },
    {
      vendor: { ...inner, encrypts: 'http://www.w3.org/2009/xmlenc11#aes256-gcm' },
      tells: /^The assertion cannot be decrypted with any key/,
    },
  );

  refuse({
    'for the key of a stranger': {
      vendor: inner,
      craft: (world) => ({
        encrypted: async (_xml, { facts }) =>
          encryptAssertion(`<Assertion ID="${facts.assertionId}"/>`, world.keys.stranger.certificate),
      }),
      code: 'decryption_failed',
      tells: /^The assertion cannot be decrypted with any key/,
    },
    'signed by nobody': {
      vendor: inner,
      craft: { signedAssertion: (xml) => xml.replace(/<ds:Signature[\s\S]*<\/ds:Signature>/, '') },
      code: 'unsigned',
    },
    'signed by a stranger': {
      vendor: inner,
      craft: (world) => ({
        signedAssertion: (xml) =>
          signXml(xml.replace(/<ds:Signature[\s\S]*<\/ds:Signature>/, ''), 'Assertion', world.keys.stranger),
      }),
      code: 'signature_invalid',
    },
    'changed after it was signed': {
      vendor: inner,
      craft: { signedAssertion: swap('ann@acme.test</NameID>', 'owner@acme.test</NameID>') },
      code: 'signature_invalid',
    },
    'signed inside, in a response that a stranger has signed': {
      vendor: inner,
      craft: (world) => ({ message: (xml) => signXml(xml, 'Response', world.keys.stranger) }),
      code: 'signature_invalid',
    },
    'unsigned inside, in a response whose signature is gone': {
      vendor: encrypting,
      connection,
      craft: { message: swap(/<ds:Signature[\s\S]*?<\/ds:Signature>/, '') },
      code: 'unsigned',
    },
    'another one than the response was signed with': {
      vendor: encrypting,
      connection,
      craft: (world) => ({
        message: async (xml) => {
          const evil = await encryptAssertion(
            '<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>',
            world.keys.own.certificate,
          );
          return xml.replace(/<saml:EncryptedAssertion[\s\S]*<\/saml:EncryptedAssertion>/, () => evil);
        },
      }),
      code: 'signature_invalid',
      tells: /changed after/,
    },
    'two assertions inside': {
      vendor: inner,
      craft: { signedAssertion: swap('</Assertion>', '<Advice><Assertion/></Advice></Assertion>') },
      code: 'malformed',
    },
    'a response inside': { vendor: inner, craft: { signedAssertion: (xml) => `<x>${xml}</x>` }, code: 'malformed' },
    'two encrypted assertions': { vendor: inner, craft: { encrypted: (xml) => xml + xml }, code: 'malformed' },
    'two keys': {
      vendor: inner,
      craft: { encrypted: swap(/<e:EncryptedKey[\s\S]*<\/e:EncryptedKey>/, (found) => found + found) },
      code: 'malformed',
    },
    'a cipher text that is elsewhere': {
      vendor: inner,
      craft: {
        encrypted: swap(
          /<xenc:CipherValue>[^<]*<\/xenc:CipherValue>/,
          '<xenc:CipherReference URI="https://evil.example/x"/>',
        ),
      },
      code: 'malformed',
    },
    'a key that is named by an expression': {
      vendor: inner,
      craft: { encrypted: swap(/<e:EncryptedKey/, `<RetrievalMethod URI="#x' or '1'='1"/><e:EncryptedKey`) },
      code: 'malformed',
    },
    'plain, where the connection asks for encrypted ones': {
      vendor: inner,
      connection: { saml: { requireEncryption: true } },
      craft: {
        encrypted: (_xml, { facts, idp }) => signXml(writeAssertion(facts, idp.vendor.hand), 'Assertion', idp.keys[0]),
      },
      code: 'decryption_failed',
      tells: /asks for encrypted/,
    },
  });

  test('the honest twin of an unsigned one is a signed one', async () => {
    const world = await openSamlWorld();
    expect(await world.signIn(await world.connect({ vendor: bare }))).toMatchObject({ signedIn: false });
    expect(await world.signIn(await world.connect({ vendor: inner }))).toMatchObject({ signedIn: true });
  });
});
