/** Signature wrapping: something is signed, and something else is to be believed (docs/sso-threats.md, A1, A2, A8). */
import { describe } from '@jest/globals';
import { encryptAssertion } from '../../../src/simulator/index.ts';
import { swap } from './craft.ts';
import { type Flaw, refuse, responseSigned } from './refusals.ts';

const assertion = /<saml:Assertion[ >][\s\S]*<\/saml:Assertion>/;
const signature = /<ds:Signature[ >][\s\S]*?<\/ds:Signature>/;
const part = (xml: string, pattern: RegExp): string => {
  const [found] = pattern.exec(xml) ?? [];
  if (found === undefined) throw new Error(`the message has no ${String(pattern)}`);
  return found;
};

/** What the attacker wants to be: another person, under another id, without the signature. */
const evil = (xml: string): string =>
  xml
    .replaceAll('ann@acme.test', 'owner@acme.test')
    .replace(/ ID="_/, ' ID="_evil')
    .replace(signature, '');
/** The same with the signature where it was. */
const evilSigned = (xml: string): string =>
  xml.replaceAll('ann@acme.test', 'owner@acme.test').replace(/ ID="_/, ' ID="_evil');

/** Puts the evil assertion, made from the original one, in the place of it. */
const replaced = (make: (original: string) => string): Flaw['craft'] => ({
  message: swap(assertion, (original) => make(original)),
});

const insideSignature = (original: string, wrap: (held: string) => string): string => {
  const held = wrap(original.replace(signature, ''));
  return evilSigned(original).replace('</ds:Signature>', `${held}</ds:Signature>`);
};

const beforeEnd = (xml: string, addition: string) => xml.replace(/<\/saml:Assertion>$/, `${addition}</saml:Assertion>`);

describe('the assertion is signed', () => {
  refuse({
    'XSW3: an evil assertion before it': {
      craft: replaced((original) => evil(original) + original),
      code: 'malformed',
    },
    'an evil assertion behind it': { craft: replaced((original) => original + evil(original)), code: 'malformed' },
    'XSW4: inside of an evil one': {
      craft: replaced((original) => beforeEnd(evil(original), original)),
      code: 'malformed',
    },
    'XSW5: the evil one has the signature, the original stands behind it': {
      craft: replaced((original) => evilSigned(original) + original.replace(signature, '')),
      code: 'malformed',
    },
    'XSW6: the original is inside of the signature of the evil one': {
      craft: replaced((original) => insideSignature(original, (held) => held)),
      code: 'malformed',
    },
    'XSW7: the evil one is in Extensions': {
      craft: {
        message: (xml) =>
          swap(
            '<samlp:Status>',
            `<samlp:Extensions>${evil(part(xml, assertion))}</samlp:Extensions><samlp:Status>`,
          )(xml),
      },
      code: 'malformed',
    },
    'the original is in Extensions, the evil one in its place': {
      craft: {
        message: (xml) => {
          const original = part(xml, assertion);
          return swap(
            '<samlp:Status>',
            `<samlp:Extensions>${original}</samlp:Extensions><samlp:Status>`,
          )(xml.replace(assertion, () => evil(original))).replace(/(<\/samlp:Status>)/, '$1');
        },
      },
      code: 'malformed',
    },
    'XSW8: the original is in an Object of the signature': {
      craft: replaced((original) => insideSignature(original, (held) => `<ds:Object>${held}</ds:Object>`)),
      code: 'malformed',
    },
    'the original is in SignatureProperties': {
      craft: replaced((original) =>
        insideSignature(
          original,
          (held) =>
            `<ds:Object><ds:SignatureProperties><ds:SignatureProperty Target="#x">${held}</ds:SignatureProperty></ds:SignatureProperties></ds:Object>`,
        ),
      ),
      code: 'malformed',
    },
    'the original is in KeyInfo': {
      craft: replaced((original) =>
        evilSigned(original).replace('</ds:KeyInfo>', `${original.replace(signature, '')}</ds:KeyInfo>`),
      ),
      code: 'malformed',
    },
    'the original is in the Advice of the evil one': {
      craft: replaced((original) =>
        evil(original).replace(
          '<saml:AuthnStatement',
          () => `<saml:Advice>${original}</saml:Advice><saml:AuthnStatement`,
        ),
      ),
      code: 'malformed',
    },
    'the original is in an attribute of the evil one': {
      craft: replaced((original) =>
        evil(original).replace(/<saml:AttributeValue[^>]*>/, (found) => `${found}${original}`),
      ),
      code: 'malformed',
    },
    'the original is in SubjectConfirmationData': {
      craft: replaced((original) =>
        evil(original).replace(
          /(<saml:SubjectConfirmationData[^>]*)\/>/,
          (_found, open) => `${open}>${original}</saml:SubjectConfirmationData>`,
        ),
      ),
      code: 'malformed',
    },
    'the original is in StatusDetail': {
      craft: {
        message: (xml) => {
          const original = part(xml, assertion);
          return xml
            .replace(assertion, () => evil(original))
            .replace('</samlp:Status>', () => `<samlp:StatusDetail>${original}</samlp:StatusDetail></samlp:Status>`);
        },
      },
      code: 'malformed',
    },
    'the evil one is of another namespace': {
      craft: replaced(
        (original) =>
          `${evil(original).replace('xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"', 'xmlns:saml="urn:evil"')}${original}`,
      ),
      code: 'malformed',
    },
    'only one of another namespace': {
      craft: replaced((original) =>
        original.replace('xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"', 'xmlns:saml="urn:evil"'),
      ),
      code: 'malformed',
    },
    'two with the same id': {
      craft: replaced((original) => original + original.replace(signature, '').replaceAll('ann@', 'owner@')),
      code: 'malformed',
    },
    'an element with the id of the assertion': {
      craft: {
        message: (xml) =>
          swap('<samlp:Status>', `<samlp:Status Id="${/<saml:Assertion[^>]* ID="([^"]*)"/.exec(xml)?.[1]}">`)(xml),
      },
      code: 'malformed',
    },
    'an element with the id of the assertion as XML itself names elements': {
      craft: {
        message: (xml) =>
          swap('<samlp:Status>', `<samlp:Status xml:id="${/<saml:Assertion[^>]* ID="([^"]*)"/.exec(xml)?.[1]}">`)(xml),
      },
      code: 'malformed',
    },
    'the signature stands beside the assertion': {
      craft: replaced((original) => part(original, signature) + original.replace(signature, '')),
      code: 'signature_invalid',
    },
    'the signature stands in the subject': {
      craft: replaced((original) =>
        original.replace(signature, '').replace('<saml:Subject>', () => `<saml:Subject>${part(original, signature)}`),
      ),
      code: 'signature_invalid',
    },
    'two signatures, the first by a stranger': {
      craft: (world) => ({
        message: swap(
          signature,
          (found) =>
            found.replace(
              /<ds:X509Certificate>[^<]*/,
              `<ds:X509Certificate>${world.keys.stranger.certificate.replace(/-----[A-Z ]+-----|\s/g, '')}`,
            ) + found,
        ),
      }),
      code: 'signature_invalid',
      tells: /2 signatures/,
    },
    'two SignedInfo': {
      craft: { message: swap(/<ds:SignedInfo>[\s\S]*?<\/ds:SignedInfo>/, (found) => found + found) },
      code: 'signature_invalid',
    },
    'two references': {
      craft: { message: swap(/<ds:Reference [\s\S]*?<\/ds:Reference>/, (found) => found + found) },
      code: 'signature_invalid',
    },
    'no reference': {
      craft: { message: swap(/<ds:Reference [\s\S]*?<\/ds:Reference>/, '') },
      code: 'signature_invalid',
    },
    'a reference to the whole document': {
      craft: { message: swap(/ URI="[^"]*"/, ' URI=""') },
      code: 'signature_invalid',
    },
    'a reference without an address': { craft: { message: swap(/ URI="[^"]*"/, '') }, code: 'signature_invalid' },
    'a reference by XPointer': {
      craft: {
        message: swap(/ URI="#([^"]*)"/, (found) => found.replace('#', "#xpointer(id('").replace(/"$/, '\'))"')),
      },
      code: 'signature_invalid',
    },
    'a reference to elsewhere': {
      craft: { message: swap(/ URI="[^"]*"/, ' URI="https://evil.example/assertion.xml"') },
      code: 'signature_invalid',
    },
    'an Object beside what is signed': {
      craft: { message: swap('</ds:Signature>', '<ds:Object><x/></ds:Object></ds:Signature>') },
      code: 'signature_invalid',
    },
    'a Manifest': {
      craft: { message: swap('</ds:SignedInfo>', '<ds:Manifest/></ds:SignedInfo>') },
      code: 'signature_invalid',
    },
    'an encrypted assertion beside it': {
      craft: (world) => ({
        message: async (xml) => {
          const more = await encryptAssertion(evil(part(xml, assertion)), world.keys.own.certificate);
          return xml.replace('</samlp:Response>', () => `${more}</samlp:Response>`);
        },
      }),
      code: 'malformed',
    },
  });
});

const whole = /<samlp:Response[\s\S]*<\/samlp:Response>/;

describe('the response is signed', () => {
  refuse({
    'XSW1: the original is in the signature of an evil response': {
      vendor: responseSigned,
      craft: {
        message: (xml) =>
          evilSigned(xml).replace('</ds:Signature>', () => `${xml.replace(signature, '')}</ds:Signature>`),
      },
      code: 'malformed',
    },
    'XSW2: the original stands before the signature in an evil response': {
      vendor: responseSigned,
      craft: {
        message: (xml) => evilSigned(xml).replace('<ds:Signature', () => `${xml.replace(signature, '')}<ds:Signature`),
      },
      code: 'malformed',
    },
    'the original is in Extensions of an evil response': {
      vendor: responseSigned,
      craft: {
        message: (xml) =>
          evil(xml).replace(
            '<samlp:Status>',
            () => `<samlp:Extensions>${part(xml, whole)}</samlp:Extensions><samlp:Status>`,
          ),
      },
      code: 'malformed',
    },
    'the original is in an envelope': {
      vendor: responseSigned,
      craft: { message: (xml) => `<x:Envelope xmlns:x="urn:x">${xml}</x:Envelope>` },
      code: 'malformed',
    },
    'the envelope is called Response': {
      vendor: responseSigned,
      craft: { message: (xml) => `<x:Response xmlns:x="urn:x">${xml}</x:Response>` },
      code: 'malformed',
    },
    'an evil assertion behind the signed response': {
      vendor: responseSigned,
      craft: { message: (xml) => xml.replace(assertion, (found) => found + evil(found).replace('_evil', '_e')) },
      code: 'malformed',
    },
    'the assertion is another one': {
      vendor: responseSigned,
      craft: { message: swap(assertion, (found) => evil(found)) },
      code: 'signature_invalid',
      tells: /changed after it was signed/,
    },
    'no assertion is left': {
      vendor: responseSigned,
      craft: { response: swap(assertion, '') },
      code: 'malformed',
      tells: /no assertion/,
    },
    'the signature stands at the end of the assertion': {
      vendor: responseSigned,
      craft: {
        message: (xml) =>
          xml.replace(signature, '').replace('</saml:Assertion>', () => `${part(xml, signature)}</saml:Assertion>`),
      },
      code: 'signature_invalid',
    },
  });
});
