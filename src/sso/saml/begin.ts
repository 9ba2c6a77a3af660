/** Leaves for a SAML IdP with an AuthnRequest (SAML Core §3.4.1, SSO-2). */
import { randomBytes } from 'node:crypto';
import { SAML, type SamlConfig, ValidateInResponseTo } from '@node-saml/node-saml';
import type { Connection } from '../../store/index.ts';
import { samlAddresses } from '../addresses.ts';
import { openSigningKey } from '../keys.ts';
import type { BeginInput, Begun, SsoDeps } from '../protocol.ts';
import { samlOf } from '../settings.ts';

/** An id of a message of ours: 160 random bits, and a letter first, as XML asks. */
export const newMessageId = (): string => `_${randomBytes(20).toString('hex')}`;

/**
 * The request, by the binding that the IdP's metadata names, signed where the connection or the IdP wants it. A step-up asks
 * the IdP to ask the person again; when that was is sealed into the attempt, for the answer to be held to it.
 */
export async function beginSaml(
  deps: SsoDeps,
  connection: Connection,
  { state, forceAuthn }: BeginInput,
): Promise<Begun> {
  const settings = samlOf(connection);
  const requestId = newMessageId();
  const provider = samlAddresses(deps.baseUrl, connection._id);
  const key = settings.signRequests ? await openSigningKey(deps.store.read, deps.sealer, connection) : undefined;
  const post = settings.ssoBinding === 'post';
  const config: SamlConfig = {
    issuer: provider.entityId,
    callbackUrl: provider.acsUrl,
    entryPoint: settings.ssoUrl,
    idpCert: settings.certificates.map(({ pem }) => pem),
    identifierFormat: settings.nameIdFormat ?? null,
    // Naming a way to sign in would refuse those who use a better one.
    disableRequestedAuthnContext: true,
    validateInResponseTo: ValidateInResponseTo.never,
    forceAuthn,
    generateUniqueId: () => requestId,
    // Only the redirect binding deflates.
    skipRequestCompression: post,
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    ...(key && { privateKey: key.privateKey, publicCert: key.certificate }),
  };
  const saml = new SAML(config);
  const begun = { requestId, ...(forceAuthn && { secrets: deps.sealer.seal(deps.clock.now().toISOString()) }) };
  if (!post) {
    const url = await saml.getAuthorizeUrlAsync(state, undefined, {});
    return { ...begun, departure: { kind: 'redirect', url } };
  }
  const { SAMLRequest } = await saml.getAuthorizeMessageAsync(state);
  const fields = { SAMLRequest: String(SAMLRequest), RelayState: state };
  return { ...begun, departure: { kind: 'post', url: settings.ssoUrl, fields } };
}
