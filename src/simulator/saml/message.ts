/** SAML messages as text, in the handwriting of an IdP: which prefixes, in which order. Nothing is signed here. */
import { assertionNs, protocolNs, escapeMarkup as text } from './names.ts';

/** Prefixes; an empty one is the default namespace. */
export interface Handwriting {
  readonly protocol: string;
  readonly assertion: string;
  readonly signature: string;
  /** Values say that they are xs:string. */
  readonly typedValues: boolean;
}

export interface SamlAttribute {
  readonly name: string;
  readonly values: readonly string[];
  readonly nameFormat?: string;
  readonly friendlyName?: string;
}

/** All that a response says. Instants are ready to be written. */
export interface ResponseFacts {
  readonly responseId: string;
  readonly assertionId: string;
  readonly issuer: string;
  readonly issueInstant: string;
  readonly destination?: string | undefined;
  readonly inResponseTo?: string | undefined;
  readonly nameId: { readonly value: string; readonly format: string };
  readonly recipient: string;
  readonly audience: string;
  readonly notBefore: string;
  readonly notOnOrAfter: string;
  readonly authnInstant: string;
  readonly sessionIndex: string;
  readonly sessionNotOnOrAfter?: string | undefined;
  readonly attributes: readonly SamlAttribute[];
}

const prefixed = (prefix: string, name: string) => (prefix === '' ? name : `${prefix}:${name}`);
const declared = (prefix: string, namespace: string) => `${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${namespace}"`;

/** An attribute of an element, or nothing. */
const given = (name: string, value: string | undefined) => (value === undefined ? '' : ` ${name}="${text(value)}"`);

/** An assertion by itself, with its own namespaces, as it is signed and encrypted. */
export function writeAssertion(facts: ResponseFacts, hand: Handwriting): string {
  const a = (name: string) => prefixed(hand.assertion, name);
  const { nameId, inResponseTo } = facts;
  const confirmation = `NotOnOrAfter="${facts.notOnOrAfter}" Recipient="${text(facts.recipient)}"${given('InResponseTo', inResponseTo)}`;
  const parts = [
    `<${a('Assertion')} ${declared(hand.assertion, assertionNs)} ID="${facts.assertionId}" IssueInstant="${facts.issueInstant}" Version="2.0">`,
    `<${a('Issuer')}>${text(facts.issuer)}</${a('Issuer')}>`,
    `<${a('Subject')}><${a('NameID')} Format="${nameId.format}">${text(nameId.value)}</${a('NameID')}>`,
    `<${a('SubjectConfirmation')} Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">`,
    `<${a('SubjectConfirmationData')} ${confirmation}/></${a('SubjectConfirmation')}></${a('Subject')}>`,
    `<${a('Conditions')} NotBefore="${facts.notBefore}" NotOnOrAfter="${facts.notOnOrAfter}"><${a('AudienceRestriction')}>`,
    `<${a('Audience')}>${text(facts.audience)}</${a('Audience')}></${a('AudienceRestriction')}></${a('Conditions')}>`,
    `<${a('AuthnStatement')} AuthnInstant="${facts.authnInstant}" SessionIndex="${text(facts.sessionIndex)}"${given('SessionNotOnOrAfter', facts.sessionNotOnOrAfter)}>`,
    `<${a('AuthnContext')}><${a('AuthnContextClassRef')}>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</${a('AuthnContextClassRef')}></${a('AuthnContext')}></${a('AuthnStatement')}>`,
    writeAttributes(facts.attributes, hand),
    `</${a('Assertion')}>`,
  ];
  return parts.join('');
}

function writeAttributes(attributes: readonly SamlAttribute[], hand: Handwriting): string {
  if (attributes.length === 0) return '';
  const a = (name: string) => prefixed(hand.assertion, name);
  const typed = hand.typedValues
    ? ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string"'
    : '';
  const written = attributes.map(({ name, values, nameFormat, friendlyName }) => {
    const inside = values.map((value) => `<${a('AttributeValue')}${typed}>${text(value)}</${a('AttributeValue')}>`);
    const head = `Name="${text(name)}"${given('NameFormat', nameFormat)}${given('FriendlyName', friendlyName)}`;
    return `<${a('Attribute')} ${head}>${inside.join('')}</${a('Attribute')}>`;
  });
  return `<${a('AttributeStatement')}>${written.join('')}</${a('AttributeStatement')}>`;
}

/** A successful response around an assertion (plain or encrypted). */
export function writeResponse(facts: ResponseFacts, assertion: string, hand: Handwriting): string {
  const p = (name: string) => prefixed(hand.protocol, name);
  const head = `ID="${facts.responseId}" Version="2.0" IssueInstant="${facts.issueInstant}"`;
  return [
    `<${p('Response')} ${declared(hand.protocol, protocolNs)} ${head}${given('Destination', facts.destination)}${given('InResponseTo', facts.inResponseTo)}>`,
    `<${prefixed(hand.assertion, 'Issuer')} ${declared(hand.assertion, assertionNs)}>${text(facts.issuer)}</${prefixed(hand.assertion, 'Issuer')}>`,
    `<${p('Status')}><${p('StatusCode')} Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></${p('Status')}>`,
    assertion,
    `</${p('Response')}>`,
  ].join('');
}
