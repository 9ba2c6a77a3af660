/** A SAML IdP for the browser: a page on which to choose who signs in, and the form that takes the answer back (DEV-1). */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { factsFor, issueResponse, newSamlId, type SamlIdp, writeIdpMetadata } from './idp.ts';
import { signRedirect, writeLogoutResponse } from './logout.ts';
import { escapeMarkup as text } from './names.ts';
import { readSamlRequest, type SamlRequest } from './request.ts';
import { fetchSpMetadata, type SamlProvider } from './spMetadata.ts';
import type { SamlPerson } from './vendors.ts';

export interface SamlIdpServer {
  readonly idp: SamlIdp;
  readonly metadataUrl: string;
  /** Answers requests of this service provider from now on; those of others are refused, but for all of a `gatehouse`. */
  trust(provider: SamlProvider): void;
  close(): Promise<void>;
}

export interface SamlIdpServerOptions extends Pick<SamlIdp, 'vendor' | 'keys'> {
  readonly people: readonly SamlPerson[];
  /** On loopback; 0 for any that is free. */
  readonly port: number;
  /** The base URL of a Gatehouse whose connections are all trusted, by the metadata that it publishes. */
  readonly gatehouse?: string;
}

const FORM_LIMIT = 200_000;

/** Opens the IdP on loopback: `/metadata`, `/sso`, `/slo`. */
export async function openSamlIdpServer(options: SamlIdpServerOptions): Promise<SamlIdpServer> {
  const { vendor, keys, people, port, gatehouse } = options;
  const providers = new Map<string, SamlProvider>();
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) =>
      send(response, 400, page('That did not work', text(String(error)))),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${portOf(server)}`;
  const idp: SamlIdp = {
    entityId: `${origin}/metadata`,
    ssoUrl: `${origin}/sso`,
    sloUrl: `${origin}/slo`,
    vendor,
    keys,
  };

  async function known(issuer: string): Promise<SamlProvider> {
    const provider = providers.get(issuer);
    if (provider !== undefined) return provider;
    if (gatehouse === undefined) throw new Error(`this IdP does not know ${issuer}`);
    return fetchSpMetadata(issuer, gatehouse);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', origin);
    const posted = request.method === 'POST';
    const fields = posted ? new URLSearchParams(await readBody(request)) : searchParams;
    const binding = posted ? 'post' : 'redirect';
    switch (pathname) {
      case '/metadata':
        return send(response, 200, writeIdpMetadata(idp), 'application/samlmetadata+xml');
      case '/sso':
        return choose(
          response,
          readSamlRequest(fields.get('SAMLRequest') ?? '', binding),
          fields.get('RelayState') ?? '',
        );
      case '/sso/answer':
        return signIn(response, fields);
      case '/slo':
        return endSession(response, fields, binding);
      default:
        return send(response, 404, page('There is nothing here', ''));
    }
  }

  async function choose(
    response: ServerResponse,
    { id, issuer, forceAuthn }: SamlRequest,
    relayState: string,
  ): Promise<void> {
    await known(issuer);
    const hidden = hiddenFields({ request: id, issuer, RelayState: relayState });
    const buttons = people.map(
      ({ email, givenName, familyName, groups }, index) =>
        `<p><button name="person" value="${index}">${text(`${givenName} ${familyName}`)}</button> ${text(email)}<br><small>${text(groups.join(', '))}</small></p>`,
    );
    const note = forceAuthn ? '<p>You are asked to sign in again.</p>' : '';
    send(
      response,
      200,
      page(
        `${vendor.title} (simulated)`,
        `${note}<form method="post" action="/sso/answer">${hidden}${buttons.join('')}</form>`,
      ),
    );
  }

  async function signIn(response: ServerResponse, fields: URLSearchParams): Promise<void> {
    const provider = await known(fields.get('issuer') ?? '');
    const person = people[Number(fields.get('person'))];
    if (person === undefined) throw new Error('there is no such person');
    const facts = factsFor(idp, provider, person, { request: fields.get('request') ?? undefined, at: new Date() });
    const SAMLResponse = Buffer.from(await issueResponse(idp, provider, facts)).toString('base64');
    const hidden = hiddenFields({ SAMLResponse, RelayState: fields.get('RelayState') ?? '' });
    const form = `<form method="post" action="${text(provider.acsUrl)}">${hidden}<button>Continue</button></form>`;
    send(response, 200, page('Signed in', `${form}<script>document.forms[0].submit()</script>`));
  }

  /** Says yes to a log-out, and nothing more to an answer: there are no sessions here. */
  async function endSession(
    response: ServerResponse,
    fields: URLSearchParams,
    binding: 'redirect' | 'post',
  ): Promise<void> {
    const asked = fields.get('SAMLRequest');
    if (asked === null) {
      send(response, 200, page('Signed out', ''));
      return;
    }
    const { id, issuer } = readSamlRequest(asked, binding);
    const provider = await known(issuer);
    const facts = { id: newSamlId(), issuer: idp.entityId, destination: provider.sloUrl, at: new Date() };
    const query = signRedirect(
      'SAMLResponse',
      writeLogoutResponse(facts, id),
      keys[0],
      fields.get('RelayState') ?? undefined,
    );
    response.writeHead(303, { location: `${provider.sloUrl}?${query}` }).end();
  }

  return {
    idp,
    metadataUrl: `${origin}/metadata`,
    trust: (provider) => void providers.set(provider.entityId, provider),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += String(chunk);
    if (body.length > FORM_LIMIT) throw new Error('the form is too large');
  }
  return body;
}

const hiddenFields = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${text(value)}">`)
    .join('');

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${text(title)}</title></head><body><main><h1>${text(title)}</h1>${body}</main></body></html>`;

function send(response: ServerResponse, status: number, body: string, type = 'text/html; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}
