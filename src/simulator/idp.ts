/** An IdP in memory: its people and groups, pushed to a SCIM endpoint in its vendor's dialect (DEV-1). */
import type { Dialect, IdpGroup, IdpPerson, PushedMember, Vendor } from './dialect.ts';
import { entra } from './entra.ts';
import { okta } from './okta.ts';
import { inParallel } from './parallel.ts';
import type { Profile } from './population.ts';
import { seededRandom } from './random.ts';
import { type Exchange, openScimClient } from './scimClient.ts';

export interface IdpOptions {
  /** The directory's SCIM base URL. */
  readonly baseUrl: string;
  readonly token: string;
  /** Of the ids that the IdP gives out. */
  readonly seed?: number | undefined;
  /** Tries in all for one request; default: those of `openScimClient`. */
  readonly tries?: number | undefined;
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
}

/** Called after each finished part of long work. */
export type OnProgress = (done: number, total: number) => void;

/**
 * Each change is pushed at once and holds in the IdP when the push was accepted; a refused one throws ScimFailure and
 * leaves the IdP as it was. People and groups are named by the IdP's own ids.
 */
export interface Idp {
  readonly vendor: Vendor;
  /** Puts people into the IdP's directory; nothing is pushed yet. */
  hire(profiles: readonly Profile[]): readonly IdpPerson[];
  /** Assigns the application to people: pushes each of them. */
  assign(people: readonly IdpPerson[], onProgress?: OnProgress): Promise<void>;
  update(personId: string, change: Partial<Profile>): Promise<IdpPerson>;
  deactivate(personId: string): Promise<void>;
  reactivate(personId: string): Promise<void>;
  /** Hard deletion; the person is gone from the IdP too. */
  remove(personId: string): Promise<void>;
  pushGroup(name: string, memberIds: readonly string[]): Promise<IdpGroup>;
  renameGroup(groupId: string, name: string): Promise<void>;
  addToGroup(groupId: string, memberIds: readonly string[]): Promise<void>;
  removeFromGroup(groupId: string, memberIds: readonly string[]): Promise<void>;
  /** Tells the whole group once more. */
  pushGroupNow(groupId: string): Promise<void>;
  /** Unlinks the group: it stays in the IdP no longer than here. */
  removeGroup(groupId: string): Promise<void>;
  person(personId: string): IdpPerson;
  group(groupId: string): IdpGroup;
  readonly people: readonly IdpPerson[];
  readonly groups: readonly IdpGroup[];
  /** The id that the service provider gave to a pushed person or group. */
  scimId(id: string): string;
  /** How many requests this IdP has sent. */
  readonly sent: number;
}

export const openOktaIdp = (options: IdpOptions): Idp => openIdp(okta, options);
export const openEntraIdp = (options: IdpOptions): Idp => openIdp(entra, options);

function known<V>(map: ReadonlyMap<string, V>, id: string): V {
  const value = map.get(id);
  if (value === undefined) throw new Error(`the IdP does not know ${id}`);
  return value;
}

function openIdp(dialect: Dialect, { baseUrl, token, seed = 1, tries, onExchange }: IdpOptions): Idp {
  const scim = openScimClient({ baseUrl, token, headers: dialect.headers, tries, onExchange });
  const random = seededRandom(seed);
  const people = new Map<string, IdpPerson>();
  const groups = new Map<string, IdpGroup>();
  const pushed = new Map<string, string>();

  const scimId = (id: string) => known(pushed, id);
  const membersOf = (ids: Iterable<string>): readonly PushedMember[] =>
    [...ids].map((id) => ({ scimId: scimId(id), display: known(people, id).profile.displayName }));

  const setActive = async (personId: string, active: boolean): Promise<void> => {
    const person = { ...known(people, personId), active };
    await dialect.setActive(scim, scimId(personId), person);
    people.set(personId, person);
  };
  const changeMembers = async (groupId: string, add: readonly string[], remove: readonly string[]): Promise<void> => {
    await dialect.changeMembers(scim, scimId(groupId), { add: membersOf(add), remove: membersOf(remove) });
    // Read only now: several changes of one group may be under way.
    const group = known(groups, groupId);
    const left = [...group.members].filter((id) => !remove.includes(id));
    groups.set(groupId, { ...group, members: new Set([...left, ...add]) });
  };
  const forget = (personId: string): void => {
    people.delete(personId);
    pushed.delete(personId);
    for (const group of groups.values()) {
      const members = new Set([...group.members].filter((id) => id !== personId));
      if (members.size < group.members.size) groups.set(group.id, { ...group, members });
    }
  };

  return {
    vendor: dialect.vendor,
    hire(profiles) {
      const hired = profiles.map((profile) => ({ id: dialect.newId(random, 'person'), profile, active: true }));
      for (const person of hired) people.set(person.id, person);
      return hired;
    },
    async assign(assigned, onProgress) {
      let done = 0;
      await inParallel(assigned, dialect.width, async (person) => {
        pushed.set(person.id, await dialect.provision(scim, person));
        done += 1;
        onProgress?.(done, assigned.length);
      });
    },
    async update(personId, change) {
      const before = known(people, personId);
      const after = { ...before, profile: { ...before.profile, ...change } };
      await dialect.update(scim, scimId(personId), before, after);
      people.set(personId, after);
      return after;
    },
    deactivate: (personId) => setActive(personId, false),
    reactivate: (personId) => setActive(personId, true),
    async remove(personId) {
      await dialect.removePerson(scim, scimId(personId));
      forget(personId);
    },
    async pushGroup(name, memberIds) {
      const group = { id: dialect.newId(random, 'group'), name, members: new Set(memberIds) };
      pushed.set(group.id, await dialect.createGroup(scim, group, membersOf(group.members)));
      groups.set(group.id, group);
      return group;
    },
    async renameGroup(groupId, name) {
      await dialect.renameGroup(scim, scimId(groupId), name);
      groups.set(groupId, { ...known(groups, groupId), name });
    },
    addToGroup: (groupId, memberIds) => changeMembers(groupId, memberIds, []),
    removeFromGroup: (groupId, memberIds) => changeMembers(groupId, [], memberIds),
    async pushGroupNow(groupId) {
      const group = known(groups, groupId);
      await dialect.pushGroup(scim, scimId(groupId), membersOf(group.members));
    },
    async removeGroup(groupId) {
      await dialect.removeGroup(scim, scimId(groupId));
      groups.delete(groupId);
      pushed.delete(groupId);
    },
    person: (personId) => known(people, personId),
    group: (groupId) => known(groups, groupId),
    get people() {
      return [...people.values()];
    },
    get groups() {
      return [...groups.values()];
    },
    scimId,
    get sent() {
      return scim.sent;
    },
  };
}
