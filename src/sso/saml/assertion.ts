/** What an assertion says, read from what is signed into plain values (SAML Core §2). Nothing is judged here. */
import type { Claims } from '../claims.ts';
import { SignInFault } from '../protocol.ts';
import { attributeOf, childrenNamed, childrenOf, elementsBelow, isNamed, textOf } from './dom.ts';
import { assertionNs } from './names.ts';

export interface Assertion {
  readonly id: string;
  readonly version: string | undefined;
  readonly issueInstant: Date;
  readonly issuer: Issuer;
  readonly nameId: NameId | undefined;
  readonly confirmations: readonly Confirmation[];
  readonly conditions: Conditions | undefined;
  readonly statements: readonly AuthnStatement[];
  readonly claims: Claims;
}

export interface Issuer {
  readonly value: string;
  readonly format: string | undefined;
}

export interface NameId {
  readonly value: string;
  readonly format: string | undefined;
  readonly nameQualifier?: string | undefined;
  readonly spNameQualifier?: string | undefined;
}

export interface Confirmation {
  readonly method: string | undefined;
  readonly recipient: string | undefined;
  readonly inResponseTo: string | undefined;
  readonly notBefore: Date | undefined;
  readonly notOnOrAfter: Date | undefined;
}

export interface Conditions {
  readonly notBefore: Date | undefined;
  readonly notOnOrAfter: Date | undefined;
  /** Of each restriction the audiences: one of each must be us. */
  readonly audiences: readonly (readonly string[])[];
}

export interface AuthnStatement {
  readonly instant: Date;
  readonly sessionIndex: string | undefined;
  readonly sessionNotOnOrAfter: Date | undefined;
}

const malformed = (detail: string) => new SignInFault('malformed', detail);

/** Reads an assertion. Throws SignInFault `malformed` where something has not its one place or form. */
export function readAssertion(root: Element): Assertion {
  if (!isNamed(root, assertionNs, 'Assertion')) throw malformed('What is signed is not an assertion');
  const subject = only(root, 'Subject');
  const conditions = atMostOne(root, 'Conditions');
  return {
    id: attributeOf(root, 'ID') ?? '',
    version: attributeOf(root, 'Version'),
    issueInstant: instantOf(root, 'IssueInstant'),
    issuer: readIssuer(only(root, 'Issuer')),
    nameId: readNameId(subject),
    confirmations: childrenNamed(subject, assertionNs, 'SubjectConfirmation').map(readConfirmation),
    conditions: conditions && readConditions(conditions),
    statements: childrenNamed(root, assertionNs, 'AuthnStatement').map(readStatement),
    claims: readClaims(root),
  };
}

export function readIssuer(element: Element): Issuer {
  return { value: plainText(element), format: attributeOf(element, 'Format') };
}

/** What names the person of a Subject or a LogoutRequest, in whatever form (SAML Core §2.2). */
export const namesIn = (holder: Element): readonly Element[] =>
  ['NameID', 'BaseID', 'EncryptedID'].flatMap((name) => childrenNamed(holder, assertionNs, name));

/**
 * The one that names the person, from its own element only: an attribute of that name is no NameID. One that is encrypted has been
 * opened before (encryptedName.ts).
 */
export function readNameId(holder: Element): NameId | undefined {
  const [one, ...more] = namesIn(holder);
  if (more.length > 0) throw new SignInFault('subject_invalid', `The ${holder.localName} has ${more.length + 1} names`);
  if (one === undefined) return undefined;
  if (one.localName !== 'NameID')
    throw new SignInFault('subject_invalid', `The person is named by a ${one.localName} that is not understood`);
  return {
    value: plainText(one),
    format: attributeOf(one, 'Format'),
    nameQualifier: attributeOf(one, 'NameQualifier'),
    spNameQualifier: attributeOf(one, 'SPNameQualifier'),
  };
}

function readConfirmation(element: Element): Confirmation {
  const data = atMostOne(element, 'SubjectConfirmationData');
  return {
    method: attributeOf(element, 'Method'),
    recipient: data && attributeOf(data, 'Recipient'),
    inResponseTo: data && attributeOf(data, 'InResponseTo'),
    notBefore: data && instantIn(data, 'NotBefore'),
    notOnOrAfter: data && instantIn(data, 'NotOnOrAfter'),
  };
}

/** A condition that is not understood makes an assertion worth nothing (SAML Core §2.5.1). */
function readConditions(element: Element): Conditions {
  const known = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'];
  const strange = childrenOf(element).find((child) => !known.some((name) => isNamed(child, assertionNs, name)));
  if (strange) throw malformed(`The condition ${strange.localName} is not understood`);
  return {
    notBefore: instantIn(element, 'NotBefore'),
    notOnOrAfter: instantIn(element, 'NotOnOrAfter'),
    audiences: childrenNamed(element, assertionNs, 'AudienceRestriction').map((restriction) =>
      childrenNamed(restriction, assertionNs, 'Audience').map(plainText),
    ),
  };
}

function readStatement(element: Element): AuthnStatement {
  return {
    instant: instantOf(element, 'AuthnInstant'),
    sessionIndex: attributeOf(element, 'SessionIndex') || undefined,
    sessionNotOnOrAfter: instantIn(element, 'SessionNotOnOrAfter'),
  };
}

/**
 * Repeated attributes are put together; one without values is there, and empty. One that has a value which is no text says nothing: the rest of its
 * values would read as all of them (SSO-8).
 */
function readClaims(root: Element): Claims {
  const claims = new Map<string, string[]>();
  const unreadable = new Set<string>();
  for (const statement of childrenNamed(root, assertionNs, 'AttributeStatement')) {
    for (const attribute of childrenNamed(statement, assertionNs, 'Attribute')) {
      const name = attributeOf(attribute, 'Name') ?? '';
      if (name === '') throw malformed('An attribute has no name');
      const values = childrenNamed(attribute, assertionNs, 'AttributeValue').map(readValue);
      const known = claims.get(name) ?? [];
      known.push(...values.filter((value): value is string => value !== undefined && value !== ''));
      claims.set(name, known);
      if (values.includes(undefined)) unreadable.add(name);
    }
  }
  for (const name of unreadable) claims.delete(name);
  return claims;
}

/** The text of a value. One that is an element (eduPersonTargetedID holds a NameID) counts by what it holds; undefined for more than that. */
function readValue(value: Element): string | undefined {
  const [held, ...more] = childrenOf(value);
  if (held === undefined) return textOf(value);
  const text = textOf(held).trim();
  const alone = more.length === 0 && elementsBelow(held).length === 0 && textOf(value).trim() === text;
  return alone ? text : undefined;
}

function only(parent: Element, name: string): Element {
  const one = atMostOne(parent, name);
  if (one === undefined) throw malformed(`${parent.localName} has no ${name}`);
  return one;
}

export function atMostOne(parent: Element, name: string, namespace: string = assertionNs): Element | undefined {
  const [one, ...more] = childrenNamed(parent, namespace, name);
  if (more.length > 0) throw malformed(`${parent.localName} has ${more.length + 1} elements called ${name}`);
  return one;
}

function plainText(element: Element): string {
  if (childrenOf(element).length > 0) throw malformed(`${element.localName} holds elements, not a text`);
  return textOf(element);
}

/**
 * To the millisecond, whatever an IdP writes of it: seven digits with .NET, nine with Java. SAML asks for UTC (SAML Core §1.3.3); one that names its
 * distance from it means one instant, too, and one that names none does not.
 */
const instant = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,32}))?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

export function instantIn(element: Element, name: string): Date | undefined {
  const text = attributeOf(element, name);
  if (text === undefined) return undefined;
  const [, seconds, fraction = '', zone] = instant.exec(text) ?? [];
  const at = new Date(`${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`);
  if (seconds === undefined || Number.isNaN(at.getTime())) throw malformed(`${name} is not an instant in UTC`);
  return at;
}

export function instantOf(element: Element, name: string): Date {
  const at = instantIn(element, name);
  if (at === undefined) throw malformed(`${element.localName} has no ${name}`);
  return at;
}
