/** The head of a signed response: what the posted document says of itself counts only as far as it is signed (docs/sso-threats.md, A19). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { SamlVendorName } from '../../../src/simulator/index.ts';
import { type Craft, swap } from './craft.ts';
import { type Flaw, refuse, responseSigned } from './refusals.ts';
import { openSamlWorld, type SamlWorld } from './world.ts';

const signature = /<ds:Signature[ >][\s\S]*?<\/ds:Signature>/;
const status = /<samlp:Status>[\s\S]*?<\/samlp:Status>/;
const failed = (xml: string): string => xml.replace('status:Success', 'status:AuthnFailed');
const head = /<samlp:Response [^>]*>/;
const inHead = (pattern: RegExp, replacement: string): ((xml: string) => string) =>
  swap(head, (found) => swap(pattern, replacement)(found));
const elsewhere = inHead(/ Destination="[^"]*"/, ' Destination="https://other.example/acs"');
const another = inHead(/ InResponseTo="[^"]*"/, ' InResponseTo="_another"');
const stranger = swap(/(?<=<samlp:Response [^>]*><saml:Issuer[^>]*>)[^<]*/, 'https://evil.example');
const old = inHead(/ IssueInstant="[^"]*"/, ' IssueInstant="2020-01-01T00:00:00.000Z"');

/** The IdP signs one thing, and another is posted: `post` makes it of what was signed. */
const posted = (sign: (xml: string) => string, post: (xml: string) => string): Craft => ({
  response: sign,
  message: post,
});
const same = (xml: string): string => xml;

/** The document that was signed, whole, somewhere in one that says what the attacker wants. */
const around =
  (place: (original: string) => (xml: string) => string, want: (xml: string) => string) =>
  (xml: string): string =>
    place(xml)(want(xml.replace(signature, '').replace(/ ID="_/, ' ID="_evil')));
const inExtensions = (original: string) =>
  swap(status, (found) => `<samlp:Extensions>${original}</samlp:Extensions>${found}`);
const inDetail = (original: string) =>
  swap('</samlp:Status>', `<samlp:StatusDetail>${original}</samlp:StatusDetail></samlp:Status>`);

const refuseEach = (code: Flaw['code'], rows: Readonly<Record<string, Craft>>) =>
  refuse(
    Object.fromEntries(Object.entries(rows).map(([title, craft]) => [title, { vendor: responseSigned, craft, code }])),
  );

describe('posted is something else than was signed', () => {
  refuseEach('signature_invalid', {
    'another Status': posted(same, swap('status:Success', 'status:Responder')),
    'a second level of the Status': posted(
      same,
      swap(/<samlp:StatusCode[^>]*\/>/, (found) =>
        found.replace('/>', '><samlp:StatusCode Value="urn:x"/></samlp:StatusCode>'),
      ),
    ),
    'success, where the IdP has signed a failure': posted(failed, swap('status:AuthnFailed', 'status:Success')),
    'our Destination, where another was signed': posted(elsewhere, (xml) =>
      xml.replace('https://other.example/acs', /Recipient="([^"]*)"/.exec(xml)?.[1] ?? ''),
    ),
    'another Destination': posted(same, elsewhere),
    'no Destination': posted(same, inHead(/ Destination="[^"]*"/, '')),
    'our request, where another was signed': posted(another, (xml) =>
      swap('InResponseTo="_another"', / InResponseTo="_[0-9a-f]{40}"/.exec(xml)?.[0].trim() ?? '')(xml),
    ),
    'another request': posted(same, another),
    'no request': posted(same, inHead(/ InResponseTo="[^"]*"/, '')),
    "the IdP's Issuer, where a stranger's was signed": posted(stranger, (xml) =>
      xml.replace('https://evil.example', /<saml:Assertion[\s\S]*?<saml:Issuer>([^<]*)/.exec(xml)?.[1] ?? ''),
    ),
    'another Issuer': posted(same, stranger),
    'no Issuer': posted(same, swap(/<saml:Issuer xmlns[^<]*<\/saml:Issuer>/, '')),
    'a new IssueInstant, where an old one was signed': posted(old, (xml) =>
      xml.replace('2020-01-01T00:00:00.000Z', /Assertion [^>]*IssueInstant="([^"]*)"/.exec(xml)?.[1] ?? ''),
    ),
    'another Version': posted(same, inHead(/ Version="2.0"/, ' Version="2.1"')),
    'another id, of signature and response': posted(same, (xml) => {
      const id = /<samlp:Response [^>]* ID="([^"]*)"/.exec(xml)?.[1] ?? '';
      return xml.replaceAll(id, '_another');
    }),
    'a Consent that nobody has signed': posted(same, inHead(/ Version/, ' Consent="urn:x" Version')),
    'a Destination of another namespace beside the signed one': posted(
      same,
      inHead(/ Version/, ' xmlns:x="urn:x" x:Destination="https://other.example" Version'),
    ),
  });
  refuseEach('malformed', {
    'the signed failure in Extensions of a success': posted(
      failed,
      around(inExtensions, swap('AuthnFailed', 'Success')),
    ),
    'the signed failure in the detail of a success': posted(failed, around(inDetail, swap('AuthnFailed', 'Success'))),
    'the signed response for elsewhere in Extensions of one for us': posted(
      elsewhere,
      around(inExtensions, (xml) =>
        xml.replace('https://other.example/acs', /Recipient="([^"]*)"/.exec(xml)?.[1] ?? ''),
      ),
    ),
    'two of the Issuer, the first of them signed': posted(
      same,
      swap(/<saml:Issuer xmlns[^<]*<\/saml:Issuer>/, (found) => found + found),
    ),
    'two of the Status': posted(
      same,
      swap(status, (found) => found + failed(found)),
    ),
  });
});

describe('what is signed counts as it is', () => {
  let world: SamlWorld;
  beforeAll(async () => {
    world = await openSamlWorld();
  });
  const code = async (vendor: SamlVendorName, craft: Craft) =>
    (await world.signIn(await world.connect({ vendor }), craft)).record?.code;

  test.each<readonly [string, (xml: string) => string, Flaw['code']]>([
    ['a failure', failed, 'idp_refused'],
    ['another Destination', elsewhere, 'recipient_mismatch'],
    ['another request', another, 'request_mismatch'],
    ["a stranger's Issuer", stranger, 'issuer_mismatch'],
    ['an old IssueInstant', old, 'expired'],
  ])('%s, signed', async (_title, says, expected) => {
    expect(await code(responseSigned, { response: says })).toBe(expected);
    expect(await code(responseSigned, {})).toBeUndefined();
  });

  test('namespaces that nobody uses may be declared around it, since they are in no canonical form', async () => {
    const declared = inHead(/ Version/, ' xmlns:unused="urn:unused" Version');
    expect(await code(responseSigned, { message: declared })).toBeUndefined();
  });
});
