/** How Okta pushes: full resources by POST and PUT, `active` by PATCH without path, groups by PATCH of filtered paths. */
import {
  type Dialect,
  groupSchema,
  type IdpPerson,
  type PushedMember,
  patchOf,
  quoted,
  userSchema,
} from './dialect.ts';
import { createUnlessTaken, removeUnlessGone, type ScimClient } from './scimClient.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const userOf = ({ id, profile, active }: IdpPerson) => ({
  schemas: [userSchema],
  userName: profile.userName,
  name: { givenName: profile.givenName, familyName: profile.familyName },
  emails: [{ primary: true, value: profile.email, type: 'work' }],
  displayName: profile.displayName,
  ...(profile.locale && { locale: profile.locale }),
  ...(profile.title && { title: profile.title }),
  externalId: id,
  groups: [],
  active,
});

const memberOf = ({ scimId, display }: PushedMember) => ({ value: scimId, display });

/** Filters come with blanks as %20. */
async function findUser(scim: ScimClient, userName: string): Promise<string | undefined> {
  const filter = encodeURIComponent(`userName eq ${quoted(userName)}`);
  const [found] = await scim.list(`/Users?filter=${filter}&startIndex=1&count=100`);
  return found?.id;
}

const replaceUser = (scim: ScimClient, scimId: string, person: IdpPerson) =>
  scim.send('PUT', `/Users/${scimId}`, { ...userOf(person), id: scimId });

export const okta: Dialect = {
  vendor: 'okta',
  width: 5,
  headers: { 'User-Agent': 'Okta SCIM Client 1.0.0' },
  newId: (random, kind) => `${kind === 'person' ? '00u' : '00g'}${random.text(17, letters)}`,

  async provision(scim, person) {
    const lookUp = () => findUser(scim, person.profile.userName);
    const earlier = await lookUp();
    const body = { ...userOf(person), password: `Sync-${person.id}` };
    const created = earlier === undefined ? await createUnlessTaken(scim, '/Users', body) : undefined;
    if (created !== undefined) return created.id;
    const existing = earlier ?? (await lookUp());
    if (existing === undefined) throw new Error(`${person.profile.userName} is taken, yet nobody has it`);
    await replaceUser(scim, existing, person);
    return existing;
  },

  async update(scim, scimId, _before, after) {
    await scim.get(`/Users/${scimId}`);
    await replaceUser(scim, scimId, after);
  },

  async setActive(scim, scimId, { active, profile }) {
    if (active) await findUser(scim, profile.userName);
    await scim.send('PATCH', `/Users/${scimId}`, patchOf({ op: 'replace', value: { active } }));
  },

  removePerson: (scim, scimId) => removeUnlessGone(scim, `/Users/${scimId}`),

  async createGroup(scim, group, members) {
    const body = { schemas: [groupSchema], displayName: group.name, members: members.map(memberOf) };
    return (await scim.create('/Groups', body)).id;
  },

  async renameGroup(scim, scimId, displayName) {
    await scim.send('PATCH', `/Groups/${scimId}`, patchOf({ op: 'replace', value: { id: scimId, displayName } }));
  },

  async changeMembers(scim, scimId, { add, remove }) {
    const operations = [
      ...remove.map((member) => ({ op: 'remove', path: `members[value eq ${quoted(member.scimId)}]` })),
      ...(add.length > 0 ? [{ op: 'add', path: 'members', value: add.map(memberOf) }] : []),
    ];
    if (operations.length > 0) await scim.send('PATCH', `/Groups/${scimId}`, patchOf(...operations));
  },

  async pushGroup(scim, scimId, members) {
    const value = members.map(memberOf);
    await scim.send('PATCH', `/Groups/${scimId}`, patchOf({ op: 'replace', path: 'members', value }));
  },

  removeGroup: (scim, scimId) => removeUnlessGone(scim, `/Groups/${scimId}`),
};
