/**
 * How Entra ID pushes without the `aadOptscim062020` flag: PATCH of single attributes with capitalised operations and
 * booleans as texts, groups made empty and filled afterwards, members removed by a list of values.
 */
import {
  type Dialect,
  enterpriseSchema,
  groupSchema,
  type IdpPerson,
  type PushedMember,
  patchOf,
  quoted,
  userSchema,
} from './dialect.ts';
import type { Profile } from './population.ts';
import { createUnlessTaken, removeUnlessGone, type ScimClient } from './scimClient.ts';

const microsoftGroup = 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group';

/** Members of one operation. */
const chunk = 100;

/** Blanks come as plus signs. */
const filterOf = (filter: string): string => encodeURIComponent(filter).replace(/%20/g, '+');

async function find(scim: ScimClient, path: string, filter: string): Promise<string | undefined> {
  const [found] = await scim.list(`${path}filter=${filterOf(filter)}`);
  return found?.id;
}

/** The enterprise attributes are sent; the extension's URN does not stand in `schemas`. */
const userOf = ({ id, profile, active }: IdpPerson) => ({
  schemas: [userSchema],
  externalId: id,
  userName: profile.userName,
  active,
  displayName: profile.displayName,
  emails: [{ primary: true, type: 'work', value: profile.email }],
  meta: { resourceType: 'User' },
  name: {
    formatted: profile.displayName,
    familyName: profile.familyName,
    givenName: profile.givenName,
  },
  roles: [],
  ...(profile.title && { title: profile.title }),
  ...(profile.locale && { preferredLanguage: profile.locale }),
  ...(profile.department && { [enterpriseSchema]: { department: profile.department } }),
});

/** Where each fact of a profile stands in the resource. */
const paths: Readonly<Record<keyof Profile, readonly string[]>> = {
  userName: ['userName'],
  displayName: ['displayName', 'name.formatted'],
  givenName: ['name.givenName'],
  familyName: ['name.familyName'],
  email: ['emails[type eq "work"].value'],
  title: ['title'],
  department: [`${enterpriseSchema}:department`],
  locale: ['preferredLanguage'],
};

function changesOf(before: Profile | undefined, after: Profile): readonly object[] {
  return (Object.keys(paths) as (keyof Profile)[]).flatMap((key) => {
    const value = after[key];
    if (before?.[key] === value) return [];
    const op = value === undefined ? 'Remove' : before?.[key] === undefined ? 'Add' : 'Replace';
    return paths[key].map((path) => ({ op, path, ...(value !== undefined && { value }) }));
  });
}

const activeChange = (active: boolean) => ({ op: 'Replace', path: 'active', value: active ? 'True' : 'False' });

const memberOf = ({ scimId }: PushedMember) => ({ $ref: null, value: scimId });

async function changeMembers(
  scim: ScimClient,
  scimId: string,
  op: 'Add' | 'Remove',
  members: readonly PushedMember[],
): Promise<void> {
  for (let start = 0; start < members.length; start += chunk) {
    const value = members.slice(start, start + chunk).map(memberOf);
    await scim.send('PATCH', `/Groups/${scimId}`, patchOf({ op, path: 'members', value }));
  }
}

export const entra: Dialect = {
  vendor: 'entra',
  width: 8,
  headers: {},
  newId: (random) => [8, 4, 4, 4, 12].map((length) => random.text(length, '0123456789abcdef')).join('-'),

  async provision(scim, person) {
    const lookUp = () => find(scim, '/Users?', `userName eq ${quoted(person.profile.userName)}`);
    const earlier = await lookUp();
    const created = earlier === undefined ? await createUnlessTaken(scim, '/Users', userOf(person)) : undefined;
    if (created !== undefined) return created.id;
    const found = earlier ?? (await lookUp());
    if (found === undefined) throw new Error(`${person.profile.userName} is taken, yet nobody has it`);
    const link = { op: 'Add', path: 'externalId', value: person.id };
    const operations = [link, ...changesOf(undefined, person.profile), activeChange(person.active)];
    await scim.send('PATCH', `/Users/${found}`, patchOf(...operations));
    return found;
  },

  async update(scim, scimId, before, after) {
    const operations = changesOf(before.profile, after.profile);
    if (operations.length > 0) await scim.send('PATCH', `/Users/${scimId}`, patchOf(...operations));
  },

  async setActive(scim, scimId, person) {
    if (person.active) await find(scim, '/Users?', `externalId eq ${quoted(person.id)}`);
    await scim.send('PATCH', `/Users/${scimId}`, patchOf(activeChange(person.active)));
  },

  removePerson: (scim, scimId) => removeUnlessGone(scim, `/Users/${scimId}`),

  async createGroup(scim, group, members) {
    const filter = `displayName eq ${quoted(group.name)}`;
    const found = await find(scim, '/Groups?excludedAttributes=members&', filter);
    const body = {
      schemas: [groupSchema, microsoftGroup],
      externalId: group.id,
      displayName: group.name,
      meta: { resourceType: 'Group' },
    };
    const scimId = found ?? (await scim.create('/Groups', body)).id;
    await scim.get(`/Groups/${scimId}?excludedAttributes=members`);
    await changeMembers(scim, scimId, 'Add', members);
    return scimId;
  },

  async renameGroup(scim, scimId, name) {
    await scim.send('PATCH', `/Groups/${scimId}`, patchOf({ op: 'Replace', path: 'displayName', value: name }));
  },

  async changeMembers(scim, scimId, { add, remove }) {
    await changeMembers(scim, scimId, 'Remove', remove);
    await changeMembers(scim, scimId, 'Add', add);
  },

  /** A restarted provisioning job adds everybody once more: those who are there must not be doubled. */
  async pushGroup(scim, scimId, members) {
    await scim.get(`/Groups/${scimId}?excludedAttributes=members`);
    await changeMembers(scim, scimId, 'Add', members);
  },

  removeGroup: (scim, scimId) => removeUnlessGone(scim, `/Groups/${scimId}`),
};
