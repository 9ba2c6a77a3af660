/** Messages that honest IdPs send beside the usual: odd to read, and right by the standards (SSO-1). */
import { createHash, createSign } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { DOMParser } from '@xmldom/xmldom';
import { ExclusiveCanonicalization } from 'xml-crypto';
import type { SamlVendorName } from '../../../src/simulator/index.ts';
import { type Craft, type CraftContext, swap } from './craft.ts';
import { openSamlWorld, type SamlWorld } from './world.ts';

let world: SamlWorld;
beforeAll(async () => {
  world = await openSamlWorld();
});

const dsig = 'http://www.w3.org/2000/09/xmldsig#';
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const signed = (pattern: string | RegExp, replacement: string | ((found: string) => string)): Craft => ({
  assertion: swap(pattern, replacement),
});
const inKeyInfo = (inside: string): Craft => ({
  message: swap(/<ds:KeyInfo>[\s\S]*?<\/ds:KeyInfo>/, inside === '' ? '' : `<ds:KeyInfo>${inside}</ds:KeyInfo>`),
});
const ahead = (text: string): Craft => ({ message: (xml) => `${text}${xml}` });
const namedBy = (value: string, format = '1.1:nameid-format:unspecified'): Craft => ({
  facts: (facts) => ({ ...facts, nameId: { value, format: `urn:oasis:names:tc:SAML:${format}` } }),
});
/** Every instant of the message, as another clock would write it. */
const everyInstant = (write: (text: string) => string): Craft => {
  const all = (xml: string) => xml.replace(/(?<=(?:Instant|NotBefore|NotOnOrAfter)=")[^"]+/g, write);
  return { assertion: all, response: all };
};
const restriction = /<saml:AudienceRestriction>[\s\S]*?<\/saml:AudienceRestriction>/;
const confirmation = /<saml:SubjectConfirmation [\s\S]*?<\/saml:SubjectConfirmation>/;
const value = /<saml:AttributeValue[^>]*>ann@acme.test<\/saml:AttributeValue>/;

/**
 * Signs anew, over SignedInfo as `change` leaves it: written here by hand, in its canonical form, and signed by node's own means, so that what
 * verifies it has had no part in it.
 */
function signAnew(xml: string, { idp }: CraftContext, change: (info: string) => string, kept = ''): string {
  const [found = ''] = /<ds:SignedInfo>[\s\S]*?<\/ds:SignedInfo>/.exec(xml) ?? [];
  const expanded = found
    .replace(/<([\w:]+)([^<>]*)\/>/g, '<$1$2></$1>')
    .replace(/(<InclusiveNamespaces) (PrefixList="[^"]*") (xmlns="[^"]*")/g, '$1 $3 $2');
  const info = change(expanded);
  const canonical = info.replace('<ds:SignedInfo>', `<ds:SignedInfo xmlns:ds="${dsig}"${kept}>`);
  const signature = createSign('RSA-SHA256').update(canonical).sign(idp.keys[0].privateKey, 'base64');
  return swap(/<ds:SignatureValue>[^<]*/, `<ds:SignatureValue>${signature}`)(xml.replace(found, () => info));
}

/** SignedInfo is told which prefixes to keep, too, as Santuario and .NET can be. */
const keepsInInfo: Craft = {
  message(xml, context) {
    const list = `<ec:InclusiveNamespaces xmlns:ec="${exclusive}" PrefixList="saml xs"></ec:InclusiveNamespaces>`;
    const change = (info: string) => info.replace(/(<ds:CanonicalizationMethod [^>]*>)/, `$1${list}`);
    return signAnew(xml, context, change, ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"');
  },
};

/**
 * A value has prefixes and attributes that people would order otherwise than Canonical XML does: by the numbers of letters, and by namespace
 * before name. What signs here orders them as people do; the digest is of the right order.
 */
const orderedByNumber: Craft = {
  assertion: swap(
    '<saml:AttributeValue',
    '<saml:AttributeValue xmlns:b="urn:xa" xmlns:Saml="urn:x" b:b="1" Saml:zz="2" Z="3" a="4"',
  ),
  message(xml, context) {
    const assertion = xml.replace(/<ds:Signature [\s\S]*<\/ds:Signature>/, '');
    const { documentElement } = new DOMParser().parseFromString(assertion, 'text/xml');
    const [element] = Array.from(documentElement.getElementsByTagName('saml:Assertion'));
    if (element === undefined) throw new Error('the message has no assertion');
    const asPeople = String(
      new ExclusiveCanonicalization().process(element, { inclusiveNamespacesPrefixList: ['xs'] }),
    );
    const canonical = swap(
      / xmlns:b="urn:xa" xmlns:Saml="urn:x"([^<>]*) Z="3" a="4"([^<>]*) b:b="1" Saml:zz="2"/,
      (found) =>
        found
          .replace(' xmlns:b="urn:xa" xmlns:Saml="urn:x"', ' xmlns:Saml="urn:x" xmlns:b="urn:xa"')
          .replace(' b:b="1" Saml:zz="2"', ' Saml:zz="2" b:b="1"'),
    )(asPeople);
    const digest = createHash('sha256').update(canonical).digest('base64');
    return signAnew(xml, context, swap(/(?<=<ds:DigestValue>)[^<]*/, digest));
  },
};

/** A default namespace around the assertion that none of its elements is in, and that its canonical form is told to keep. */
const keepsDefault: Craft = {
  signAssertion: { inclusivePrefixes: ['#default', 'saml'] },
  message(xml, context) {
    const around = ' xmlns="urn:around"';
    const [assertion = ''] = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml) ?? [];
    const unsigned = assertion.replace(/<ds:Signature [\s\S]*<\/ds:Signature>/, '');
    const { documentElement } = new DOMParser().parseFromString(unsigned, 'text/xml');
    const alone = String(new ExclusiveCanonicalization().process(documentElement, {}));
    const canonical = swap('<saml:Assertion', `<saml:Assertion${around}`)(alone);
    const digest = createHash('sha256').update(canonical).digest('base64');
    const wrapped = swap('<samlp:Response', `<samlp:Response${around}`)(xml);
    return signAnew(wrapped, context, swap(/(?<=<ds:DigestValue>)[^<]*/, digest));
  },
};

describe('a message is accepted that has', () => {
  test.each<readonly [string, SamlVendorName, Craft]>([
    ['lines in its base64, indented', 'ping', { field: (field) => field.replace(/.{60}/g, '$&\r\n\t  ') }],
    ['a line end behind its base64', 'ping', { field: (field) => `${field}\n` }],
    [
      'lines in the values of its signature',
      'ping',
      {
        message: (xml) =>
          xml.replace(
            /(?<=<ds:(SignatureValue|X509Certificate)>)[^<]*/g,
            (found) => `\n${found.replace(/.{40}/g, '$&\n')}\n`,
          ),
      },
    ],
    [
      'carriage returns as references in the values of its signature',
      'ping',
      {
        message: swap(/(?<=<ds:SignatureValue>)[^<]*/, (found) => found.replace(/.{64}/g, '$&&#13;\n')),
      },
    ],
    ['no KeyInfo', 'ping', inKeyInfo('')],
    ['the name of its key', 'ping', inKeyInfo('<ds:KeyName>idp-2026</ds:KeyName>')],
    [
      'issuer and number of its certificate',
      'ping',
      inKeyInfo(
        '<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=idp</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>',
      ),
    ],
    [
      'its key beside its certificate',
      'ping',
      {
        message: swap(
          '</ds:KeyInfo>',
          '<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>',
        ),
      },
    ],
    [
      'two certificates, what revokes them, and a digest of one',
      'ping',
      {
        message: swap(
          /<ds:X509Certificate>[^<]*<\/ds:X509Certificate>/,
          (found) =>
            `${found}${found}<ds:X509CRL>AAAA</ds:X509CRL><x11:X509Digest xmlns:x11="http://www.w3.org/2009/xmldsig11#" Algorithm="http://www.w3.org/2001/04/xmlenc#sha256">AAAA</x11:X509Digest>`,
        ),
      },
    ],
    ['an id of its signature', 'ping', { message: swap('<ds:Signature ', '<ds:Signature Id="_sig" ') }],
    ['prefixes that SignedInfo keeps', 'ping', keepsInInfo],
    ['prefixes and attributes that people would order otherwise', 'ping', orderedByNumber],
    [
      'several prefixes that its canonical form keeps',
      'ping',
      { signAssertion: { inclusivePrefixes: ['xs', 'xsi', 'saml', 'ds'] } },
    ],
    ['#default among them', 'ping', { signAssertion: { inclusivePrefixes: ['#default', 'saml', 'xs'] } }],
    ['a default namespace around it that its canonical form keeps', 'ping', keepsDefault],
    ['several restrictions of its audience, each with us', 'ping', signed(restriction, (found) => found + found)],
    [
      'others in one restriction',
      'ping',
      signed('<saml:Audience>', '<saml:Audience>urn:other</saml:Audience><saml:Audience>'),
    ],
    [
      'OneTimeUse and a ProxyRestriction',
      'ping',
      signed('</saml:Conditions>', '<saml:OneTimeUse/><saml:ProxyRestriction Count="0"/></saml:Conditions>'),
    ],
    ['no NotBefore', 'ping', signed(/ NotBefore="[^"]*"/, '')],
    [
      'no end of its Conditions, but of the confirmation',
      'ping',
      signed(/(?<=<saml:Conditions[^>]*) NotOnOrAfter="[^"]*"/, ''),
    ],
    [
      'two AuthnStatements',
      'ping',
      signed(/<saml:AuthnStatement[\s\S]*?<\/saml:AuthnStatement>/, (found) => found + found),
    ],
    [
      'a decision on what the person may do beside its attributes',
      'ping',
      signed(
        '<saml:AttributeStatement>',
        '<saml:AuthzDecisionStatement Resource="urn:x" Decision="Permit"><saml:Action Namespace="urn:x">y</saml:Action></saml:AuthzDecisionStatement><saml:AttributeStatement>',
      ),
    ],
    [
      'the name of the IdP in its confirmation',
      'ping',
      signed(
        '<saml:SubjectConfirmationData',
        '<saml:NameID>https://idp.test</saml:NameID><saml:SubjectConfirmationData',
      ),
    ],
    [
      'a declaration in single quotes, standalone',
      'ping',
      ahead("<?xml version='1.0' encoding='utf-8' standalone='no'?>"),
    ],
    ['a declaration without an encoding', 'ping', ahead('<?xml version="1.0"?>')],
    ['lines around it', 'ping', { message: (xml) => `\n  ${xml}\n` }],
    ...[0, 1, 2].map((more): [string, SamlVendorName, Craft] => [
      `base64 without its padding, whatever its length (${more} blanks more)`,
      'ping',
      { message: (xml) => xml + '\n'.repeat(more), field: (field) => field.replace(/=+$/, '') },
    ]),
    ['carriage returns alone in its base64', 'ping', { field: (field) => field.replace(/.{76}/g, '$&\r') }],
    [
      'a value that is in no namespace, inside of the default one',
      'entra',
      {
        assertion: swap(
          '<AttributeStatement>',
          '<AttributeStatement><Attribute Name="address"><AttributeValue><street xmlns="">x</street></AttributeValue></Attribute>',
        ),
      },
    ],
    [
      'a picture of 200 KiB',
      'ping',
      signed(
        '<saml:AttributeStatement>',
        `<saml:AttributeStatement><saml:Attribute Name="photo"><saml:AttributeValue>${'QUJD\n'.repeat(40_000)}</saml:AttributeValue></saml:Attribute>`,
      ),
    ],
    ['a NameID of a Windows domain', 'ping', namedBy('ACME\\ann', '1.1:nameid-format:WindowsDomainQualifiedName')],
    ['a NameID of a certificate', 'ping', namedBy('CN=Ann,O=Acme', '1.1:nameid-format:X509SubjectName')],
    ['a NameID of Kerberos', 'ping', namedBy('ann@ACME.TEST', '2.0:nameid-format:kerberos')],
    ['a NameID with blanks inside and letters of other languages', 'ping', namedBy('Jörg Müller 😀')],
    ["a guest's name, as Entra makes it", 'entra', namedBy('ann_partner.test#EXT#@acme.onmicrosoft.com')],
    ['no SessionIndex', 'ping', signed(/ SessionIndex="[^"]*"/, '')],
    ['an empty SessionIndex', 'ping', signed(/ SessionIndex="[^"]*"/, ' SessionIndex=""')],
    [
      'an end of the session',
      'ping',
      { facts: (facts) => ({ ...facts, sessionNotOnOrAfter: '2049-01-01T00:00:00Z' }) },
    ],
    [
      "the browser's address and the authority in its AuthnStatement",
      'shibboleth',
      signed('<saml2:AuthnContext>', '<saml2:SubjectLocality Address="192.0.2.7"/><saml2:AuthnContext>'),
    ],
    [
      'an AuthnContext by declaration',
      'ping',
      signed(
        '</saml:AuthnContext>',
        '<saml:AuthenticatingAuthority>https://upstream.test</saml:AuthenticatingAuthority></saml:AuthnContext>',
      ),
    ],
    [
      'an address in its confirmation',
      'ping',
      signed('<saml:SubjectConfirmationData ', '<saml:SubjectConfirmationData Address="192.0.2.7" '),
    ],
    [
      'a bearer confirmation for another address before ours',
      'ping',
      signed(
        confirmation,
        (found) => found.replace(/ Recipient="[^"]*"/, ' Recipient="https://other.test/acs"') + found,
      ),
    ],
    [
      'qualifiers of its NameID',
      'ping',
      signed(
        '<saml:NameID ',
        '<saml:NameID NameQualifier="https://idp.test" SPNameQualifier="https://gatehouse.test" SPProvidedID="x" ',
      ),
    ],
    ['a NameID without a format', 'ping', signed(/(?<=<saml:NameID) Format="[^"]*"/, '')],
    [
      'an Issuer of the format of entities',
      'ping',
      signed('<saml:Issuer>', '<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">'),
    ],
    [
      'two AttributeStatements',
      'ping',
      signed(
        '</saml:AttributeStatement>',
        '</saml:AttributeStatement><saml:AttributeStatement><saml:Attribute Name="x"><saml:AttributeValue>y</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>',
      ),
    ],
    [
      'no attributes at all, but an address as its NameID',
      'ping',
      signed(/<saml:AttributeStatement>[\s\S]*<\/saml:AttributeStatement>/, ''),
    ],
    ['a value of another type', 'ping', signed(value, (found) => found.replace('xs:string', 'xs:anyType'))],
    [
      'a value of nil',
      'ping',
      signed(
        '</saml:AttributeStatement>',
        '<saml:Attribute Name="x"><saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/></saml:Attribute></saml:AttributeStatement>',
      ),
    ],
    [
      'a value with blanks around it',
      'ping',
      signed(value, (found) => found.replace('ann@acme.test', '\n  ann@acme.test\n')),
    ],
    [
      'attributes of other namespaces',
      'ping',
      signed(
        /<saml:Attribute Name="email"/,
        (found) => `${found} xmlns:x="urn:x" x:OriginalIssuer="https://upstream.test"`,
      ),
    ],
    [
      'an Advice',
      'ping',
      signed(
        '</saml:Conditions>',
        '</saml:Conditions><saml:Advice><saml:AssertionIDRef>_x</saml:AssertionIDRef></saml:Advice>',
      ),
    ],
    [
      'a Consent, and Extensions',
      'onelogin',
      {
        response: (xml) =>
          swap(
            '<samlp:Status>',
            '<samlp:Extensions><x:y xmlns:x="urn:x">z</x:y></samlp:Extensions><samlp:Status>',
          )(
            swap('<samlp:Response ', '<samlp:Response Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified" ')(xml),
          ),
      },
    ],
    [
      'a message beside its success',
      'onelogin',
      { response: swap('</samlp:Status>', '<samlp:StatusMessage>ok</samlp:StatusMessage></samlp:Status>') },
    ],
    ['no Destination, unsigned', 'ping', { response: swap(/ Destination="[^"]*"/, '') }],
    ['letters as references', 'ping', signed('ann@acme.test</saml:NameID>', '&#97;nn&#x40;acme.test</saml:NameID>')],
    ['single quotes', 'ping', { message: (xml) => xml.replace(/ Version="2.0"/g, " Version='2.0'") }],
    [
      'blanks in its tags',
      'ping',
      {
        message: (xml) =>
          xml.replaceAll('</saml:Subject>', '</saml:Subject >').replace('<saml:Subject>', '<saml:Subject  >'),
      },
    ],
    [
      'empty elements that are written out',
      'ping',
      { message: (xml) => xml.replace(/<([\w:]+)([^<>]*)\/>/g, '<$1$2></$1>') },
    ],
    [
      'namespaces that are declared at its root',
      'onelogin',
      {
        response: (xml) =>
          xml
            .replace('<samlp:Response ', '<samlp:Response xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ')
            .replaceAll(/(?<=<saml:\w+) xmlns:saml="[^"]*"/g, ''),
      },
    ],
    [
      'a language',
      'ping',
      signed(value, (found) => found.replace('<saml:AttributeValue', '<saml:AttributeValue xml:lang="en"')),
    ],
    ['letters of other languages', 'ping', signed('>Ann<', '>Änn 安 😀<')],
    ['a mark before its first byte, as .NET writes it', 'ping', ahead('\ufeff')],
    ['a mark before its declaration', 'ping', ahead('\ufeff<?xml version="1.0" encoding="utf-8"?>')],
    [
      'a name as character data',
      'ping',
      signed('ann@acme.test</saml:NameID>', '<![CDATA[ann@acme.test]]></saml:NameID>'),
    ],
    [
      'a name that was put into character data on the way',
      'ping',
      { message: swap('ann@acme.test</saml:NameID>', 'ann@<![CDATA[acme]]><![CDATA[]]>.test</saml:NameID>') },
    ],
    [
      'values as character data',
      'ping',
      signed(value, (found) => found.replace('>ann@acme.test<', '><![CDATA[ann@acme.test]]><')),
    ],
    [
      'markup in character data, which is text',
      'ping',
      signed('>Ann<', '><![CDATA[</saml:AttributeValue> & <Ann>]]><'),
    ],
    [
      'canonical forms that would keep comments, of which there are none',
      'ping',
      {
        signAssertion: {
          canonicalization: `${exclusive}WithComments`,
          transforms: [`${dsig}enveloped-signature`, `${exclusive}WithComments`],
        },
      },
    ],
    [
      'nine digits of a second',
      'ping',
      { facts: (facts) => ({ ...facts, issueInstant: facts.issueInstant.replace('Z', '123456Z') }) },
    ],
    [
      'twenty digits of a second',
      'ping',
      { facts: (facts) => ({ ...facts, notOnOrAfter: facts.notOnOrAfter.replace('Z', '12345678901234567Z') }) },
    ],
    ['instants at the distance of nothing from UTC', 'ping', everyInstant((text) => text.replace('Z', '+00:00'))],
    [
      'instants of an Indian clock, which say so',
      'ping',
      everyInstant((text) => `${new Date(Date.parse(text) + 330 * 60_000).toISOString().slice(0, -1)}+05:30`),
    ],
    [
      'instants of a Californian clock, which say so',
      'ping',
      everyInstant((text) => `${new Date(Date.parse(text) - 480 * 60_000).toISOString().slice(0, -1)}-08:00`),
    ],
    [
      'a NameID of a certificate with an address in it',
      'ping',
      namedBy('E=ann@acme.test, CN=Ann Lee, O=Acme', '1.1:nameid-format:X509SubjectName'),
    ],
  ])('%s (%s)', async (_title, vendor, craft) => {
    const claims =
      vendor === 'shibboleth' ? { claims: { subject: ['urn:oasis:names:tc:SAML:attribute:subject-id'] } } : {};
    const pair = await world.connect({ vendor, ...claims });
    const ended = await world.signIn(pair, craft);
    expect(ended.record?.detail).toBeUndefined();
    expect(ended).toMatchObject({ status: 303, signedIn: true });
  });
});
