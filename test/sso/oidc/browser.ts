/** Sign-ins over HTTP: /sso/start, the IdP, /sso/oidc/callback, as a browser goes; and what is then there. */
import type supertest from 'supertest';
import { claimDomain, createOrganization, findSessions, forceVerifyDomain } from '../../../src/access/index.ts';
import { openSealer } from '../../../src/lib/secrets.ts';
import type { PresetName } from '../../../src/sso/presets.ts';
import type { OidcSettings } from '../../../src/sso/settings.ts';
import type { Connection, SignInRecord, Transaction } from '../../../src/store/index.ts';
import { openTestGatehouse, type TestGatehouse, type TestGatehouseOptions } from '../../support/gatehouse.ts';
import { verifyRefusalPage } from '../refusalPage.ts';
import { verifyRefusalAudited } from '../refusedAudit.ts';
import { insertConnection } from './direct.ts';
import type { EvilIdp, Flaw, Person } from './evilIdp.ts';

/** How a sign-in ended, as the browser and the Admin see it. */
export interface Ended {
  readonly status: number;
  readonly page: string;
  readonly signedIn: boolean;
  /** The session's cookie, as the browser sends it. */
  readonly session: string | undefined;
  /** Of a refusal: the record that the page's reference leads to; that it is in the audit too has been seen. */
  readonly record: SignInRecord | undefined;
}

export interface BrowserWorld {
  readonly gatehouse: TestGatehouse;
  readonly organizationId: string;
  readonly run: <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;
  connect(issuer: string, more?: Partial<OidcSettings>, preset?: PresetName): Promise<Connection>;
  /** Begins: the address at the IdP, and the cookie that the browser keeps; undefined where the page refused. */
  start(connection: Connection): Promise<{ readonly address: string; readonly cookie: string } | supertest.Response>;
  /** Comes back from the IdP. */
  finish(url: URL, cookie?: string, headers?: Record<string, string>): Promise<Ended>;
  signIn(connection: Connection, idp: EvilIdp, person: Person, flaw?: Flaw): Promise<Ended>;
  sessionsOf(accountId: string): Promise<number>;
}

/** `home`: the organization of another world in the same place, of which this one is to be another process. */
export async function openBrowserWorld(options: TestGatehouseOptions = {}, home?: string): Promise<BrowserWorld> {
  const env = { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true', ...options.env };
  const gatehouse = await openTestGatehouse({ ...options, env });
  const { store } = gatehouse;
  const sealer = openSealer(gatehouse.secrets.key);
  const run: BrowserWorld['run'] = (work) => store.transaction({ actor: 'system', requestId: 'req-test' }, work);
  const organizationId =
    home ??
    (await run(async (tx) => {
      const made = await createOrganization(tx, sealer, { name: 'Acme', owner: { email: 'owner@acme.test' } });
      await claimDomain(tx, made.organization._id, 'acme.test');
      await forceVerifyDomain(tx, made.organization._id, 'acme.test');
      return made.organization._id;
    }));

  async function endOf(answer: supertest.Response): Promise<Ended> {
    const reference = /<code>([0-9A-Z]{5}-[0-9A-Z]{5})<\/code>/.exec(answer.text)?.[1];
    const cookies = ([] as string[]).concat(answer.headers['set-cookie'] ?? []);
    const session = cookies.find((cookie) => /^(__Host-gatehouse|gatehouse-session)=/.test(cookie))?.split(';')[0];
    const record =
      reference === undefined ? undefined : await store.read.signInRecords.findOne(organizationId, { reference });
    await verifyRefusalAudited(store.read, record);
    verifyRefusalPage(answer);
    return {
      session,
      status: answer.status,
      page: answer.text,
      signedIn: session !== undefined,
      record,
    };
  }

  const world: BrowserWorld = {
    gatehouse,
    organizationId,
    run,
    connect: (issuer, more = {}, preset = 'custom') =>
      run((tx) => insertConnection(tx, sealer, organizationId, { issuer, ...more }, preset)),
    async start({ _id }) {
      const answer = await gatehouse.request.get('/sso/start').query({ connection: _id });
      if (answer.status !== 303) return answer;
      const [cookie = ''] = ([] as string[]).concat(answer.headers['set-cookie'] ?? []);
      return { address: answer.headers.location ?? '', cookie: cookie.split(';')[0] ?? '' };
    },
    async finish({ pathname, search }, cookie = '', headers = {}) {
      return endOf(await gatehouse.request.get(pathname + search).set({ ...headers, cookie }));
    },
    async signIn(connection, idp, person, flaw = {}) {
      const left = await world.start(connection);
      if (!('address' in left)) return endOf(left);
      return world.finish(idp.authorize(left.address, person, flaw), left.cookie);
    },
    sessionsOf: async (accountId) => (await findSessions(store.read, accountId, new Date())).length,
  };
  return world;
}
