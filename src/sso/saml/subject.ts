/** From what an assertion says to the one Identity that sign-in knows (SSO-6, SSO-8). */
import type { JsonObject } from '../../store/index.ts';
import { type Claims, describeByClaims, firstClaim, groupsIn, readAddress } from '../claims.ts';
import type { Identity, NameIdFacts } from '../identity.ts';
import { SignInFault } from '../protocol.ts';
import type { ClaimNames } from '../settings.ts';
import type { Assertion, NameId } from './assertion.ts';
import { nameIdFormats } from './names.ts';

/** The longest NameID: SAML asks persistent ones to keep below 256, an address has 254. */
const SUBJECT_LIMIT = 256;
/** Entra leaves the groups out and links to a list of them where a person has more than 150. */
const microsoftOverage = 'http://schemas.microsoft.com/claims/groups.link';

/** Control characters, and what nobody sees: two subjects must not look like one. */
const unreadable = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Who the assertion is about; `received` is for the admin. Throws SignInFault `subject_invalid` or `claims_refused`. */
export function identityOf(assertion: Assertion, names: ClaimNames, received: JsonObject): Identity {
  const { claims, nameId } = assertion;
  const subject = subjectOf(claims, nameId, names);
  const described = describeByClaims(claims, names, true);
  refuseDisguises(claims, names);
  const address = described.email?.address ?? addressIn(nameId, claims, names);
  const userName = described.userName ?? (isTelling(nameId) ? nameId?.value : undefined);
  const { sessionIndex, sessionNotOnOrAfter } = assertion.statements[0] ?? {};
  return {
    ...described,
    subject,
    ...(address !== undefined && { email: { address, vouched: true } }),
    ...(userName !== undefined && { userName }),
    groups: groupsIn(claims, names, claims.has(microsoftOverage)),
    idpSession: {
      ...(sessionIndex !== undefined && { index: sessionIndex }),
      ...(sessionNotOnOrAfter && { notOnOrAfter: sessionNotOnOrAfter }),
      ...(nameId && { nameId: factsOf(nameId) }),
    },
    received,
  };
}

/** Qualifiers and formats that are endless are none. */
function factsOf({ value, ...about }: NameId): NameIdFacts {
  const told = Object.entries(about).filter(([, text]) => text !== undefined && text !== '' && text.length <= 1024);
  return { value, ...Object.fromEntries(told) };
}

/** The configured attribute where there is one, and nothing in its place; else the NameID, unless it is a passing one (SSO-6). */
function subjectOf(claims: Claims, nameId: NameId | undefined, { subject: names }: ClaimNames): string {
  if (nameId !== undefined) checkName(nameId);
  if (names !== undefined) {
    const values = new Set(
      names.map((name) => claims.get(name)).find((found) => found !== undefined && found.length > 0),
    );
    const [value] = values;
    if (value === undefined)
      throw invalid(`None of the attributes that name the subject is there: ${names.join(', ')}`);
    if (values.size > 1) throw invalid(`The attribute that names the subject has ${values.size} different values`);
    checkName({ value, format: undefined });
    return value;
  }
  if (nameId === undefined) throw invalid('The subject has no NameID');
  if (nameId.format !== nameIdFormats.transient) return nameId.value;
  throw invalid(
    'The NameID is transient, so another one each time: configure the attribute that names people for good',
  );
}

function checkName({ value, format }: Pick<NameId, 'value' | 'format'>): void {
  if (value.trim() === '') throw invalid('The NameID is empty');
  if (value !== value.trim()) throw invalid('The NameID has blanks around it');
  if (value.length > SUBJECT_LIMIT)
    throw invalid(`The NameID has ${value.length} characters; ${SUBJECT_LIMIT} are allowed`);
  if (unreadable.test(value)) throw invalid('The NameID holds characters that cannot be seen');
  // The name of a certificate may have an address among its parts (`E=ann@acme.test, CN=Ann`), and is none.
  if (format !== nameIdFormats.x509 && looksLikeAddress(value) && readAddress(value) === undefined) {
    throw invalid(`The NameID "${value}" is meant as an email address and is none in plain ASCII`);
  }
}

/** In any writing: a full-width @ is one to a reader. */
const looksLikeAddress = (value: string): boolean => value.normalize('NFKC').includes('@');

/** An address that is not what it seems is not merely left out: an honest IdP does not send it (SSO-3). */
function refuseDisguises(claims: Claims, names: ClaimNames): void {
  const value = names.email?.flatMap((name) => claims.get(name) ?? []).find((one) => one.trim() !== '');
  if (value === undefined || !looksLikeAddress(value) || readAddress(value.trim()) !== undefined) return;
  throw new SignInFault(
    'claims_refused',
    `The email address ${JSON.stringify(value.slice(0, 300))} is none in plain ASCII`,
  );
}

/** A NameID that means something to people: neither a pseudonym nor a passing one. */
function isTelling(nameId: NameId | undefined): boolean {
  return (
    nameId !== undefined && nameId.format !== nameIdFormats.persistent && nameId.format !== nameIdFormats.transient
  );
}

/** The address that a NameID is, where no attribute says one: Okta and Google send no other. */
function addressIn(nameId: NameId | undefined, claims: Claims, names: ClaimNames): string | undefined {
  if (!isTelling(nameId) || firstClaim(claims, names.email) !== undefined) return undefined;
  return readAddress(nameId?.value);
}

const invalid = (detail: string) => new SignInFault('subject_invalid', detail);
