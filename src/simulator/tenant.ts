/** An organization made through the public API: Owner, domains, directories, projects, mappings. */
import { z } from 'zod';
import type { Platform, Resource } from './platform.ts';

const made = z.looseObject({ id: z.string() });
const organizationMade = z.looseObject({ id: z.string(), slug: z.string(), defaultProjectId: z.string() });
const directoryMade = z.looseObject({
  directory: z.looseObject({ id: z.string(), scimBaseUrl: z.string() }),
  token: z.looseObject({ secret: z.string() }),
});
const member = z.looseObject({
  id: z.string(),
  accountId: z.string(),
  email: z.string().optional(),
  name: z.string().optional(),
  role: z.enum(['admin', 'member']),
  status: z.enum(['active', 'suspended']),
  source: z.string(),
  isOwner: z.boolean(),
  directoryId: z.string().optional(),
  directoryUserId: z.string().optional(),
  review: z.string().optional(),
});
const collaborator = z.looseObject({
  accountId: z.string(),
  email: z.string().optional(),
  role: z.enum(['admin', 'member']).optional(),
  suspended: z.boolean().optional(),
  sources: z.array(
    z.looseObject({
      source: z.string(),
      role: z.enum(['admin', 'member']),
      mappingId: z.string().optional(),
      groupId: z.string().optional(),
    }),
  ),
});

const collaborators = z.looseObject({ items: z.array(collaborator) });

export type TenantMember = z.output<typeof member>;
export type TenantCollaborator = z.output<typeof collaborator>;

export interface Person {
  readonly email: string;
  readonly name: string;
}

/** Where an IdP pushes to. */
export interface Endpoint {
  readonly directoryId: string;
  readonly baseUrl: string;
  readonly token: string;
}

export interface Tenant {
  readonly id: string;
  readonly organization: Resource;
  readonly defaultProject: Resource;
  readonly owner: Person;
  /** Takes the operator's word that the organization owns this domain. */
  addDomain(domain: string): Promise<void>;
  addDirectory(name: string, externalIdIsImmutable?: boolean): Promise<Endpoint>;
  addProject(name: string): Promise<Resource>;
  /** Makes the person an account and a member by hand. */
  addMember(person: Person): Promise<TenantMember>;
  addCollaborator(project: Resource, email: string, role?: 'admin' | 'member'): Promise<void>;
  /** Gives the members of a group (by its SCIM id) a role in a project, or Admin of the organization; answers the mapping's id. */
  map(groupId: string, target: Resource, role: 'admin' | 'member'): Promise<string>;
  members(): Promise<readonly TenantMember[]>;
  /** Finds by the address that the member list shows. */
  memberOf(email: string): Promise<TenantMember | undefined>;
  collaborators(project: Resource): Promise<readonly TenantCollaborator[]>;
}

export async function createTenant(platform: Platform, name: string, owner: Person): Promise<Tenant> {
  const organization = await platform.call(organizationMade, 'POST', '/api/v1/organizations', { name, owner });
  const home = `/api/v1/organizations/${organization.id}`;
  const post = <S extends z.ZodType>(shape: S, path: string, body: unknown) => platform.call(shape, 'POST', path, body);
  const members = () => platform.all(member, `${home}/members`);
  return {
    id: organization.id,
    organization: { type: 'organization', id: organization.id },
    defaultProject: { type: 'project', id: organization.defaultProjectId },
    owner,
    async addDomain(domain) {
      await post(z.unknown(), `${home}/domains`, { domain });
      await post(z.unknown(), `${home}/domains/${domain}/verify`, { force: true });
    },
    async addDirectory(directoryName, externalIdIsImmutable = false) {
      const { directory, token } = await post(directoryMade, `${home}/directories`, {
        name: directoryName,
        externalIdIsImmutable,
      });
      return { directoryId: directory.id, baseUrl: directory.scimBaseUrl, token: token.secret };
    },
    async addProject(projectName) {
      const { id } = await post(made, `${home}/projects`, { name: projectName });
      return { type: 'project', id };
    },
    async addMember(person) {
      const { id: accountId } = await post(made, '/api/v1/accounts', person);
      return post(member, `${home}/members`, { accountId });
    },
    async addCollaborator({ id }, email, role = 'member') {
      await post(z.unknown(), `/api/v1/projects/${id}/collaborators`, { email, role });
    },
    async map(groupId, target, role) {
      const place = target.type === 'project' ? { projectId: target.id } : { organization: true };
      return (await post(made, `${home}/mappings`, { groupId, role, ...place })).id;
    },
    members,
    async memberOf(email) {
      return (await members()).find((one) => one.email?.toLowerCase() === email.toLowerCase());
    },
    async collaborators({ id }) {
      return (await platform.call(collaborators, 'GET', `/api/v1/projects/${id}/collaborators`)).items;
    },
  };
}
