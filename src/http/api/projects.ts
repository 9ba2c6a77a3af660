import { z } from 'zod';
import {
  type AccessibleProject,
  archiveProject,
  createProject,
  type Decision,
  deleteProject,
  findProjects,
  getProject,
  hasStatus,
  listProjects,
  projectStatuses,
  updateProject,
} from '../../access/index.ts';
import type { Project } from '../../store/index.ts';
import { demand } from '../authorize.ts';
import { type Route, route } from '../route.ts';
import {
  id,
  inOrganization,
  inProject,
  listOf,
  nameInput,
  presentPart,
  role,
  time,
  wholeOrPageQuery,
} from './common.ts';

export const project = z
  .strictObject({
    id,
    organizationId: id,
    name: z.string(),
    description: z.string().optional(),
    isDefault: z.boolean(),
    archivedAt: time.optional(),
    role: role.optional().meta({ description: 'the role there of the person who asks' }),
    external: z.literal(true).optional().meta({ description: 'the person who asks is an External Collaborator there' }),
    createdAt: time,
  })
  .meta({ id: 'Project' });

/** A project, and what the person who asks is there. */
export const presentProject = (
  row: Project,
  as: { readonly role?: 'admin' | 'member' | undefined; readonly external?: boolean } = {},
): z.output<typeof project> => ({
  id: row._id,
  organizationId: row.organizationId,
  name: row.name,
  ...(row.description !== undefined && { description: row.description }),
  isDefault: row.isDefault === true,
  ...(row.archivedAt && { archivedAt: row.archivedAt.toISOString() }),
  ...(as.role && { role: as.role }),
  ...(as.external && { external: true }),
  createdAt: row.createdAt.toISOString(),
});

const presentAccessible = ({ project: row, standing, external }: AccessibleProject) =>
  presentProject(row, { role: standing.role, external });

/** The place of a project in a list. */
const projectKey = ({ organizationId, _id }: Project): string => `${organizationId}.${_id}`;

/** Those of the status that is asked for, as far as they are asked for. */
export function presentAccessibles(found: readonly AccessibleProject[], query: z.output<typeof statusQuery>) {
  const has = hasStatus(query.status);
  const rows = found.filter(({ project: row }) => has(row));
  return presentPart(rows, ({ project: row }) => projectKey(row), query, presentAccessible);
}

const presentFor = (row: Project, decision: Decision | undefined) =>
  presentProject(row, { role: decision?.role, external: decision?.via === 'external' });

/** Archived projects are listed only when asked for. */
export const statusQuery = wholeOrPageQuery.extend({
  status: z
    .enum(projectStatuses)
    .default('active')
    .meta({ description: 'archived projects are listed only when asked for, by `archived` or `all`' }),
});

const description = z.string().trim().min(1).max(1000);
const path = '/api/v1/organizations/{org}/projects';
const one = '/api/v1/projects/{project}';
const tag = 'Projects';

export const projectRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag,
    summary: 'Make a project',
    description: 'The person who makes it becomes its Admin (PRJ-3).',
    access: { permission: 'project.create', on: 'organization' },
    params: inOrganization,
    body: z.strictObject({ name: nameInput, description: description.optional() }),
    status: 201,
    response: project,
    errors: ['multi_project_off', 'project_name_taken', 'not_organization_member'],
    handle: ({ params, body, principal, write }) => {
      const creatorId = principal.kind === 'account' ? principal.accountId : undefined;
      return write(async (tx) => presentProject(await createProject(tx, params.org, { ...body, creatorId })));
    },
  }),
  route({
    method: 'get',
    path,
    tag,
    summary: 'List the projects that one has access to',
    description: 'The operator sees all of them.',
    access: { permission: 'project.list', on: 'organization' },
    params: inOrganization,
    query: statusQuery,
    status: 200,
    response: listOf(project),
    handle: async ({ params, query, principal, reads }) => {
      if (principal.kind !== 'account') {
        const rows = await listProjects(reads, params.org);
        return presentPart(rows.filter(hasStatus(query.status)), projectKey, query, (row) => presentProject(row));
      }
      const found = await findProjects(reads, params.org, principal.accountId);
      return presentAccessibles(found, query);
    },
  }),
  route({
    method: 'get',
    path: one,
    tag,
    summary: 'Read a project',
    access: { permission: 'project.read', on: 'project' },
    params: inProject,
    status: 200,
    response: project,
    handle: async ({ params, decision, reads }) => presentFor(await getProject(reads, params.project), decision),
  }),
  route({
    method: 'patch',
    path: one,
    tag,
    summary: 'Rename, describe, archive or open again a project',
    description:
      'An archived project is read, and listed when asked for; nothing is added to it or changed, and its API keys are not good until it is opened again. The default project cannot be archived. A `description` of null takes it away.',
    access: { permission: 'project.update', on: 'project' },
    params: inProject,
    body: z
      .strictObject({
        name: nameInput.optional(),
        description: description.nullable().optional(),
        archived: z.boolean().optional(),
      })
      .refine((change) => Object.keys(change).length > 0, { message: 'changes nothing' }),
    status: 200,
    response: project,
    errors: ['project_name_taken', 'project_archived', 'default_project_protected'],
    handle: ({ params, body, decision, write }) =>
      write(async (tx) => {
        const { organizationId } = await getProject(tx, params.project);
        const { archived, ...change } = body;
        // What else changes is changed while the project is open, before or after.
        if (archived === false) await archiveProject(tx, organizationId, params.project, false);
        let row = await updateProject(tx, organizationId, params.project, change);
        if (archived) row = await archiveProject(tx, organizationId, params.project, true);
        return presentFor(row, decision);
      }),
  }),
  route({
    method: 'delete',
    path: one,
    tag,
    summary: 'Delete a project',
    description:
      'For good, with its API keys and collaborators; with `force=true` its registered resources too. Needs `project.create` in the organization beside `project.update` in the project: whoever may make projects may end them. Never the default one (PRJ-2), and none in which mappings still give roles, since what becomes of those has to be said (MAP-3).',
    access: { permission: 'project.update', on: 'project' },
    params: inProject,
    query: z.strictObject({ force: z.enum(['true', 'false']).optional() }),
    status: 200,
    response: z.strictObject({ deleted: id, resources: z.int(), keys: z.int(), collaborators: z.int() }),
    errors: ['default_project_protected', 'resources_remain', 'mappings_remain'],
    handle: async ({ params, query, principal, write }, { baseUrl }) => {
      const removed = await write(async (tx) => {
        const { organizationId } = await getProject(tx, params.project);
        await demand(principal, 'project.create', { kind: 'organization', id: organizationId }, tx, baseUrl);
        return deleteProject(tx, organizationId, params.project, { force: query.force === 'true' });
      });
      return { deleted: params.project, ...removed };
    },
  }),
];
