/** A store with two directories of two organizations, for the tests of this folder. */
import {
  addMembers,
  createDirectory,
  type DirectoryRef,
  insertGroup,
  insertUser,
  type MemberRef,
  type UserRecord,
} from '../../../src/directory/index.ts';
import type { Directory, DirectoryUser, Store, Transaction } from '../../../src/store/index.ts';
import { openTestStore } from '../../support/engines.ts';

export const acme = 'org-acme';

export interface World {
  readonly store: Store;
  readonly directory: Directory;
  readonly sibling: Directory;
  readonly foreign: Directory;
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

export async function openWorld(): Promise<World> {
  const store = await openTestStore();
  const run: World['run'] = (work) => store.transaction({ actor: 'system', requestId: 'req-test' }, work);
  const [directory, sibling, foreign] = await run(async (tx) => [
    await createDirectory(tx, acme, { name: 'Okta' }),
    await createDirectory(tx, acme, { name: 'Entra', externalIdIsImmutable: true }),
    await createDirectory(tx, 'org-other', { name: 'Okta' }),
  ]);
  if (!directory || !sibling || !foreign) throw new Error('three directories were made');
  return { store, directory, sibling, foreign, run };
}

/** A person as an IdP pushes one. */
export function person(userName: string, more: Partial<UserRecord> = {}): UserRecord {
  const emails = more.emails ?? [{ value: `${userName}@acme.example`, type: 'work', primary: true }];
  return { userName, active: true, emails, attributes: { name: { givenName: 'Pat' }, emails }, ...more };
}

export async function addPeople(
  world: World,
  directory: DirectoryRef,
  count: number,
): Promise<readonly DirectoryUser[]> {
  return world.run(async (tx) => {
    const users: DirectoryUser[] = [];
    for (let index = 0; index < count; index += 1) users.push(await insertUser(tx, directory, person(`p${index}`)));
    return users;
  });
}

export const usersOf = (users: readonly { readonly _id: string }[]): readonly MemberRef[] =>
  users.map(({ _id }) => ({ id: _id, kind: 'User' }));

export const groupRef = (id: string): MemberRef => ({ id, kind: 'Group' });

/** A group with these members; answers its id. */
export function addGroup(world: World, displayName: string, members: readonly MemberRef[] = []): Promise<string> {
  return world.run(async (tx) => {
    const group = await insertGroup(tx, world.directory, { displayName, attributes: {} });
    await addMembers(tx, world.directory, group._id, members);
    return group._id;
  });
}
