/** An OpenID provider, certified library and all, dressed as a vendor (DEV-1): discovery, sign-in in a browser, log-out from both sides. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdapterFactory, Configuration, JWK, Provider } from 'oidc-provider';
import { loadProvider } from './load.ts';
import { openMemory } from './memory.ts';
import { writeSignInPage } from './page.ts';
import { type OidcPerson, type OidcVendor, type OidcVendorName, oidcVendors } from './vendors.ts';

/** Gatehouse, as this IdP knows it. */
export interface OidcClient {
  readonly id: string;
  readonly secret: string;
  readonly redirectUri: string;
  readonly backchannelLogoutUri?: string | undefined;
  readonly postLogoutRedirectUri?: string | undefined;
}

export interface OidcIdpOptions {
  readonly vendor: OidcVendorName;
  readonly people: readonly OidcPerson[];
  /** Default: any that is free. */
  readonly port?: number | undefined;
}

export interface OidcIdp {
  readonly issuer: string;
  readonly vendor: OidcVendor;
  /** The people who may sign in; what is changed here holds from the next sign-in on. */
  readonly people: Map<string, OidcPerson>;
  /** Registers a client; before that, nobody can sign in anywhere. */
  register(client: OidcClient): void;
  /** Tells every client that a person's sessions have ended (back-channel logout). Throws where one refuses to hear it. */
  endSessionsOf(personId: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens the IdP on loopback, over plain http. */
export async function openOidcIdp({ vendor: name, people: given, port = 0 }: OidcIdpOptions): Promise<OidcIdp> {
  const LoadedProvider = await loadProvider();
  const vendor = oidcVendors[name];
  const people = new Map(given.map((person) => [person.id, person]));
  const clients: OidcClient[] = [];
  let provider: Provider | undefined;
  const server = createServer((request, response) => {
    serve(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = [makeKey()];
  const memory = openMemory();

  const open = (): Provider => new LoadedProvider(issuer, configure(vendor, people, clients, keys, memory));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    provider ??= open();
    if (request.url?.startsWith('/interaction/')) return interact(provider, request, response);
    await provider.callback()(request, response);
  }

  async function interact(at: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { uid, params } = await at.interactionDetails(request, response);
    if (request.method === 'POST') {
      const person = people.get(new URLSearchParams(await readText(request)).get('person') ?? '');
      const result = person
        ? { login: { accountId: vendor.subject(person) } }
        : { error: 'access_denied', error_description: 'Nobody of this name is here' };
      return at.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    }
    const page = writeSignInPage({
      title: vendor.title,
      action: `/interaction/${uid}`,
      people: [...people.values()],
      hint: typeof params.login_hint === 'string' ? params.login_hint : undefined,
    });
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(page);
  }

  return {
    issuer,
    vendor,
    people,
    register(client) {
      clients.push(client);
      provider = undefined;
    },
    async endSessionsOf(personId) {
      const person = people.get(personId);
      provider ??= open();
      for (const { id } of clients) {
        const client = await provider.Client.find(id);
        if (client?.backchannelLogoutUri && person) await tell(client, vendor.subject(person));
      }
    },
    close: () => closeServer(server),
  };
}

function configure(
  vendor: OidcVendor,
  people: ReadonlyMap<string, OidcPerson>,
  clients: readonly OidcClient[],
  keys: JWK[],
  memory: AdapterFactory,
): Configuration {
  const first = [...people.values()][0];
  return {
    clients: clients.map(({ id, secret, redirectUri, backchannelLogoutUri, postLogoutRedirectUri }) => ({
      client_id: id,
      client_secret: secret,
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      ...(backchannelLogoutUri !== undefined && {
        backchannel_logout_uri: backchannelLogoutUri,
        backchannel_logout_session_required: true,
      }),
      ...(postLogoutRedirectUri !== undefined && { post_logout_redirect_uris: [postLogoutRedirectUri] }),
    })),
    adapter: memory,
    jwks: { keys },
    ttl: { Interaction: 600, Grant: 3600, Session: 3600, AccessToken: 600, IdToken: 600 },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    // As the vendors do it: who somebody is stands in the ID token itself.
    conformIdTokenClaims: false,
    scopes: ['openid', 'email', 'profile', 'groups'],
    claims: { openid: ['sub', ...Object.keys(first ? vendor.claims(first) : {}), '_claim_names', '_claim_sources'] },
    pkce: { required: () => true },
    findAccount(_context, id) {
      const person = [...people.values()].find((one) => vendor.subject(one) === id);
      if (person === undefined) return undefined;
      return { accountId: id, claims: async () => ({ sub: vendor.subject(person), ...vendor.claims(person) }) };
    },
    async loadExistingGrant({ oidc }) {
      const { client, session, provider } = oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      // An Admin has assigned the application: people are not asked.
      grant.addOIDCScope('openid email profile groups');
      await grant.save();
      return grant;
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        // Whoever comes here has said already that they want to go.
        logoutSource(context, form) {
          const submit = '<button name="logout" value="yes" form="op.logoutForm">Sign out</button>';
          context.body = `<!doctype html><html lang="en"><title>Sign out</title><body>${form}${submit}</body></html>`;
        },
      },
    },
    // The simulator tells its own machine, which the library's default would not.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined } as RequestInit),
  };
}

/** The library posts a log-out token; its types do not know. */
function tell(client: object, subject: string): Promise<void> {
  return (client as { backchannelLogout(sub: string, sid?: string): Promise<void> }).backchannelLogout(subject);
}

function makeKey(): JWK {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    ...privateKey.export({ format: 'jwk' }),
    alg: 'RS256',
    use: 'sig',
    kid: randomBytes(8).toString('hex'),
  } as JWK;
}

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
