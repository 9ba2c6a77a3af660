/** A SAML response, from the posted form field to an Identity that may be believed (SSO-1, SSO-2, SSO-6, SSO-8). */
import type { Connection, JsonObject, SignInAttempt } from '../../store/index.ts';
import { samlAddresses } from '../addresses.ts';
import { openDecryptionKeys } from '../keys.ts';
import { type SamlAnswer, SignInFault, type SsoDeps, type Verified } from '../protocol.ts';
import { claimNamesOf, type SamlSettings, samlOf } from '../settings.ts';
import { atMostOne, instantOf, readAssertion, readIssuer } from './assertion.ts';
import { checkResponse, expiryOf, type ResponseHead } from './checks.ts';
import { openEncrypted } from './decryption.ts';
import { describeAssertion, describeShape } from './diagnosis.ts';
import { attributeOf, childrenNamed } from './dom.ts';
import { openAttributes } from './encryptedAttributes.ts';
import { openName } from './encryptedName.ts';
import { readEncryption } from './encryptionShape.ts';
import { parseMessage, readMessage } from './message.ts';
import { assertionNs } from './names.ts';
import { type ResponseShape, readDecryptedShape, readResponseShape } from './responseShape.ts';
import type { SignatureShape } from './signatureShape.ts';
import { verifySigned } from './signer.ts';
import { checkStatus, readStatus } from './status.ts';
import { identityOf } from './subject.ts';

/**
 * Verifies what came to the assertion consumer service of `connection`. What is found wrong first is the refusal: SignInFault,
 * with all that was learnt of the message until then in `received`.
 */
export async function verifySaml(deps: SsoDeps, connection: Connection, answer: SamlAnswer): Promise<Verified> {
  const received: { facts: JsonObject } = { facts: {} };
  try {
    return await verify(deps, connection, answer, received);
  } catch (error) {
    if (!(error instanceof SignInFault)) throw error;
    throw new SignInFault(error.code, error.message, { received: received.facts, cause: error.cause });
  }
}

async function verify(
  deps: SsoDeps,
  connection: Connection,
  { attempt, response }: SamlAnswer,
  received: { facts: JsonObject },
): Promise<Verified> {
  const settings = samlOf(connection);
  const now = deps.clock.now();
  checkBeginning(connection, attempt);
  const message = readMessage(response);
  const shape = readResponseShape(message.document);
  received.facts = describeShape(shape, pemsOf(settings));
  // What was posted must have its shape, too; but of a signed response everything is read from what the signature covers.
  const posted = readHead(shape, shape.response);
  const signed = shape.signature && verifiedText(shape.signature, pemsOf(settings));
  const head = signed ? readHead(shape, signed) : posted;
  checkStatus(head.status);
  const root = await signedAssertion(deps, connection, settings, shape, signed);
  await openName(deps, connection, atMostOne(root, 'Subject'));
  await openAttributes(deps, connection, root);
  const assertion = readAssertion(root);
  received.facts = { ...received.facts, ...describeAssertion(assertion, now) };
  checkResponse(head, assertion, {
    provider: samlAddresses(deps.baseUrl, connection._id),
    idp: settings.entityId,
    requestId: attempt?.requestId,
    authenticatedAfter: authenticatedAfter(deps, attempt),
    now,
  });
  const identity = identityOf(assertion, claimNamesOf(connection), received.facts);
  return { identity, once: [{ id: assertion.id, expiresAt: expiryOf(assertion) }] };
}

/** Without an attempt the IdP began, which the connection must allow (SSO-2). */
function checkBeginning(connection: Connection, attempt: SignInAttempt | undefined): void {
  if (attempt === undefined) {
    if (connection.idpInitiated) return;
    throw new SignInFault('unsolicited', 'The IdP began this sign-in, which the connection does not allow');
  }
  if (attempt.connectionId === connection._id && attempt.requestId !== undefined) return;
  throw new SignInFault('request_mismatch', 'The sign-in was begun for another connection');
}

const pemsOf = ({ certificates }: SamlSettings): readonly string[] => certificates.map(({ pem }) => pem);

function readHead({ signature }: ResponseShape, response: Element): ResponseHead {
  const issuer = atMostOne(response, 'Issuer');
  return {
    signed: signature !== undefined,
    version: attributeOf(response, 'Version'),
    issueInstant: instantOf(response, 'IssueInstant'),
    destination: attributeOf(response, 'Destination'),
    inResponseTo: attributeOf(response, 'InResponseTo'),
    issuer: issuer && readIssuer(issuer),
    status: readStatus(response),
  };
}

/** What a signature covers, parsed anew. Before anything is decrypted: what somebody has changed is not worth it. */
const verifiedText = (signature: SignatureShape, certificates: readonly string[]): Element =>
  parseMessage(verifySigned(signature, certificates)).document.documentElement;

/**
 * The assertion as it is signed: by itself, in the response, or inside of what is encrypted. Whoever signs what, each signature that is
 * there is valid, and what follows is read from signed bytes alone.
 */
async function signedAssertion(
  deps: SsoDeps,
  connection: Connection,
  settings: SamlSettings,
  shape: ResponseShape,
  response: Element | undefined,
): Promise<Element> {
  const opened = await openShape(deps, connection, settings, shape, response);
  const { signature } = opened.assertion;
  if (signature) return verifiedText(signature, pemsOf(settings));
  if (response) return opened.encrypted ? opened.assertion.element : assertionIn(response);
  throw new SignInFault('unsigned', 'Neither the response nor the assertion is signed');
}

/** In a response whose shape is known. */
function assertionIn(response: Element): Element {
  const [assertion] = childrenNamed(response, assertionNs, 'Assertion');
  if (assertion === undefined) throw new SignInFault('malformed', 'The response holds no assertion');
  return assertion;
}

interface Opened {
  readonly assertion: NonNullable<ResponseShape['assertion']>;
  readonly encrypted: boolean;
}

/** The assertion of a response, opened where it is encrypted: what is opened is what is signed, where the response is. */
async function openShape(
  deps: SsoDeps,
  connection: Connection,
  { requireEncryption }: SamlSettings,
  { assertion, encrypted }: ResponseShape,
  response: Element | undefined,
): Promise<Opened> {
  if (encrypted !== undefined) {
    const [signed = encrypted] = response ? childrenNamed(response, assertionNs, 'EncryptedAssertion') : [];
    const encryption = readEncryption(signed);
    const keys = await openDecryptionKeys(deps.store.read, deps.sealer, connection);
    const pems = keys.map(({ privateKey }) => privateKey);
    const { document } = openEncrypted(encryption, pems, 'assertion');
    return { assertion: readDecryptedShape(document), encrypted: true };
  }
  if (assertion === undefined) throw new SignInFault('malformed', 'The response holds no assertion');
  if (!requireEncryption) return { assertion, encrypted: false };
  throw new SignInFault('decryption_failed', 'The connection asks for encrypted assertions, and this one is not');
}

/** When the person was asked to sign in anew (beginSaml seals it into the attempt). */
function authenticatedAfter({ sealer }: SsoDeps, attempt: SignInAttempt | undefined): Date | undefined {
  return attempt?.secrets === undefined ? undefined : new Date(sealer.open(attempt.secrets));
}
