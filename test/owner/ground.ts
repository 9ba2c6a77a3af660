/** An organization on which the model's operations are carried out: whom there is to act upon, and how to ask. */
import { findOwner, openSession } from '../../src/access/index.ts';
import type { Member } from '../../src/store/index.ts';
import type { Method } from '../support/gatehouse.ts';
import { openScene, ownerResource, type Scene } from './scene.ts';

export interface Answer {
  readonly status: number;
  readonly body: { readonly id?: string };
}

/** A person as the IdP knows one. */
export interface Pushed {
  readonly scimId: string;
  readonly userName: string;
}

export interface Ground extends Scene {
  readonly project: string;
  /** Pushed and not deleted, as far as the answers tell; the first is who was the Owner in the beginning. */
  readonly users: Pushed[];
  readonly groups: string[];
  readonly mappings: string[];
  /** A request with the operator's token, or another one. */
  ask(method: Method, path: string, body?: object, options?: { token?: string; actAs?: string }): Promise<Answer>;
  /** A request of the directory. */
  push(method: Method, path: string, body?: object): Promise<Answer>;
  /** A name that nobody has. */
  unused(): string;
  /** The Owner at this moment. */
  ownerNow(): Promise<Member>;
  members(): Promise<readonly Member[]>;
  /** The token of a session that this person has just opened by signing in. */
  signIn(accountId: string): Promise<string>;
}

const beginners = 6;

/** A scene that listens, in which a few people, the Owner among them, and groups have been pushed. */
export async function openGround(options: { readonly protection: boolean }): Promise<Ground> {
  const scene = await openScene(options);
  const { gatehouse, store, id, run } = scene;
  const base = `http://127.0.0.1:${await gatehouse.listen(0)}`;
  const send = async (method: Method, path: string, token: string, body?: object, actAs?: string): Promise<Answer> => {
    const response = await fetch(base + path, {
      method: method.toUpperCase(),
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body && { 'Content-Type': 'application/json' }),
        ...(actAs !== undefined && { 'Gatehouse-Act-As': actAs }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
  };
  let made = 0;
  const unused = () => {
    made += 1;
    return `somebody-${made}`;
  };
  const ask: Ground['ask'] = (method, path, body, { token = gatehouse.operatorToken, actAs } = {}) =>
    send(method, path, token, body, actAs);
  const push: Ground['push'] = (method, path, body) =>
    send(method, `/scim/v2/${scene.directory._id}${path}`, scene.directoryToken, body);
  const { body: project } = await ask('post', `/api/v1/organizations/${id}/projects`, { name: 'production' });
  const ground: Ground = {
    ...scene,
    project: project.id ?? '',
    users: [],
    groups: [],
    mappings: [],
    ask,
    push,
    unused,
    async ownerNow() {
      const owner = await findOwner(store.read, id);
      if (!owner) throw new Error('there is no Owner');
      return owner;
    },
    members: () => store.read.members.find(id, {}),
    signIn: (accountId) =>
      run(async (tx) => (await openSession(tx, { accountId, proofs: [{ kind: 'mailbox', at: tx.at }] })).token),
  };
  await pushUser(ground, ownerResource());
  for (let index = 0; index < beginners; index += 1) await pushUser(ground, personNamed(unused()));
  return ground;
}

/** A person as the IdP pushes them. */
export const personNamed = (userName: string, fields: object = {}) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName,
  name: { givenName: 'Some', familyName: 'Body' },
  emails: [{ value: `${userName}@acme.example`, primary: true }],
  active: true,
  ...fields,
});

/** Pushes somebody, and remembers them where that was accepted. */
export async function pushUser(ground: Ground, resource: { readonly userName: string }): Promise<Answer> {
  const answer = await ground.push('post', '/Users', resource);
  if (answer.status === 201 && answer.body.id !== undefined) {
    ground.users.push({ scimId: answer.body.id, userName: resource.userName });
  }
  return answer;
}

/** Takes away what is gone. */
export function forget<T>(from: T[], gone: T): void {
  const at = from.indexOf(gone);
  if (at >= 0) from.splice(at, 1);
}
