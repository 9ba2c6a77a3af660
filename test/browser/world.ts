/** Gatehouse and an IdP as a real browser meets them: over https, on two sites, so that cookies and policies count. */
import { once } from 'node:events';
import { type RequestListener, request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';
import { generate } from 'selfsigned';
import { findFreePort } from '../../src/lib/freePort.ts';
import {
  factsFor,
  issueResponse,
  makeSamlKey,
  readSamlRequest,
  type SamlIdp,
  samlVendors,
} from '../../src/simulator/index.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';

/** What the management API answers, as far as it is looked at here. */
export interface Answered {
  readonly id: string;
}

export interface BrowserWorld {
  /** The public address. */
  readonly url: string;
  readonly gatehouse: TestGatehouse;
  readonly mailbox: Mailbox;
  readonly browser: Browser;
  readonly organizationId: string;
  /** Whether its answers are good, and whose address it says; Ann's where it is absent. */
  readonly idp: { honest: boolean; email?: string | undefined };
  connect(binding: 'redirect' | 'post', name: string): Promise<string>;
  ask(status: number, method: 'get' | 'post' | 'patch', path: string, body?: object): Promise<Answered>;
  close(): Promise<void>;
}

const escapeText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
const ann = { id: 'u-ann', email: 'ann@acme.test', givenName: 'Ann', familyName: 'Lee', groups: ['Engineering'] };

/** The IdP's pages: a button signs Ann in, and the answer is posted back by another. */
function idpPages(idp: SamlIdp, mood: BrowserWorld['idp']): RequestListener {
  return async (incoming, outgoing) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const url = new URL(incoming.url ?? '/', idp.ssoUrl);
    const posted = incoming.method === 'POST';
    const form = posted ? new URLSearchParams(Buffer.concat(parts).toString()) : url.searchParams;
    const message = form.get('SAMLRequest');
    if (message === null) {
      // the icon, which browsers ask for by themselves
      outgoing.writeHead(404).end();
      return;
    }
    const asked = readSamlRequest(message, posted ? 'post' : 'redirect');
    const acsUrl = asked.acsUrl ?? '';
    const to = { entityId: mood.honest ? asked.issuer : 'https://somebody.else.test', acsUrl };
    const { email } = mood;
    const person = email === undefined ? ann : { ...ann, id: email, email };
    const facts = factsFor(idp, to, person, { request: asked.id, at: new Date() });
    const field = Buffer.from(await issueResponse(idp, to, facts)).toString('base64');
    const hidden = (name: string, value: string) => `<input type="hidden" name="${name}" value="${escapeText(value)}">`;
    outgoing.setHeader('Content-Type', 'text/html; charset=utf-8');
    outgoing.end(`<!doctype html><html lang="en"><title>IdP</title><h1>The IdP</h1>
<form method="post" action="${escapeText(acsUrl)}">${hidden('SAMLResponse', field)}
${hidden('RelayState', form.get('RelayState') ?? '')}<button>Sign in as Ann</button></form></html>`);
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export async function openBrowserWorld(): Promise<BrowserWorld> {
  const names = [
    { type: 2 as const, value: 'localhost' },
    { type: 7 as const, ip: '127.0.0.1' },
  ];
  const tls = await generate([{ name: 'commonName', value: 'localhost' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: names }],
  });
  const { cert, private: key } = tls;
  const port = await findFreePort(0);
  const front = createServer({ cert, key }, (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const upstream = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    incoming.pipe(upstream);
  });
  const url = `https://127.0.0.1:${await listen(front)}`;
  const mailbox = await openMailbox();
  const env = { HOST: '127.0.0.1', PORT: String(port), GATEHOUSE_URL: url, SMTP_URL: mailbox.url };
  // The address of the IdP is on loopback, which no organization may name but here.
  const loopback = { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' };
  const gatehouse = await openTestGatehouse({ env: { ...env, ...loopback }, rehearse: false });
  await gatehouse.listen();

  const ask: BrowserWorld['ask'] = async (status, method, path, body) => {
    const answer = await gatehouse.operator(method, path).send(body);
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const { id: organizationId } = await ask(201, 'post', '/api/v1/organizations', {
    name: 'Acme',
    owner: { email: 'olivia@acme.test', name: 'Olivia' },
  });
  const home = `/api/v1/organizations/${organizationId}`;
  await ask(201, 'post', `${home}/domains`, { domain: 'acme.test' });
  await ask(200, 'post', `${home}/domains/acme.test/verify`, { force: true });

  const samlKey = await makeSamlKey('browser');
  const mood: BrowserWorld['idp'] = { honest: true };
  let pages: RequestListener = (_incoming, outgoing) => void outgoing.end();
  const idpServer = createServer({ cert, key }, (incoming, outgoing) => pages(incoming, outgoing));
  // another site than 127.0.0.1
  const ssoUrl = `https://localhost:${await listen(idpServer)}/sso`;
  const idp: SamlIdp = { entityId: 'https://idp.test', ssoUrl, vendor: samlVendors.okta, keys: [samlKey] };
  pages = idpPages(idp, mood);

  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    url,
    gatehouse,
    mailbox,
    browser,
    organizationId,
    idp: mood,
    ask,
    async connect(binding, name) {
      const { certificate } = samlKey;
      const saml = { entityId: idp.entityId, ssoUrl, ssoBinding: binding, certificates: [certificate] };
      const { id } = await ask(201, 'post', `${home}/connections`, { name, preset: 'okta', saml });
      await ask(200, 'patch', `${home}/connections/${id}`, { status: 'active', force: true });
      return id;
    },
    async close() {
      await browser.close();
      for (const server of [front, idpServer]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
