/** Directory, memberships and grants by their natural keys: two runs of one plan must end alike, though no id is the same. */
import { z } from 'zod';
import type { Platform, Resource, Tenant } from '../../src/simulator/index.ts';
import type { Pushing } from './push.ts';

/** What is there, one line for each fact, sorted. */
export type Snapshot = readonly string[];

const user = z.looseObject({
  id: z.string(),
  userName: z.string(),
  externalId: z.string().optional(),
  displayName: z.string().optional(),
  title: z.string().optional(),
  active: z.boolean(),
});
const group = z.looseObject({
  id: z.string(),
  displayName: z.string(),
  members: z.array(z.looseObject({ value: z.string() })).default([]),
});
const listOf = <S extends z.ZodType>(item: S) => z.looseObject({ totalResults: z.number(), Resources: z.array(item) });

export type StoredUser = z.output<typeof user>;
export type StoredGroup = z.output<typeof group>;

export interface Directory {
  readonly users: readonly StoredUser[];
  readonly groups: readonly StoredGroup[];
}

/** Everything that a directory holds, read over SCIM. */
export async function readDirectory({ endpoint }: Pushing): Promise<Directory> {
  const get = async (path: string, tries = 5): Promise<unknown> => {
    const headers = { Authorization: `Bearer ${endpoint.token}` };
    const response = await fetch(endpoint.baseUrl + path, { headers }).catch((error: unknown) => {
      if (tries === 1) throw error;
      return undefined;
    });
    if (!response) return get(path, tries - 1);
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
    return response.json();
  };
  const users: StoredUser[] = [];
  for (let start = 1; ; start += 200) {
    const page = listOf(user).parse(await get(`/Users?startIndex=${start}&count=200`));
    users.push(...page.Resources);
    if (page.Resources.length === 0 || users.length >= page.totalResults) break;
  }
  const named = listOf(z.looseObject({ id: z.string() })).parse(
    await get('/Groups?count=200&excludedAttributes=members'),
  );
  const groups = await Promise.all(named.Resources.map(async ({ id }) => group.parse(await get(`/Groups/${id}`))));
  return { users, groups };
}

/** The organization as it is: directories, members, and what gives whom which role in which project. */
export async function takeSnapshot(
  tenant: Tenant,
  projects: readonly (readonly [name: string, project: Resource])[],
  directories: readonly Directory[],
): Promise<Snapshot> {
  const lines: string[] = [];
  const groupNames = new Map<string, string>();
  for (const { users, groups } of directories) {
    const names = new Map(users.map(({ id, userName }) => [id, userName]));
    for (const { userName, externalId, displayName, title, active } of users) {
      lines.push(`user ${userName} ${externalId} active=${active} ${displayName} ${title}`);
    }
    for (const { id, displayName, members } of groups) {
      groupNames.set(id, displayName);
      lines.push(`group ${displayName} of ${members.length}`);
      for (const { value } of members)
        lines.push(`member ${names.get(value) ?? `of nobody: ${value}`} in ${displayName}`);
    }
  }
  for (const { email, role, status, source, isOwner, review } of await tenant.members()) {
    lines.push(`membership ${email} ${role} ${status} from ${source}${isOwner ? ' Owner' : ''} ${review ?? ''}`);
  }
  for (const [name, project] of projects) {
    for (const { email, role, suspended, sources } of await tenant.collaborators(project)) {
      lines.push(`collaborator ${email} ${role} suspended=${suspended} in ${name}`);
      for (const { source, role, groupId } of sources) {
        lines.push(`grant ${email} ${role} in ${name} by ${source} ${groupNames.get(groupId ?? '') ?? ''}`);
      }
    }
  }
  return lines.sort();
}

/** The facts that only one of two snapshots has, marked with the side. */
export function diffSnapshots(expected: Snapshot, found: Snapshot): readonly string[] {
  const counts = new Map<string, number>();
  for (const line of expected) counts.set(line, (counts.get(line) ?? 0) - 1);
  for (const line of found) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count !== 0)
    .map(([line, count]) => `${count < 0 ? 'missing' : 'extra'}: ${line}`);
}

/**
 * What the client saw as success and is not there: the last acknowledged state of each person and group must be the
 * stored one, under the very id that was answered, and nothing else may be stored.
 */
export function findLost({ idp }: Pushing, { users, groups }: Directory): readonly string[] {
  const lost: string[] = [];
  const stored = new Map(users.map((one) => [one.id, one]));
  for (const { id, profile, active } of idp.people) {
    const scimId = idp.scimId(id);
    const found = stored.get(scimId);
    stored.delete(scimId);
    const expected = [profile.userName, profile.title, profile.displayName, active, id];
    const actual = found && [found.userName, found.title, found.displayName, found.active, found.externalId];
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      lost.push(`user ${scimId}: ${actual} instead of ${expected}`);
  }
  for (const { id, userName } of stored.values())
    lost.push(`user ${id} ${userName} is there, and the IdP has none such`);
  const byId = new Map(groups.map((one) => [one.id, one]));
  for (const { id, name, members } of idp.groups) {
    const scimId = idp.scimId(id);
    const found = byId.get(scimId);
    byId.delete(scimId);
    const expected = [...members].map((member) => idp.scimId(member)).sort();
    const actual = found?.members.map(({ value }) => value).sort();
    if (found?.displayName !== name) lost.push(`group ${scimId} is called ${found?.displayName} instead of ${name}`);
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      lost.push(`group ${name} has ${actual?.length} members instead of ${expected.length}, or others`);
    }
  }
  for (const { displayName } of byId.values()) lost.push(`group ${displayName} is there, and the IdP has none such`);
  return lost;
}

const parkedJobs = z.object({ items: z.array(z.looseObject({ job: z.string(), error: z.string().optional() })) });

/** Jobs that were given up. */
export async function findParked(platform: Platform, { id }: Tenant): Promise<readonly string[]> {
  const { items } = await platform.call(parkedJobs, 'GET', `/api/v1/organizations/${id}/jobs/parked`);
  return items.map(({ job, error }) => `parked: ${job}: ${error}`);
}
