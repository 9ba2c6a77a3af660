/** Two organizations with people, sessions, directories and all else that the routes are about. */

import type { Test } from 'supertest';
import { openSession } from '../../src/access/index.ts';
import { newId } from '../../src/lib/ids.ts';
import { newReference } from '../../src/sso/records.ts';
import type { IdentityRow } from '../../src/store/index.ts';
import type { Method, TestGatehouse } from '../support/gatehouse.ts';
import { idpCertificate } from '../support/idpCertificate.ts';
import { samplePem } from './samplePem.ts';

/** A person with an account and a session. */
export interface Person {
  readonly accountId: string;
  readonly email: string;
  readonly sessionId: string;
  readonly token: string;
}

export interface World {
  readonly organizationId: string;
  readonly defaultProjectId: string;
  readonly projectId: string;
  readonly domain: string;
  readonly owner: Person & { readonly memberId: string };
  readonly admin: Person & { readonly memberId: string };
  readonly member: Person & { readonly memberId: string };
  /** Of `projectId`. */
  readonly apiKeyId: string;
  readonly resourceId: string;
  readonly directoryId: string;
  readonly directoryToken: { readonly id: string; readonly secret: string };
  readonly oauthClient: {
    readonly id: string;
    readonly secretId: string;
    readonly keyId: string;
    readonly issuerId: string;
  };
  readonly groupId: string;
  readonly mappingId: string;
  readonly connectionId: string;
  /** The next key of the connection. */
  readonly connectionKeyId: string;
  readonly parkedJobId: string;
  /** In the provisioning log: a request that was refused. */
  readonly refusedEntryId: string;
  /** Of a sign-in that was refused. */
  readonly signInReference: string;
  /** Disabled: nothing leaves. */
  readonly webhookId: string;
  readonly deliveryId: string;
  /** Of somebody who has not accepted. */
  readonly invitationId: string;
  /** Of somebody who was removed. */
  readonly blockId: string;
  /** Another subject of the member, who waits for an Admin's decision. */
  readonly waitingIdentityId: string;
  /** One outside of the verified domains, who waits for the member's own word. */
  readonly outsideIdentityId: string;
}

const cause = { actor: 'operator', requestId: 'test' };

/** The body of an answer that must have this status. */
export async function expectStatus(status: number, asked: Test) {
  const answer = await asked;
  if (answer.status !== status) throw new Error(`expected ${status}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** An account with a session that the person has opened by signing in, or that the operator has made. */
export async function openPerson(
  gatehouse: TestGatehouse,
  email: string,
  madeBy: 'operator' | 'sign_in' = 'operator',
): Promise<Person> {
  const found = await expectStatus(200, gatehouse.operator('get', '/api/v1/accounts').query({ email }));
  const existing: readonly { readonly id: string }[] = found.items ?? [];
  const account =
    existing[0] ?? (await expectStatus(201, gatehouse.operator('post', '/api/v1/accounts').send({ email })));
  const { session, token } = await gatehouse.store.transaction(cause, (tx) =>
    openSession(tx, {
      accountId: account.id,
      proofs: [{ kind: madeBy === 'operator' ? 'operator' : 'mailbox', at: tx.at }],
    }),
  );
  return { accountId: account.id, email, sessionId: session._id, token };
}

/** An organization named `name` with an Owner, an Admin, a Member, a second project, a directory, a group and a mapping. */
export async function buildWorld(gatehouse: TestGatehouse, name: string): Promise<World> {
  const domain = `${name}.example`;
  const ask = (status: number, method: Method, path: string, body?: object) =>
    expectStatus(status, gatehouse.operator(method, path).send(body));
  const organization = await ask(201, 'post', '/api/v1/organizations', { name, owner: { email: `owner@${domain}` } });
  const organizationId: string = organization.id;
  const home = `/api/v1/organizations/${organizationId}`;
  const join = async (who: string, role: string) => {
    const person = await openPerson(gatehouse, `${who}@${domain}`);
    const { id } = await ask(201, 'post', `${home}/members`, { accountId: person.accountId, role });
    return { ...person, memberId: id };
  };
  const admin = await join('admin', 'admin');
  const member = await join('member', 'member');
  await ask(201, 'post', `${home}/domains`, { domain });
  const project = await ask(201, 'post', `${home}/projects`, { name: 'Research' });
  const apiKey = await ask(201, 'post', `/api/v1/projects/${project.id}/keys`, { name: 'CI' });
  const resource = await ask(201, 'post', `/api/v1/projects/${project.id}/resources`, { type: 'file', name: 'data' });
  const { directory, token } = await ask(201, 'post', `${home}/directories`, { name: 'Okta' });
  const clients = `${home}/directories/${directory.id}/oauth-clients`;
  const { client, secret } = await ask(201, 'post', clients, { name: 'Entra' });
  const key = await ask(201, 'post', `${clients}/${client.id}/keys`, { name: 'key', pem: samplePem() });
  const issuer = await ask(201, 'post', `${clients}/${client.id}/issuers`, {
    name: 'Entra',
    issuer: 'https://login.example/v2.0',
    subject: 'workload',
    jwksUri: 'https://login.example/keys',
  });
  const group = await expectStatus(
    201,
    gatehouse.bearer(token.secret, 'post', `/scim/v2/${directory.id}/Groups`).send({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Engineers',
    }),
  );
  const mapping = await ask(201, 'post', `${home}/mappings`, {
    groupId: group.id,
    projectId: project.id,
    role: 'member',
  });
  const connection = await ask(201, 'post', `${home}/connections`, {
    name: 'Okta',
    saml: {
      entityId: 'https://idp.example/entity',
      ssoUrl: 'https://idp.example/sso',
      certificates: [idpCertificate],
    },
  });
  const connectionKey = await ask(201, 'post', `${home}/connections/${connection.id}/keys`);
  await expectStatus(404, gatehouse.bearer(token.secret, 'delete', `/scim/v2/${directory.id}/Users/unknown`));
  const refused = await ask(200, 'get', `${home}/provisioning-log?outcome=refused`);
  const webhook = await ask(201, 'post', `${home}/webhooks`, { url: 'https://hooks.example/1', enabled: false });
  const parkedJobId = await parkJob(gatehouse, organizationId);
  const owner = await openPerson(gatehouse, `owner@${domain}`);
  const invitation = await ask(201, 'post', `${home}/invitations`, { email: `invited@${domain}` });
  const leaver = await join('blocked', 'member');
  await ask(200, 'delete', `${home}/members/${leaver.memberId}?block=true`);
  const blocks = await ask(200, 'get', `${home}/blocks`);
  return {
    organizationId,
    defaultProjectId: organization.defaultProjectId,
    projectId: project.id,
    domain,
    apiKeyId: apiKey.id,
    resourceId: resource.id,
    owner: { ...owner, memberId: organization.owner.memberId },
    admin,
    member,
    directoryId: directory.id,
    directoryToken: token,
    oauthClient: { id: client.id, secretId: secret.id, keyId: key.id, issuerId: issuer.id },
    groupId: group.id,
    mappingId: mapping.id,
    connectionId: connection.id,
    connectionKeyId: connectionKey.id,
    parkedJobId,
    webhookId: webhook.id,
    deliveryId: await failDelivery(gatehouse, organizationId, webhook.id),
    refusedEntryId: refused.items[0].id,
    signInReference: await refuseSignIn(gatehouse, organizationId),
    waitingIdentityId: await wait(gatehouse, organizationId, member.accountId, 'other_subject'),
    outsideIdentityId: await wait(gatehouse, organizationId, member.accountId, 'unverified_domain'),
    invitationId: invitation.id,
    blockId: blocks.items[0].id,
  };
}

/** The record of a sign-in that a connection, long gone, has refused. */
export async function refuseSignIn(gatehouse: TestGatehouse, organizationId: string): Promise<string> {
  return gatehouse.store.transaction(cause, async (tx) => {
    const _id = newId('signInRecord');
    const row = await tx.signInRecords.insert(organizationId, {
      ...{ _id, organizationId, connectionId: newId('connection'), reference: newReference() },
      ...{ purpose: 'sign_in', outcome: 'refused', code: 'expired', detail: 'The assertion has expired' },
      received: { issuer: 'https://idp.example' },
    });
    return row.reference;
  });
}

/** A delivery that has failed for good. */
async function failDelivery(gatehouse: TestGatehouse, organizationId: string, webhookId: string): Promise<string> {
  const row = await gatehouse.store.transaction(cause, (tx) =>
    tx.webhookDeliveries.insert(organizationId, {
      ...{ _id: newId('webhookDelivery'), organizationId, webhookId, of: organizationId, auditId: newId('audit') },
      ...{ type: 'member.added', state: 'failed', attempts: 10, dueAt: tx.at },
      last: { at: tx.at, ms: 3, status: 500, body: 'down' },
    }),
  );
  return row._id;
}

/** A job that was given up after its last attempt. */
export async function parkJob(gatehouse: TestGatehouse, organizationId: string): Promise<string> {
  const row = await gatehouse.store.transaction(cause, (tx) =>
    tx.outbox.insert(organizationId, {
      _id: newId('outbox'),
      organizationId,
      job: 'reconcile',
      payload: { people: [newId('account')] },
      state: 'parked',
      dueAt: tx.at,
      attempts: 5,
      error: 'the last error',
    }),
  );
  return row._id;
}

/** A subject that an IdP sent with somebody's address, and that is not yet theirs (SSO-6). */
async function wait(
  gatehouse: TestGatehouse,
  organizationId: string,
  accountId: string,
  reason: NonNullable<IdentityRow['reason']>,
): Promise<string> {
  const row = await gatehouse.store.transaction(cause, (tx) =>
    tx.identities.insert(organizationId, {
      ...{ _id: newId('identity'), organizationId, connectionId: newId('connection'), subject: newReference() },
      ...{ accountId, link: 'waiting', reason },
    }),
  );
  return row._id;
}
