/** Sign-ins through beginOidc and verifyOidc themselves, on a real store, against an IdP over HTTP. */
import { createOrganization } from '../../../src/access/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { newId } from '../../../src/lib/ids.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { openOutgoing } from '../../../src/lib/outgoing.ts';
import { openSealer, type Sealer } from '../../../src/lib/secrets.ts';
import { beginAttempt, newState, takeAttempt } from '../../../src/sso/attempts.ts';
import type { Identity } from '../../../src/sso/identity.ts';
import { beginOidc, verifyOidc } from '../../../src/sso/oidc/index.ts';
import { type PresetName, presetClaims } from '../../../src/sso/presets.ts';
import { type BeginInput, SignInFault, type SignInFaultCode, type SsoDeps } from '../../../src/sso/protocol.ts';
import type { ClaimNames, OidcSettings } from '../../../src/sso/settings.ts';
import type { Connection, Transaction } from '../../../src/store/index.ts';
import { openTestStore } from '../../support/engines.ts';
import type { EvilIdp, Flaw, Person } from './evilIdp.ts';

export type Outcome =
  | { readonly identity: Identity; readonly code?: undefined; readonly detail?: undefined }
  | { readonly identity?: undefined; readonly code: SignInFaultCode; readonly detail: string };

export interface Direct {
  readonly deps: SsoDeps;
  connect(issuer: string, more?: Partial<OidcSettings>, preset?: PresetName, claims?: ClaimNames): Promise<Connection>;
  /** A sign-in from beginning to end, by one browser. */
  signIn(
    connection: Connection,
    idp: EvilIdp,
    person: Person,
    flaw?: Flaw,
    begin?: Partial<BeginInput>,
  ): Promise<Outcome>;
}

const cause = { actor: 'system', requestId: 'req-test' };

const outgoing = openOutgoing({ allowPrivate: true });

export async function openDirect(): Promise<Direct> {
  const store = await openTestStore();
  const sealer = openSealer('k');
  const deps = {
    store,
    sealer,
    clock: systemClock,
    logger: silentLogger,
    baseUrl: 'https://gatehouse.example',
    outgoing,
  };
  const { organization } = await store.transaction(cause, (tx) =>
    createOrganization(tx, sealer, { name: 'Acme', owner: { email: 'owner@acme.test' } }),
  );

  async function signInOrThrow(
    connection: Connection,
    idp: EvilIdp,
    person: Person,
    flaw: Flaw,
    begin: Partial<BeginInput>,
  ): Promise<Identity> {
    const state = newState();
    const { departure, ...kept } = await beginOidc(deps, connection, { state, forceAuthn: false, ...begin });
    await store.transaction(cause, (tx) => beginAttempt(tx, connection, { state, purpose: 'sign_in', ...kept }));
    const url = idp.authorize(departure.url, person, flaw);
    const taken = await takeAttempt(store, 'req-test', { state, browser: undefined, as: 'sign_in' });
    const verified = await verifyOidc(deps, connection, { attempt: taken, state, url });
    return verified.identity;
  }

  return {
    deps,
    connect: (issuer, more = {}, preset = 'custom', claims = presetClaims(preset, 'oidc')) =>
      store.transaction(cause, (tx) =>
        insertConnection(tx, sealer, organization._id, { issuer, ...more }, preset, claims),
      ),
    async signIn(connection, idp, person, flaw = {}, begin = {}) {
      try {
        return { identity: await signInOrThrow(connection, idp, person, flaw, begin) };
      } catch (error) {
        if (error instanceof SignInFault) return { code: error.code, detail: error.message };
        throw error;
      }
    },
  };
}

/** An active connection to an OIDC issuer, as an Admin would have made it. */
export function insertConnection(
  tx: Transaction,
  sealer: Sealer,
  organizationId: string,
  settings: Partial<OidcSettings> & Pick<OidcSettings, 'issuer'>,
  preset: PresetName = 'custom',
  claims: ClaimNames = presetClaims(preset, 'oidc'),
): Promise<Connection> {
  const oidc: OidcSettings = {
    clientId: 'gatehouse',
    authentication: 'client_secret_basic',
    clientSecret: sealer.seal('client-secret'),
    scopes: ['openid', 'email', 'profile'],
    announcesIss: true,
    ...settings,
  };
  return tx.connections.insert(organizationId, {
    _id: newId('connection'),
    organizationId,
    name: 'IdP',
    protocol: 'oidc',
    status: 'active',
    preset,
    claims,
    oidc,
    jit: true,
    idpInitiated: false,
  });
}
