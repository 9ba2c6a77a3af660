/** What we send an IdP at a log-out: our request, or our answer to its own. Both are always signed (SAML Profiles §4.4.3). */
import { type Profile, SAML, type SamlConfig, ValidateInResponseTo } from '@node-saml/node-saml';
import { SignedXml } from 'xml-crypto';
import type { Connection } from '../../store/index.ts';
import { samlAddresses } from '../addresses.ts';
import type { NameIdFacts } from '../identity.ts';
import { type OpenKey, openSigningKey } from '../keys.ts';
import type { Departure, SsoDeps } from '../protocol.ts';
import { claimNamesOf, type SamlSettings, samlOf } from '../settings.ts';
import { newMessageId } from './begin.ts';
import { envelopedSignature, exclusiveC14n, nameIdFormats } from './names.ts';

export interface NewLogout {
  /** The IdP's names for the person, and for its session with them. */
  readonly subject: string;
  readonly nameId?: NameIdFacts | undefined;
  readonly index?: string | undefined;
  /** What the IdP hands back with its answer. */
  readonly state: string;
}

/** The id of the request that goes with a state: a letter first, as XML asks. */
const idOfState = (state: string): string => `_${state}`;

/** The state that a request of this id went with. */
export const stateOfId = (requestId: string): string => requestId.slice(1);

/**
 * Asks the IdP to end its session, too. Undefined where it has no address for that, or where the connection names people by
 * an attribute and the NameID of this session was not kept: the IdP knows them by no other.
 */
export async function beginSamlLogout(
  deps: SsoDeps,
  connection: Connection,
  { subject, nameId, index, state }: NewLogout,
): Promise<{ readonly departure: Departure; readonly requestId: string } | undefined> {
  const settings = samlOf(connection);
  if (settings.sloUrl === undefined) return undefined;
  if (nameId === undefined && claimNamesOf(connection).subject !== undefined) return undefined;
  // An answer that comes without our RelayState names the same by the request that it answers.
  const requestId = idOfState(state);
  const key = await openSigningKey(deps.store.read, deps.sealer, connection);
  const sender = openSender(deps, connection, settings, settings.sloUrl, key, requestId);
  const user: Profile = {
    issuer: settings.entityId,
    nameID: nameId?.value ?? subject,
    nameIDFormat: nameId?.format ?? settings.nameIdFormat ?? nameIdFormats.unspecified,
    ...(nameId?.nameQualifier !== undefined && { nameQualifier: nameId.nameQualifier }),
    ...(nameId?.spNameQualifier !== undefined && { spNameQualifier: nameId.spNameQualifier }),
    ...(index !== undefined && { sessionIndex: index }),
  };
  if (settings.sloBinding !== 'post') {
    return { requestId, departure: { kind: 'redirect', url: await sender.getLogoutUrlAsync(user, state, {}) } };
  }
  const SAMLRequest = signForm(await sender._generateLogoutRequest(user), 'LogoutRequest', key);
  return { requestId, departure: { kind: 'post', url: settings.sloUrl, fields: { SAMLRequest, RelayState: state } } };
}

/** Tells the IdP that its request has been met; undefined where it has no address to be told at. */
export async function answerSamlLogout(
  deps: SsoDeps,
  connection: Connection,
  request: { readonly id: string; readonly relayState?: string | undefined },
): Promise<Departure | undefined> {
  const settings = samlOf(connection);
  if (settings.sloUrl === undefined) return undefined;
  const { sloResponseUrl: answersAt = settings.sloUrl } = settings;
  const key = await openSigningKey(deps.store.read, deps.sealer, connection);
  const sender = openSender(deps, connection, settings, answersAt, key, newMessageId());
  const asked: Profile = { issuer: settings.entityId, nameID: '', nameIDFormat: '', ID: request.id };
  const { relayState = '' } = request;
  if (settings.sloBinding !== 'post') {
    return { kind: 'redirect', url: await sender.getLogoutResponseUrlAsync(asked, relayState, {}, true) };
  }
  const SAMLResponse = signForm(sender._generateLogoutResponse(asked, true), 'LogoutResponse', key);
  return {
    kind: 'post',
    url: answersAt,
    fields: { SAMLResponse, ...(relayState !== '' && { RelayState: relayState }) },
  };
}

function openSender(
  deps: SsoDeps,
  connection: Connection,
  settings: SamlSettings,
  logoutUrl: string,
  { privateKey, certificate }: OpenKey,
  id: string,
): SAML {
  const { entityId, acsUrl } = samlAddresses(deps.baseUrl, connection._id);
  const config: SamlConfig = {
    issuer: entityId,
    callbackUrl: acsUrl,
    entryPoint: settings.ssoUrl,
    logoutUrl,
    idpCert: settings.certificates.map(({ pem }) => pem),
    validateInResponseTo: ValidateInResponseTo.never,
    generateUniqueId: () => id,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    privateKey,
    publicCert: certificate,
  };
  return new SAML(config);
}

/** The message with its signature behind the Issuer, as the field of a form; the library signs these messages for redirects only. */
function signForm(xml: string, name: 'LogoutRequest' | 'LogoutResponse', { privateKey, certificate }: OpenKey): string {
  const signer = new SignedXml({
    privateKey,
    publicCert: certificate,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: exclusiveC14n,
  });
  signer.addReference({
    xpath: `/*[local-name(.)='${name}']`,
    transforms: [envelopedSignature, exclusiveC14n],
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
  });
  signer.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: `/*[local-name(.)='${name}']/*[local-name(.)='Issuer']`, action: 'after' },
  });
  return Buffer.from(signer.getSignedXml(), 'utf8').toString('base64');
}
