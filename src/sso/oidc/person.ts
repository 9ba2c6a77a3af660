/** From the claims of an ID token, and of userinfo where it was asked, to the Identity that both protocols hand over. */
import { caseKey } from '../../lib/text.ts';
import type { JsonObject } from '../../store/index.ts';
import { type Claims, describeByClaims, firstClaim, groupsIn } from '../claims.ts';
import type { Identity } from '../identity.ts';
import { SignInFault } from '../protocol.ts';
import type { ClaimNames } from '../settings.ts';
import { describeClaims } from './received.ts';

export interface Claimed {
  readonly idToken: JsonObject;
  readonly userinfo?: JsonObject | undefined;
  /** The ID token itself, where it is to be kept as the hint of a log-out. */
  readonly hint?: string | undefined;
}

/** What is taken from the ID token only: it says whose token it is, not who the person is. */
const ofTheToken = [
  'iss',
  'aud',
  'azp',
  'exp',
  'iat',
  'nbf',
  'nonce',
  'sid',
  'tid',
  'auth_time',
  'email',
  'email_verified',
  'xms_edov',
];

/**
 * Whether the ID token leaves out something that the connection's mapping asks for, or whether its address is verified,
 * which Okta says in userinfo only.
 */
export function lacksClaims(idToken: JsonObject, names: ClaimNames, entra: boolean): boolean {
  const { subject: _subject, ...described } = names;
  if (!entra && idToken.email !== undefined && idToken.email_verified === undefined) return true;
  return Object.values(described).some(
    (candidates) => candidates?.every((name) => idToken[name] === undefined) ?? false,
  );
}

/**
 * Who signs in. `entra`: an email counts as verified only where Entra says that the domain's owner is (`xms_edov`); elsewhere
 * where `email_verified` is true, and nothing like true. Throws SignInFault `subject_invalid`: the connection takes the subject
 * from another claim, which is not there.
 */
export function personOf(claimed: Claimed, names: ClaimNames, entra: boolean): Identity {
  const { idToken, userinfo = {} } = claimed;
  const all = merge(idToken, userinfo);
  const claims = toClaims(all, new Set(names.groups));
  const described = describeByClaims(claims, names, vouches(all, entra));
  const { email } = described;
  // What is said of `email` is said of nothing else that an admin may have mapped.
  const vouched = email?.vouched === true && email.address === all.email;
  const { sid } = idToken;
  return {
    ...described,
    subject: subjectOf(idToken, names),
    ...(email && { email: { ...email, vouched } }),
    groups: groupsIn(claims, names, isCutShort(idToken, names) || isCutShort(userinfo, names)),
    idpSession: {
      ...(isReadable(sid) && { index: sid }),
      ...(names.subject !== undefined && { nameId: { value: idToken.sub as string } }),
      ...(claimed.hint !== undefined && { idToken: claimed.hint }),
    },
    received: {
      idToken: describeClaims(idToken),
      ...(claimed.userinfo && { userinfo: describeClaims(claimed.userinfo) }),
    },
  };
}

/**
 * The ID token is signed for us: it goes first. An address and what is said of it come from the same of the two, unless
 * both name the same address and only userinfo says whether it is verified.
 */
function merge(idToken: JsonObject, userinfo: JsonObject): JsonObject {
  const about = Object.fromEntries(Object.entries(userinfo).filter(([name]) => !ofTheToken.includes(name)));
  const { email, email_verified, xms_edov } = idToken.email === undefined ? userinfo : idToken;
  const same =
    typeof email === 'string' && typeof userinfo.email === 'string' && caseKey(email) === caseKey(userinfo.email);
  const verified = email_verified === undefined && same ? userinfo.email_verified : email_verified;
  return { ...about, ...idToken, email, email_verified: verified, xms_edov };
}

/** Google speaks for the address of a Workspace account, which has `hd`; anybody may register another one's with it. */
const googleIssuers: readonly unknown[] = ['https://accounts.google.com', 'accounts.google.com'];

function vouches({ iss, hd, email_verified: verified, xms_edov: owned }: JsonObject, entra: boolean): boolean {
  if (googleIssuers.includes(iss) && (typeof hd !== 'string' || hd === '')) return false;
  if (!entra) return verified === true;
  return (owned === true || owned === 1 || owned === '1') && (verified === undefined || verified === true);
}

function subjectOf(idToken: JsonObject, names: ClaimNames): string {
  if (names.subject === undefined) return idToken.sub as string;
  const subject = firstClaim(toClaims(idToken, new Set()), names.subject);
  if (subject !== undefined && subject.length <= 255) return subject;
  const detail = `The ID token: none of ${names.subject.join(', ')} names the person, as the connection expects`;
  throw new SignInFault('subject_invalid', detail, { received: { idToken: describeClaims(idToken) } });
}

/** Texts, and what can be written as one. Several values of a claim mean something for groups only. */
function toClaims(claims: JsonObject, lists: ReadonlySet<string>): Claims {
  const read = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(claims)) {
    const values = Array.isArray(value) ? value : [value];
    const texts = values
      .map((one) => (typeof one === 'number' ? String(one) : one))
      .filter((one) => typeof one === 'string');
    if (texts.length === values.length && (lists.has(name) || values.length === 1)) read.set(name, texts);
  }
  return read;
}

/** Entra's ways of saying that there are more groups than fit: a pointer to them, or the bare fact. */
function isCutShort(claims: JsonObject, names: ClaimNames): boolean {
  const { _claim_names: elsewhere, hasgroups } = claims;
  if (hasgroups !== undefined && hasgroups !== false && hasgroups !== 'false') return true;
  if (elsewhere === undefined || elsewhere === null) return false;
  if (typeof elsewhere !== 'object') return true;
  return ['groups', ...(names.groups ?? [])].some((name) => Object.hasOwn(elsewhere, name));
}

const isReadable = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 255 && !/\p{C}/u.test(value);
