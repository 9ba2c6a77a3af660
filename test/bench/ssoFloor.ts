/**
 * The floors of sign-ins: bare Express 5 in which node-saml verifies a response, and openid-client exchanges a code; nothing
 * is kept. Started as a process of its own: `node ssoFloor.js`, its settings as JSON in FLOOR; prints its port.
 */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import express from 'express';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  randomPKCECodeVerifier,
} from 'openid-client';

export interface SsoFloorSettings {
  readonly certificate: string;
  readonly audience: string;
  readonly acsUrl: string;
  readonly issuer: string;
}

const settings: SsoFloorSettings = JSON.parse(process.env.FLOOR ?? '{}');
const saml = new SAML({
  idpCert: settings.certificate,
  issuer: settings.audience,
  audience: settings.audience,
  callbackUrl: settings.acsUrl,
  validateInResponseTo: ValidateInResponseTo.never,
  wantAuthnResponseSigned: false,
  wantAssertionsSigned: true,
  acceptedClockSkewMs: 60_000,
});
const oidc = await discovery(new URL(settings.issuer), 'gatehouse', 'a secret', undefined, {
  execute: [allowInsecureRequests, enableNonRepudiationChecks],
});
const begun = new Map<string, { readonly nonce: string; readonly verifier: string }>();

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.post('/acs', express.urlencoded({ extended: false, limit: '900kb' }), async (request, response) => {
  const { profile } = await saml.validatePostResponseAsync(request.body);
  response.status(303).set('Location', `/${profile?.nameID}`).end();
});
app.get('/start', async (_request, response) => {
  const [state, nonce, verifier] = [
    randomBytes(32).toString('hex'),
    randomBytes(16).toString('hex'),
    randomPKCECodeVerifier(),
  ];
  begun.set(state, { nonce, verifier });
  const url = buildAuthorizationUrl(oidc, {
    redirect_uri: 'http://127.0.0.1/callback',
    scope: 'openid email',
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  response.status(303).set('Location', url.href).end();
});
app.get('/callback', async (request, response) => {
  const expectedState = String(request.query.state);
  const { nonce = '', verifier = '' } = begun.get(expectedState) ?? {};
  begun.delete(expectedState);
  const url = new URL(request.originalUrl, 'http://127.0.0.1');
  const tokens = await authorizationCodeGrant(oidc, url, {
    pkceCodeVerifier: verifier,
    expectedState,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
  response.status(303).set('Location', `/${tokens.claims()?.sub}`).end();
});

const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
server.keepAliveTimeout = 600_000;
process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close();
});
