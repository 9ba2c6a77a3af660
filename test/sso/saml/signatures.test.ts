/** Signatures that are none, by nobody, or by means that nobody should use (docs/sso-threats.md, A3 to A10, B17). */
import { describe } from '@jest/globals';
import { SignedXml } from 'xml-crypto';
import { type SamlKey, signXml } from '../../../src/simulator/index.ts';
import { swap } from './craft.ts';
import { type Flaw, refuse, responseSigned } from './refusals.ts';

const signature = /<ds:Signature[ >][\s\S]*?<\/ds:Signature>/;
const dsig = 'http://www.w3.org/2000/09/xmldsig#';
const enveloped = `${dsig}enveloped-signature`;
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';

/** Signs anew, with a key of the attacker's choice. */
const signedBy =
  (
    choose: (keys: { readonly idp: SamlKey; readonly stranger: SamlKey; readonly own: SamlKey }) => SamlKey,
  ): Flaw['craft'] =>
  (world) => ({
    message: (xml) =>
      signXml(xml.replace(signature, ''), 'Assertion', choose(world.keys), { inclusivePrefixes: ['xs'] }),
  });

function signedWithSecret(xml: string, secret: string): string {
  const signer = new SignedXml({
    privateKey: secret,
    canonicalizationAlgorithm: exclusive,
    signatureAlgorithm: `${dsig}hmac-sha1`,
  });
  signer.enableHMAC();
  signer.addReference({
    xpath: "//*[local-name(.)='Assertion']",
    transforms: [enveloped, exclusive],
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
  });
  signer.computeSignature(xml.replace(signature, ''), {
    prefix: 'ds',
    location: { reference: "//*[local-name(.)='Assertion']/*[local-name(.)='Issuer']", action: 'after' },
  });
  return signer.getSignedXml();
}

const transformed = (...transforms: readonly string[]): Flaw['craft'] => ({ signAssertion: { transforms } });
const named = (from: string, to: string): Flaw['craft'] => ({
  message: swap(`Algorithm="${from}"`, `Algorithm="${to}"`),
});
const rsa256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const sha256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const insideTransform = (inside: string): Flaw['craft'] => ({
  message: swap(`<ds:Transform Algorithm="${exclusive}">`, (found) => found + inside),
});

describe('nobody has signed what came', () => {
  refuse({
    'a list of prefixes is longer than that of any message': {
      craft: { message: swap(/PrefixList="[^"]*"/, `PrefixList="${'xs '.repeat(200)}"`) },
      code: 'signature_invalid',
    },
    'the signature of the assertion is gone': { craft: { message: swap(signature, '') }, code: 'unsigned' },
    'the signature of the response is gone': {
      vendor: responseSigned,
      craft: { message: swap(signature, '') },
      code: 'unsigned',
    },
    'one of two signatures is broken, that of the response': {
      vendor: 'okta',
      craft: {
        message: swap(
          /<samlp?2?p?:Response[\s\S]*?SignatureValue>./,
          (found) => `${found.slice(0, -1)}${found.endsWith('A') ? 'B' : 'A'}`,
        ),
      },
      code: 'signature_invalid',
    },
    'one of two signatures is broken, that of the assertion': {
      vendor: 'okta',
      craft: {
        signedAssertion: swap(
          /<ds:SignatureValue>./,
          (found) => `${found.slice(0, -1)}${found.endsWith('A') ? 'B' : 'A'}`,
        ),
      },
      code: 'signature_invalid',
    },
    'the NameID was changed': {
      craft: { message: swap(/>ann@acme.test<\/saml:NameID>/, '>owner@acme.test</saml:NameID>') },
      code: 'signature_invalid',
      tells: /changed after/,
    },
    'an attribute was changed': {
      craft: { message: swap(/>ann@acme.test<\/saml:AttributeValue>/, '>owner@acme.test</saml:AttributeValue>') },
      code: 'signature_invalid',
    },
    'an attribute was added': {
      craft: {
        message: swap(
          '</saml:AttributeStatement>',
          '<saml:Attribute Name="groups"><saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>',
        ),
      },
      code: 'signature_invalid',
    },
    'the audience was changed': {
      craft: { message: swap(/<saml:Audience>[^<]*/, (found) => `${found}x`) },
      code: 'signature_invalid',
    },
    'the end of its life was changed': {
      craft: { message: swap(/NotOnOrAfter="20/, 'NotOnOrAfter="21') },
      code: 'signature_invalid',
    },
    'the value of the signature is another': {
      craft: { message: swap(/<ds:SignatureValue>.{8}/, '<ds:SignatureValue>AAAAAAAA') },
      code: 'signature_invalid',
      tells: /another|key/,
    },
    'the value of the signature is empty': {
      craft: { message: swap(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>') },
      code: 'signature_invalid',
    },
    'the digest is empty': {
      craft: { message: swap(/<ds:DigestValue>[^<]*/, '<ds:DigestValue>') },
      code: 'signature_invalid',
    },
    'the digest is another': {
      craft: { message: swap(/<ds:DigestValue>.{4}/, '<ds:DigestValue>AAAA') },
      code: 'signature_invalid',
    },
    'a stranger has signed, with their certificate in KeyInfo': {
      craft: signedBy(({ stranger }) => stranger),
      code: 'signature_invalid',
      tells: /not that of the certificate/,
    },
    'a stranger has signed, with the certificate of the IdP in KeyInfo': {
      craft: signedBy(({ idp, stranger }) => ({ certificate: idp.certificate, privateKey: stranger.privateKey })),
      code: 'signature_invalid',
    },
    'our own key has signed': { craft: signedBy(({ own }) => own), code: 'signature_invalid' },
    'a stranger has signed, and KeyInfo holds a bare key': {
      craft: (world) => ({
        message: (xml) =>
          signXml(xml.replace(signature, ''), 'Assertion', world.keys.stranger).replace(
            /<ds:X509Data>[\s\S]*?<\/ds:X509Data>/,
            '<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>',
          ),
      }),
      code: 'signature_invalid',
    },
    'KeyInfo points elsewhere': {
      craft: { message: swap(/<ds:KeyInfo>/, '<ds:KeyInfo><ds:RetrievalMethod URI="https://evil.example/key"/>') },
      code: 'signature_invalid',
    },
    'the signature of another message of the IdP': {
      craft: {
        signedAssertion: (xml, { idp }) =>
          swap(
            signature,
            signature.exec(
              signXml(xml.replace(signature, '').replace('ann@', 'bea@'), 'Assertion', idp.keys[0]),
            )?.[0] ?? '',
          )(xml),
      },
      code: 'signature_invalid',
      tells: /changed after/,
    },
  });
});

describe('algorithms', () => {
  refuse({
    'HMAC with the certificate as the secret': {
      craft: (world) => ({ message: (xml) => signedWithSecret(xml, world.keys.idp.certificate) }),
      code: 'algorithm_refused',
    },
    'RSA with SHA-1': {
      craft: { signAssertion: { algorithm: `${dsig}rsa-sha1` } },
      code: 'algorithm_refused',
      tells: /rsa-sha1/,
    },
    'RSA with SHA-1, over the response': {
      vendor: responseSigned,
      craft: { signResponse: { algorithm: `${dsig}rsa-sha1` } },
      code: 'algorithm_refused',
    },
    'a digest by SHA-1': {
      craft: { signAssertion: { digest: `${dsig}sha1` } },
      code: 'algorithm_refused',
      tells: /digest/,
    },
    'a digest by MD5': {
      craft: named(sha256, 'http://www.w3.org/2001/04/xmldsig-more#md5'),
      code: 'algorithm_refused',
    },
    'RSA with MD5': {
      craft: named(rsa256, 'http://www.w3.org/2001/04/xmldsig-more#rsa-md5'),
      code: 'algorithm_refused',
    },
    DSA: { craft: named(rsa256, `${dsig}dsa-sha1`), code: 'algorithm_refused' },
    'an algorithm without a name': { craft: named(rsa256, ''), code: 'algorithm_refused' },
    'an algorithm that objects have': { craft: named(rsa256, 'constructor'), code: 'algorithm_refused' },
    'a length for HMAC': {
      craft: {
        message: swap(
          `<ds:SignatureMethod Algorithm="${rsa256}"/>`,
          `<ds:SignatureMethod Algorithm="${rsa256}"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>`,
        ),
      },
      code: 'signature_invalid',
    },
    'inclusive canonicalization': {
      craft: { signAssertion: { canonicalization: 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315' } },
      code: 'algorithm_refused',
    },
    'a comment, where canonicalization says that it keeps them': {
      craft: {
        assertion: swap('ann@acme.test</saml:NameID>', 'ann@acme.test<!---->.evil</saml:NameID>'),
        signAssertion: {
          canonicalization: `${exclusive}WithComments`,
          transforms: [enveloped, `${exclusive}WithComments`],
        },
      },
      code: 'malformed',
      tells: /comments/,
    },
    'a transform by XSLT': {
      craft: {
        message: swap(
          `<ds:Transform Algorithm="${enveloped}"`,
          '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"',
        ),
      },
      code: 'algorithm_refused',
    },
    'a transform by XPath': {
      craft: {
        message: swap(
          `<ds:Transform Algorithm="${enveloped}"`,
          '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"',
        ),
      },
      code: 'algorithm_refused',
    },
    'a transform by XPath filter 2': {
      craft: {
        message: swap(
          `<ds:Transform Algorithm="${enveloped}"`,
          '<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"',
        ),
      },
      code: 'algorithm_refused',
    },
    'a transform by base64': {
      craft: { message: swap(`<ds:Transform Algorithm="${enveloped}"`, `<ds:Transform Algorithm="${dsig}base64"`) },
      code: 'algorithm_refused',
    },
    'a style sheet inside of a transform': {
      craft: insideTransform('<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"/>'),
      code: 'signature_invalid',
    },
    'an XPath inside of a transform': { craft: insideTransform('<ds:XPath>//*</ds:XPath>'), code: 'signature_invalid' },
    'only one transform': { craft: transformed(exclusive), code: 'signature_invalid' },
    'the same transform twice': { craft: transformed(exclusive, exclusive), code: 'signature_invalid' },
    'three transforms': { craft: transformed(enveloped, exclusive, exclusive), code: 'signature_invalid' },
  });
});

describe('what is hidden from the signature', () => {
  refuse({
    'a comment in the NameID': {
      craft: { message: swap('ann@acme.test</saml:NameID>', 'ann@acme.test<!---->.evil</saml:NameID>') },
      code: 'malformed',
      tells: /comments/,
    },
    'a comment in the NameID, which the IdP has signed': {
      craft: { assertion: swap('ann@acme.test</saml:NameID>', 'ann@acme.test<!---->.evil</saml:NameID>') },
      code: 'malformed',
    },
    'a comment in an attribute, which the IdP has signed': {
      craft: {
        assertion: swap('ann@acme.test</saml:AttributeValue>', 'owner@acme.test<!---->.evil</saml:AttributeValue>'),
      },
      code: 'malformed',
    },
    'a comment in the digest': {
      craft: { message: swap('</ds:DigestValue>', '<!--x--></ds:DigestValue>') },
      code: 'malformed',
    },
    'a comment with another digest': {
      craft: { message: swap('<ds:DigestValue>', '<ds:DigestValue><!--AAAA-->') },
      code: 'malformed',
    },
    'an element in the digest': {
      craft: { message: swap('</ds:DigestValue>', '<x/></ds:DigestValue>') },
      code: 'signature_invalid',
    },
    'an element in the value of the signature': {
      craft: { message: swap('</ds:SignatureValue>', '<x/></ds:SignatureValue>') },
      code: 'signature_invalid',
    },
    'two digests': {
      craft: { message: swap(/<ds:DigestValue>[^<]*<\/ds:DigestValue>/, (found) => found + found) },
      code: 'signature_invalid',
    },
    'character data behind the NameID, which is more of it': {
      craft: { message: swap('ann@acme.test</saml:NameID>', 'ann@acme.test<![CDATA[.evil]]></saml:NameID>') },
      code: 'signature_invalid',
      tells: /changed after/,
    },
    'a comment in character data of the NameID': {
      craft: { message: swap('ann@acme.test</saml:NameID>', 'ann@acme.test<![CDATA[<!---->.evil]]></saml:NameID>') },
      code: 'signature_invalid',
    },
    'character data with another digest': {
      craft: { message: swap('<ds:DigestValue>', '<ds:DigestValue><![CDATA[AAAA]]>') },
      code: 'signature_invalid',
    },
    'a processing instruction in the NameID': {
      craft: { message: swap('ann@acme.test</saml:NameID>', 'ann@acme.test<?x?>.evil</saml:NameID>') },
      code: 'malformed',
    },
    'an attribute that is called like a namespace, which no canonical form shows': {
      craft: { message: swap('<saml:Subject>', '<saml:Subject xmlnsx="y">') },
      code: 'malformed',
      tells: /called like a namespace/,
    },
    'a namespace that swallows the attributes behind it: the canonical form is what was signed': {
      craft: {
        message: swap(/xmlns:xs="[^"]*" xmlns:xsi="[^"]*" xsi:type="xs:string"/, (found) =>
          found.replace(/"(?=.)/g, (_quote, at: number) => (at === found.indexOf('"') ? '"' : '&quot;')),
        ),
      },
      code: 'malformed',
      tells: /namespace whose name is no URI/,
    },
    'an element in the NameID': {
      craft: { assertion: swap('ann@acme.test</saml:NameID>', 'ann@acme.test<x/>.evil</saml:NameID>') },
      code: 'malformed',
    },
  });
});
