/**
 * Log-out messages of an IdP (SAML Core §3.7, Profiles §4.4): only signed ones, by either binding. The library accepts
 * unsigned requests by redirect, so that signatures are checked here (signer.ts, redirect.ts), in the same way as those of responses.
 */
import type { Connection } from '../../store/index.ts';
import { samlAddresses } from '../addresses.ts';
import { SignInFault, type SsoDeps } from '../protocol.ts';
import { type SamlSettings, samlOf } from '../settings.ts';
import { atMostOne, instantIn, instantOf, readIssuer, readNameId } from './assertion.ts';
import { clockSkewMs } from './checks.ts';
import { attributeOf, childrenNamed, elementsBelow, isNamed, textOf } from './dom.ts';
import { openName } from './encryptedName.ts';
import { parseMessage, readMessage } from './message.ts';
import { protocolNs } from './names.ts';
import { type RedirectMessage, readRedirect } from './redirect.ts';
import { refuseSharedIds, refuseStraySignatures } from './responseShape.ts';
import { readSignature } from './signatureShape.ts';
import { verifySigned } from './signer.ts';
import { checkLogoutStatus, readStatus } from './status.ts';

/** How a message came: the query of the address as it was written, or the field of a form. */
export type LogoutInput =
  | { readonly binding: 'redirect'; readonly query: string }
  | { readonly binding: 'post'; readonly field: string; readonly relayState: string | undefined };

/** The IdP ends somebody's sessions: those that it names by `indexes`, or all of the subject's. */
export interface LogoutRequest {
  readonly kind: 'request';
  readonly id: string;
  readonly subject: string | undefined;
  readonly indexes: readonly string[];
  readonly relayState: string | undefined;
  /** Until when its id is remembered: it counts once. */
  readonly expiresAt: Date;
}

/** The IdP's answer to a request of ours. */
export interface LogoutResponse {
  readonly kind: 'response';
  readonly inResponseTo: string | undefined;
  readonly relayState: string | undefined;
  /** Throws SignInFault `idp_refused` where the IdP has not ended its session. */
  readonly check: () => void;
}

const maxAgeMs = 10 * 60_000;
const NAME_LIMIT = 256;

const malformed = (detail: string) => new SignInFault('malformed', detail);

/** Reads a message for the log-out address of `connection`. Throws SignInFault for one that is not the IdP's, or not for us. */
export async function readLogout(
  deps: Pick<SsoDeps, 'clock' | 'baseUrl' | 'store' | 'sealer'>,
  connection: Connection,
  input: LogoutInput,
): Promise<LogoutRequest | LogoutResponse> {
  const settings = samlOf(connection);
  const { message, relayState } = readSigned(settings, input);
  const root = message.document.documentElement;
  const now = deps.clock.now();
  checkHead(root, settings, samlAddresses(deps.baseUrl, connection._id).sloUrl, now);
  if (isNamed(root, protocolNs, 'LogoutRequest')) {
    await openName(deps, connection, root);
    return { ...readRequest(root, now), relayState };
  }
  if (!isNamed(root, protocolNs, 'LogoutResponse')) throw malformed(`A ${root.localName} is no message of a log-out`);
  const inResponseTo = attributeOf(root, 'InResponseTo');
  return { kind: 'response', inResponseTo, relayState, check: () => checkLogoutStatus(readStatus(root)) };
}

/** The message, and the RelayState that came with it: by redirect the one that is signed, and not what else the address may hold. */
function readSigned({ certificates }: SamlSettings, input: LogoutInput): RedirectMessage {
  const pems = certificates.map(({ pem }) => pem);
  if (input.binding === 'redirect') return readRedirect(input.query, pems);
  const message = readMessage(input.field);
  const root = message.document.documentElement;
  const elements = elementsBelow(message.document);
  refuseSharedIds(elements);
  refuseStraySignatures(elements, [root]);
  const signature = readSignature(root);
  if (signature === undefined) throw new SignInFault('unsigned', `The ${root.localName} is not signed`);
  const signed = parseMessage(verifySigned(signature, pems));
  return { message: signed, relayState: input.relayState };
}

function checkHead(root: Element, settings: SamlSettings, sloUrl: string, now: Date): void {
  if (attributeOf(root, 'Version') !== '2.0') throw malformed('The message is not of version 2.0');
  const issuer = atMostOne(root, 'Issuer');
  const from = issuer && readIssuer(issuer).value;
  if (from !== settings.entityId) {
    throw new SignInFault('issuer_mismatch', `Issuer: expected "${settings.entityId}", found "${from ?? ''}"`);
  }
  const to = attributeOf(root, 'Destination');
  if (to !== sloUrl)
    throw new SignInFault('recipient_mismatch', `Destination: expected "${sloUrl}", found "${to ?? ''}"`);
  const age = now.getTime() - instantOf(root, 'IssueInstant').getTime();
  if (age < -clockSkewMs)
    throw new SignInFault('not_yet_valid', 'The message was issued in the future: compare the clocks');
  if (age > maxAgeMs + clockSkewMs)
    throw new SignInFault('expired', 'The message was issued more than ten minutes ago');
  const end = instantIn(root, 'NotOnOrAfter');
  if (end && end.getTime() + clockSkewMs <= now.getTime()) throw new SignInFault('expired', 'The message has expired');
}

function readRequest(root: Element, now: Date): Omit<LogoutRequest, 'relayState'> {
  const id = attributeOf(root, 'ID') ?? '';
  if (id === '' || id.length > NAME_LIMIT) throw malformed('The request has no ID of a usable length');
  const subject = readNameId(root)?.value;
  const indexes = childrenNamed(root, protocolNs, 'SessionIndex').map(textOf);
  const names = [...indexes, ...(subject === undefined ? [] : [subject])];
  if (names.length === 0)
    throw new SignInFault('subject_invalid', 'The request names nobody: neither NameID nor SessionIndex');
  if (names.some((name) => name.trim() === '' || name.length > NAME_LIMIT)) {
    throw new SignInFault('subject_invalid', 'The request names somebody by an empty or an endless name');
  }
  return { kind: 'request', id, subject, indexes, expiresAt: new Date(now.getTime() + maxAgeMs + 2 * clockSkewMs) };
}
