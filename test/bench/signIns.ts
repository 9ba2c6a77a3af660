/** Whole sign-ins beside what the bare libraries need for the same messages, and the check of a session. */
import { makeSamlKey } from '../../src/simulator/index.ts';
import { type Bench, must } from './bench.ts';
import { type Call, type Client, openClient } from './client.ts';
import { openProvider, type Provider, signAhead } from './idps.ts';
import { type Figure, type Load, measure } from './measure.ts';
import { type Line, rateLine } from './report.ts';
import { startSsoFloor } from './servers.ts';
import { person } from './world.ts';

const connections = 16;
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const came = ({ status }: { readonly status: number }) => status === 303;

/** Signing ahead takes a while; more than this is signed in a round by neither side. */
const perSecond = 400;

async function ask<T>(client: Client, call: Call): Promise<T> {
  const answer = await client.send(call);
  if (answer.status >= 300) throw new Error(`${call.method} ${call.path} answered ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body) as T;
}

async function connect({ client, world }: Bench, body: object): Promise<string> {
  const home = `/organizations/${world.organizationId}/connections`;
  const named = { name: 'Bench', preset: 'okta', ...body };
  const { id } = await ask<{ id: string }>(client, world.operator('POST', home, named));
  await ask(client, world.operator('PATCH', `${home}/${id}`, { status: 'active', force: true }));
  return id;
}

const header = (head: string, name: string): string => new RegExp(`^${name}: ([^\\r\\n]*)`, 'im').exec(head)?.[1] ?? '';

/**
 * Each call is one whole sign-in: /start, the IdP (in this process), the callback. A load of two calls, since the second
 * needs what the first answered.
 */
function roundTrip(client: Client, start: string, callback: string, provider: Provider): Load {
  const whole: Client = {
    ...client,
    async send(call) {
      const left = await client.send(call);
      if (left.status !== 303) return left;
      const cookie = header(left.head, 'set-cookie').split(';')[0] ?? '';
      const query = provider.authorize(header(left.head, 'location'));
      return client.send({ method: 'GET', path: `${callback}?${query}`, headers: { Cookie: cookie } });
    },
  };
  return { client: whole, next: () => ({ method: 'GET', path: start }), expect: came };
}

export async function signIns(bench: Bench): Promise<Line[]> {
  const key = await makeSamlKey('bench');
  const provider = await openProvider();
  const secret = { clientId: 'gatehouse', clientSecret: 'a secret', scopes: ['openid', 'email'] };
  const oidc = await connect(bench, { oidc: { issuer: provider.issuer, ...secret } });
  const { certificate } = key;
  const idp = {
    entityId: 'https://idp.bench.example',
    ssoUrl: 'https://idp.bench.example/sso',
    certificates: [certificate],
  };
  const saml = await connect(bench, { saml: idp, idpInitiated: true });
  const base = `${bench.client.base.origin}/sso/saml/${saml}`;
  const to = { entityId: `${base}/metadata`, acsUrl: `${base}/acs` };
  const floor = await startSsoFloor({ certificate, audience: to.entityId, acsUrl: to.acsUrl, issuer: provider.issuer });
  const bare = await openClient(floor, connections);
  const timed = (loads: readonly Load[]): Promise<Figure[]> => measure(loads, connections, bench.roundMs, bench.rounds);
  try {
    const posts = await signAhead(key, to, Math.ceil((bench.roundMs / 1000) * (bench.rounds + 1) * perSecond));
    const post = (client: Client, path: string): Load => ({
      client,
      next: (index) => ({ method: 'POST', path, headers: form, text: must(posts, index) }),
      expect: came,
    });
    const verified = await timed([post(bench.client, new URL(to.acsUrl).pathname), post(bare, '/acs')]);
    const exchanged = await timed([
      roundTrip(bench.client, `/sso/start?connection=${oidc}`, `/sso/oidc/${oidc}/callback`, provider),
      roundTrip(bare, '/start', '/callback', provider),
    ]);
    return [
      rateLine('SAML sign-in, response → session', must(verified, 0), {
        figure: must(verified, 1),
        what: 'node-saml verifies the same',
      }),
      rateLine('OIDC sign-in, start → session', must(exchanged, 0), {
        figure: must(exchanged, 1),
        what: 'openid-client does the same',
      }),
      ...(await sessionChecks(bench, timed)),
    ];
  } finally {
    bare.close();
    await floor.stop();
    provider.close();
  }
}

async function sessionChecks(
  { client, world, full }: Bench,
  timed: (loads: readonly Load[]) => Promise<Figure[]>,
): Promise<Line[]> {
  const { accountId } = must(world.people, 1);
  const { token } = await ask<{ token: string }>(client, world.operator('POST', '/sessions', { accountId }));
  const stored = await full.send({ method: 'POST', path: '/people', body: person('session') });
  const { id } = JSON.parse(stored.body) as { id: string };
  const figures = await timed([
    {
      client,
      next: () => world.operator('POST', '/sessions/introspect', { token }),
      expect: ({ body }) => body.includes('"active":true'),
    },
    {
      client: full,
      next: () => ({ method: 'POST', path: '/checks', body: { id } }),
      expect: ({ status }) => status === 200,
    },
  ]);
  const beside = { figure: must(figures, 1), what: 'JSON body, indexed read' };
  return [rateLine('session check (introspection)', must(figures, 0), beside)];
}
