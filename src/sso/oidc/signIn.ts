/** Sign-in by the authorization code flow, with PKCE, state, nonce and RFC 9207 (SSO-2). */
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
} from 'openid-client';
import { z } from 'zod';
import type { Connection, JsonObject, SignInAttempt } from '../../store/index.ts';
import { oidcAddresses } from '../addresses.ts';
import { type BeginInput, type Begun, type OidcAnswer, SignInFault, type SsoDeps, type Verified } from '../protocol.ts';
import { claimNamesOf } from '../settings.ts';
import { faultOf } from './faults.ts';
import { checkIdToken, verifySignature } from './idToken.ts';
import { isEntra } from './issuer.ts';
import { lacksClaims, personOf } from './person.ts';
import { findProvider, type Provider } from './provider.ts';
import { describeClaims, describeSignature, isTooDeep } from './received.ts';

/**
 * Core §5.5.1: says in another way what `max_age` says already, to IdPs that send no `auth_time` by themselves (Google, Entra). Without that claim
 * nothing shows that the person was asked: `iat` is new in any case, and the request's own parameters pass through the person's hands.
 */
const askForAuthTime = JSON.stringify({ id_token: { auth_time: { essential: true } } });

/** A longer one fits into no address. */
const HINT_LIMIT = 6 * 1024;

/** What an attempt keeps, sealed. `since`: the person is to show who they are, from then on (epoch milliseconds). */
const secretsSchema = z.strictObject({
  nonce: z.string(),
  verifier: z.string(),
  /** Where the answer must come: from our configuration, never from a request. */
  redirectUri: z.string(),
  since: z.number().optional(),
});
type Secrets = z.output<typeof secretsSchema>;

/** The way to the IdP, and what the attempt must keep. Throws SignInFault where the IdP cannot be reached or trusted. */
export async function beginOidc(deps: SsoDeps, connection: Connection, input: BeginInput): Promise<Begun> {
  const { state, loginHint, forceAuthn } = input;
  const { configuration, settings } = await findProvider(deps, connection);
  const secrets: Secrets = {
    nonce: randomNonce(),
    verifier: randomPKCECodeVerifier(),
    redirectUri: oidcAddresses(deps.baseUrl, connection._id, settings).redirectUri,
    ...(forceAuthn && { since: deps.clock.now().getTime() }),
  };
  const url = buildAuthorizationUrl(configuration, {
    response_type: 'code',
    response_mode: 'query',
    redirect_uri: secrets.redirectUri,
    scope: [...new Set(['openid', ...settings.scopes])].join(' '),
    state,
    nonce: secrets.nonce,
    code_challenge: await calculatePKCECodeChallenge(secrets.verifier),
    code_challenge_method: 'S256',
    ...(loginHint !== undefined && { login_hint: loginHint }),
    ...(forceAuthn && { prompt: 'login', max_age: '0', claims: askForAuthTime }),
  });
  return { departure: { kind: 'redirect', url: url.href }, secrets: deps.sealer.seal(JSON.stringify(secrets)) };
}

/**
 * Redeems the code of a redirect and verifies what is given for it. Throws SignInFault for every answer that is not the
 * IdP's own, whole and fresh, to the very sign-in that this attempt is.
 */
export async function verifyOidc(deps: SsoDeps, connection: Connection, answer: OidcAnswer): Promise<Verified> {
  const { attempt, state } = answer;
  const secrets = openSecrets(deps, connection, attempt);
  const provider = await findProvider(deps, connection);
  const callback = checkCallback(answer.url, secrets, provider);
  const tokens = await redeem(provider, callback, state, secrets);
  const token = await verifySignature(provider, tokens.idToken, 'The ID token');
  const entra = isEntra(connection.preset, provider.settings);
  const now = deps.clock.now();
  checkIdToken(token, {
    provider,
    entra,
    now,
    accessToken: tokens.accessToken,
    code: callback.searchParams.get('code') ?? '',
    state,
    authenticatedSince: secrets.since === undefined ? undefined : new Date(secrets.since),
  });
  const names = claimNamesOf(connection);
  const { claims: idToken } = token;
  const asked = provider.hasUserinfo && lacksClaims(idToken, names, entra);
  const userinfo = asked ? await askUserinfo(provider, tokens.accessToken, idToken) : undefined;
  const hint = provider.hasEndSession && tokens.idToken.length <= HINT_LIMIT ? tokens.idToken : undefined;
  const person = personOf({ idToken, userinfo, hint }, names, entra);
  const received = { ...describeSignature(token, now), ...person.received };
  return { identity: { ...person, received }, once: [] };
}

function openSecrets(deps: SsoDeps, connection: Connection, { connectionId, secrets }: SignInAttempt): Secrets {
  if (connectionId !== connection._id || secrets === undefined) {
    throw new SignInFault('request_mismatch', 'The sign-in was begun for another connection');
  }
  return secretsSchema.parse(JSON.parse(deps.sealer.open(secrets)));
}

/**
 * Against mix-up, before the code goes anywhere: the answer comes where its sign-in was to end, and names its issuer where that address
 * is not the connection's own, whatever the metadata says by now.
 */
function checkCallback(url: URL, { redirectUri }: Secrets, { settings }: Provider): URL {
  if (`${url.origin}${url.pathname}` !== new URL(redirectUri).href) {
    throw new SignInFault('request_mismatch', `The answer came to another address than ${redirectUri}`);
  }
  if (settings.announcesIss && !url.searchParams.has('iss')) {
    throw new SignInFault('issuer_mismatch', 'The answer lacks iss, which the metadata has announced');
  }
  return url;
}

interface Tokens {
  readonly idToken: string;
  readonly accessToken: string;
}

/** Here openid-client checks state, `iss` and repeated parameters, and of the ID token iss, aud, azp, exp, nbf, nonce, alg and crit. */
async function redeem(
  { configuration }: Provider,
  callback: URL,
  state: string,
  { nonce, verifier }: Secrets,
): Promise<Tokens> {
  try {
    const { id_token: idToken, access_token: accessToken } = await authorizationCodeGrant(configuration, callback, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    if (idToken === undefined) throw new SignInFault('malformed', 'The token endpoint gave no ID token');
    return { idToken, accessToken };
  } catch (error) {
    throw faultOf(error, 'The ID token', 'The token endpoint');
  }
}

/**
 * What the IdP tells about the person beside the ID token. Answers undefined where it tells nothing and the ID token has an
 * address: what is then unknown changes nothing. Throws SignInFault where it speaks of somebody else.
 */
async function askUserinfo(
  provider: Provider,
  accessToken: string,
  idToken: JsonObject,
): Promise<JsonObject | undefined> {
  try {
    const userinfo = await fetchUserInfo(provider.userinfo, accessToken, idToken.sub as string);
    if (isTooDeep(userinfo)) throw new SignInFault('malformed', 'Userinfo: its claims are nested too deep');
    return userinfo;
  } catch (error) {
    const { code, message } = faultOf(error, 'Userinfo');
    const silent = code === 'idp_unreachable' || code === 'idp_refused';
    if (silent && idToken.email !== undefined) return undefined;
    throw new SignInFault(code, message, { received: { idToken: describeClaims(idToken) } });
  }
}
