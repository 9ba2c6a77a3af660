/** Sign-ins over HTTP: /sso/start, a simulated SAML IdP, and back to /sso/saml/{connection}/acs as a browser goes. */
import type supertest from 'supertest';
import { claimDomain, createOrganization, findSessions, forceVerifyDomain } from '../../../src/access/index.ts';
import { newId } from '../../../src/lib/ids.ts';
import { openSealer, type Sealer } from '../../../src/lib/secrets.ts';
import {
  makeSamlKey,
  readSamlRequest,
  type SamlAudience,
  type SamlIdp,
  type SamlKey,
  type SamlPerson,
  type SamlRequest,
  type SamlVendor,
  type SamlVendorName,
  samlVendors,
} from '../../../src/simulator/index.ts';
import { type PresetName, presetClaims } from '../../../src/sso/presets.ts';
import type { ClaimNames, SamlSettings } from '../../../src/sso/settings.ts';
import { type Connection, PLATFORM, type SignInRecord, type Transaction } from '../../../src/store/index.ts';
import {
  openTestGatehouse,
  type TestGatehouse,
  type TestGatehouseOptions,
  testBaseUrl,
} from '../../support/gatehouse.ts';
import { verifyRefusalPage } from '../refusalPage.ts';
import { verifyRefusalAudited } from '../refusedAudit.ts';
import { type Craft, craftResponse } from './craft.ts';

export const ann: SamlPerson = {
  id: '5f0b4a1e-9d6c-4a53-9a3e-7f6b1c2d3e4f',
  email: 'ann@acme.test',
  givenName: 'Ann',
  familyName: 'Lee',
  groups: ['Engineering', 'GPU users'],
};

/** How a sign-in ended, as the browser and the Admin see it. */
export interface Ended {
  readonly status: number;
  readonly page: string;
  readonly location: string | undefined;
  readonly signedIn: boolean;
  /** Of a refusal: the record that the page's reference leads to; that it is in the audit too has been seen. */
  readonly record: SignInRecord | undefined;
}

/** A connection and the IdP behind it. */
export interface Pair {
  readonly connection: Connection;
  readonly idp: SamlIdp;
  readonly to: SamlAudience;
}

/** A sign-in that is at the IdP. */
export interface Left {
  readonly request: SamlRequest;
  readonly relayState: string;
  readonly cookie: string;
}

export interface ConnectOptions {
  readonly vendor?: SamlVendorName | SamlVendor;
  readonly keys?: readonly [SamlKey, ...SamlKey[]];
  readonly saml?: Partial<SamlSettings>;
  readonly claims?: ClaimNames;
  readonly idpInitiated?: boolean;
  readonly jit?: boolean;
  readonly organizationId?: string;
  readonly entityId?: string;
}

export interface SamlWorld {
  readonly gatehouse: TestGatehouse;
  readonly organizationId: string;
  /** The IdPs' key, and ours towards them: the same everywhere, since making one takes a while. */
  readonly keys: { readonly idp: SamlKey; readonly next: SamlKey; readonly own: SamlKey; readonly stranger: SamlKey };
  readonly now: () => Date;
  readonly run: <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>;
  makeOrganization(domain: string): Promise<string>;
  connect(options?: ConnectOptions): Promise<Pair>;
  start(pair: Pair, query?: Readonly<Record<string, string>>): Promise<Left>;
  /** Posts a response to the ACS of a connection; without `left` as if the IdP had begun. */
  post(pair: Pair, response: string, left?: Partial<Left>): Promise<Ended>;
  /** The whole way, honest but for `craft`. */
  signIn(pair: Pair, craft?: Craft, person?: SamlPerson): Promise<Ended>;
  endOf(answer: supertest.Response): Promise<Ended>;
  sessionsOf(accountId: string): Promise<number>;
}

async function makeKeys(): Promise<SamlWorld['keys']> {
  const [idp, next, own, stranger] = await Promise.all(['idp', 'next', 'own', 'stranger'].map(makeSamlKey));
  if (!idp || !next || !own || !stranger) throw new Error('unreachable');
  return { idp, next, own, stranger };
}

const keysMade = makeKeys();

export async function openSamlWorld(options: TestGatehouseOptions = {}): Promise<SamlWorld> {
  const keys = await keysMade;
  const gatehouse = await openTestGatehouse(options);
  const { store } = gatehouse;
  const sealer = openSealer(gatehouse.secrets.key);
  const now = () => options.clock?.now() ?? new Date();
  const run: SamlWorld['run'] = (work) => store.transaction({ actor: 'system', requestId: 'req-test' }, work);
  const makeOrganization = (domain: string) =>
    run(async (tx) => {
      const made = await createOrganization(tx, sealer, { name: domain, owner: { email: `owner@${domain}` } });
      await claimDomain(tx, made.organization._id, domain);
      await forceVerifyDomain(tx, made.organization._id, domain);
      return made.organization._id;
    });
  const organizationId = await makeOrganization('acme.test');

  async function endOf(answer: supertest.Response): Promise<Ended> {
    const reference = /<code>([0-9A-Z]{5}-[0-9A-Z]{5})<\/code>/.exec(answer.text)?.[1];
    const cookies = ([] as string[]).concat(answer.headers['set-cookie'] ?? []);
    const record =
      reference === undefined ? undefined : await store.read.signInRecords.findOne(PLATFORM, { reference });
    await verifyRefusalAudited(store.read, record);
    verifyRefusalPage(answer);
    return {
      status: answer.status,
      page: answer.text,
      location: answer.headers.location,
      signedIn: cookies.some((cookie) => /^(__Host-gatehouse|gatehouse-session)=/.test(cookie)),
      record,
    };
  }

  const world: SamlWorld = {
    gatehouse,
    organizationId,
    keys,
    now,
    run,
    makeOrganization,
    endOf,
    async connect(given = {}) {
      const vendor = typeof given.vendor === 'object' ? given.vendor : samlVendors[given.vendor ?? 'okta'];
      const idp: SamlIdp = {
        entityId: given.entityId ?? `https://idp.test/${newId('request')}`,
        ssoUrl: 'https://idp.test/sso',
        sloUrl: 'https://idp.test/slo',
        vendor,
        keys: given.keys ?? [keys.idp],
      };
      const connection = await run((tx) => insertConnection(tx, sealer, idp, keys.own, { organizationId, ...given }));
      const base = `${testBaseUrl}/sso/saml/${connection._id}`;
      const to = { entityId: `${base}/metadata`, acsUrl: `${base}/acs`, certificate: keys.own.certificate };
      return { connection, idp, to };
    },
    async start({ connection }, query = {}) {
      const answer = await gatehouse.request.get('/sso/start').query({ connection: connection._id, ...query });
      if (answer.status !== 303) throw new Error(`/sso/start: ${answer.status} ${answer.text}`);
      const [cookie = ''] = ([] as string[]).concat(answer.headers['set-cookie'] ?? []);
      const url = new URL(answer.headers.location ?? '');
      return {
        request: readSamlRequest(url.searchParams.get('SAMLRequest') ?? '', 'redirect'),
        relayState: url.searchParams.get('RelayState') ?? '',
        cookie: cookie.split(';')[0] ?? '',
      };
    },
    async post({ connection }, response, left = {}) {
      const answer = await gatehouse.request
        .post(`/sso/saml/${connection._id}/acs`)
        .set('cookie', left.cookie ?? '')
        .type('form')
        .send({ SAMLResponse: response, ...(left.relayState !== undefined && { RelayState: left.relayState }) });
      return endOf(answer);
    },
    async signIn(pair, craft = {}, person = ann) {
      const left = await world.start(pair);
      const field = await craftResponse(pair.idp, pair.to, person, { request: left.request.id, at: now(), craft });
      return world.post(pair, field, left);
    },
    sessionsOf: async (accountId) => (await findSessions(store.read, accountId, now())).length,
  };
  return world;
}

async function insertConnection(
  tx: Transaction,
  sealer: Sealer,
  idp: SamlIdp,
  own: SamlKey,
  { organizationId, saml, claims, ...given }: ConnectOptions & { readonly organizationId: string },
): Promise<Connection> {
  const preset = idp.vendor.preset as PresetName;
  const settings: SamlSettings = {
    entityId: idp.entityId,
    ssoUrl: idp.ssoUrl,
    ssoBinding: 'redirect',
    sloUrl: idp.sloUrl,
    sloBinding: 'redirect',
    certificates: idp.keys.map(({ certificate }) => ({ pem: certificate, expiresAt: '2049-01-01T00:00:00.000Z' })),
    signRequests: false,
    requireEncryption: false,
    ...saml,
  };
  const connection = await tx.connections.insert(organizationId, {
    _id: newId('connection'),
    organizationId,
    name: idp.vendor.title,
    protocol: 'saml',
    status: 'active',
    preset,
    claims: claims ?? presetClaims(preset, 'saml'),
    saml: JSON.parse(JSON.stringify(settings)),
    jit: given.jit ?? true,
    idpInitiated: given.idpInitiated ?? false,
  });
  await tx.connectionKeys.insert(organizationId, {
    _id: newId('connectionKey'),
    organizationId,
    connectionId: connection._id,
    state: 'current',
    certificate: own.certificate,
    privateKey: sealer.seal(own.privateKey),
    expiresAt: new Date('2049-01-01T00:00:00Z'),
  });
  return connection;
}
