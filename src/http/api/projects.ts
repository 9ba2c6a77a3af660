import { z } from 'zod';
import { createProject, findProjects, getProject, listProjects, updateProject } from '../../access/index.ts';
import type { Project } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, inOrganization, inProject, nameInput, role, time } from './common.ts';

export const project = z
  .strictObject({
    id,
    organizationId: id,
    name: z.string(),
    isDefault: z.boolean(),
    role: role.optional().meta({ description: 'the role there of the person who asks' }),
    createdAt: time,
  })
  .meta({ id: 'Project' });

export const presentProject = (row: Project, asRole?: 'admin' | 'member'): z.output<typeof project> => ({
  id: row._id,
  organizationId: row.organizationId,
  name: row.name,
  isDefault: row.isDefault === true,
  ...(asRole && { role: asRole }),
  createdAt: row.createdAt.toISOString(),
});

const path = '/api/v1/organizations/{org}/projects';

export const projectRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag: 'Projects',
    summary: 'Make a project',
    description: 'The person who makes it becomes its Admin (PRJ-3).',
    access: { permission: 'project.create', on: 'organization' },
    params: inOrganization,
    body: z.strictObject({ name: nameInput }),
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
    tag: 'Projects',
    summary: 'List the projects that one has access to',
    description: 'The operator sees all of them.',
    access: { permission: 'project.list', on: 'organization' },
    params: inOrganization,
    status: 200,
    response: z.strictObject({ items: z.array(project) }),
    handle: async ({ params, principal, reads }) => {
      if (principal.kind !== 'account') {
        return { items: (await listProjects(reads, params.org)).map((row) => presentProject(row)) };
      }
      const found = await findProjects(reads, params.org, principal.accountId);
      return { items: found.map((one) => presentProject(one.project, one.standing.role)) };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/projects/{project}',
    tag: 'Projects',
    summary: 'Read a project',
    access: { permission: 'project.read', on: 'project' },
    params: inProject,
    status: 200,
    response: project,
    handle: async ({ params, decision, reads }) =>
      presentProject(await getProject(reads, params.project), decision?.role),
  }),
  route({
    method: 'patch',
    path: '/api/v1/projects/{project}',
    tag: 'Projects',
    summary: 'Rename a project',
    access: { permission: 'project.update', on: 'project' },
    params: inProject,
    body: z.strictObject({ name: nameInput }),
    status: 200,
    response: project,
    errors: ['project_name_taken'],
    handle: ({ params, body, decision, write }) =>
      write(async (tx) => {
        const { organizationId } = await getProject(tx, params.project);
        return presentProject(await updateProject(tx, organizationId, params.project, body), decision?.role);
      }),
  }),
];
