import { z } from 'zod';
import {
  addCollaborator,
  type Collaborator,
  changeCollaboratorRole,
  type Decision,
  getProject,
  listCollaborators,
  removeCollaborator,
} from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import type { ReadStore } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { emailInput, id, idIn, inProject, listOf, presentPart, role, roleInput, wholeOrPageQuery } from './common.ts';

const source = z
  .strictObject({
    source: z.enum(['manual', 'mapping', 'creator', 'owner', 'organization_role', 'default_project']),
    role,
    mappingId: id.optional(),
    groupId: id.optional(),
  })
  .meta({ id: 'AccessSource' });

const collaborator = z
  .strictObject({
    accountId: id,
    email: z.string().optional(),
    name: z.string().optional(),
    role: role.optional().meta({ description: 'the effective role; absent while the person is suspended' }),
    external: z.boolean(),
    suspended: z.boolean(),
    sources: z.array(source).meta({ description: 'everything that gives access; the highest role counts (MAP-2)' }),
  })
  .meta({ id: 'Collaborator' });

/** Pages have an order that holds while people come and go; the whole list has those first who were added, in that order. */
const byAccount = (a: Collaborator, b: Collaborator): number => (a.accountId < b.accountId ? -1 : 1);

/** An External Collaborator, who is told nothing of the organization (PRJ-6). */
const isOutside = (decision: Decision | undefined): boolean => decision?.via === 'external';

async function find(
  reads: ReadStore,
  organizationId: string,
  projectId: string,
  accountId: string,
  explicitOnly: boolean,
) {
  const all = await listCollaborators(reads, organizationId, projectId, { explicitOnly });
  return all.find((one) => one.accountId === accountId);
}

async function getOne(
  reads: ReadStore,
  organizationId: string,
  projectId: string,
  accountId: string,
  explicitOnly: boolean,
): Promise<z.output<typeof collaborator>> {
  const found = await find(reads, organizationId, projectId, accountId, explicitOnly);
  if (!found) throw new AppError('not_found', 'This person is not a collaborator of the project.');
  return present(found);
}

const present = (one: Collaborator): z.output<typeof collaborator> => ({ ...one, sources: [...one.sources] });

const path = '/api/v1/projects/{project}/collaborators';
const oneCollaborator = inProject.extend(idIn('account'));

export const collaboratorRoutes: readonly Route[] = [
  route({
    method: 'get',
    path,
    tag: 'Projects',
    summary: 'List the collaborators of a project, each with every source of the access',
    description:
      'An External Collaborator sees only those who were added to the project, and nothing of what the organization and its groups give them (PRJ-6). Pages are in the order of account ids; without `limit` the list is whole, those who were added first.',
    access: { permission: 'collaborator.list', on: 'project' },
    params: inProject,
    query: wholeOrPageQuery,
    status: 200,
    response: listOf(collaborator),
    handle: async ({ params, query, decision, reads }) => {
      const { organizationId } = await getProject(reads, params.project);
      const explicitOnly = isOutside(decision);
      const items = await listCollaborators(reads, organizationId, params.project, { explicitOnly });
      const paged = query.limit !== undefined || query.cursor !== undefined;
      return presentPart(paged ? [...items].sort(byAccount) : items, ({ accountId }) => accountId, query, present);
    },
  }),
  route({
    method: 'post',
    path,
    tag: 'Projects',
    summary: 'Add a collaborator',
    description:
      'The account must exist (ACC-2). Somebody from outside the organization is added with `external: true` (PRJ-4). To an External Collaborator `account_not_found` is all that is said, whoever cannot be added (PRJ-6).',
    access: { permission: 'collaborator.add', on: 'project' },
    params: inProject,
    body: z.strictObject({ email: emailInput, role: roleInput.optional(), external: z.boolean().optional() }),
    status: 201,
    response: collaborator,
    errors: [
      'account_not_found',
      'not_organization_member',
      'already_a_member',
      'already_a_collaborator',
      'member_suspended',
      'member_blocked',
      'project_archived',
      'default_project_protected',
    ],
    handle: async ({ params, body, decision, write, reads }) => {
      const { organizationId } = await getProject(reads, params.project);
      const fromOutside = isOutside(decision);
      const order = { ...body, fromOutside };
      const { accountId } = await write((tx) => addCollaborator(tx, organizationId, params.project, order));
      return getOne(reads, organizationId, params.project, accountId, fromOutside);
    },
  }),
  route({
    method: 'patch',
    path: `${path}/{account}`,
    tag: 'Projects',
    summary: 'Change the role of a collaborator',
    access: { permission: 'collaborator.update-role', on: 'project' },
    params: oneCollaborator,
    body: z.strictObject({ role: roleInput }),
    status: 200,
    response: collaborator,
    errors: ['project_archived', 'role_from_mapping', 'role_from_organization', 'default_project_protected'],
    handle: async ({ params, body, decision, write, reads }) => {
      const { organizationId } = await getProject(reads, params.project);
      const fromOutside = isOutside(decision);
      const { project, account } = params;
      await write((tx) => changeCollaboratorRole(tx, organizationId, project, account, body.role, { fromOutside }));
      return getOne(reads, organizationId, project, account, fromOutside);
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{account}`,
    tag: 'Projects',
    summary: 'Remove a collaborator',
    description:
      'Takes away at once what was given by hand (PRJ-7). What remains comes from the organization or from mappings, and is answered in `remaining` (MAP-2).',
    access: { permission: 'collaborator.remove', on: 'project' },
    params: oneCollaborator,
    status: 200,
    response: z.strictObject({ removed: id, remaining: z.array(source) }),
    errors: ['role_from_mapping', 'role_from_organization', 'default_project_protected'],
    handle: async ({ params, decision, write, reads }) => {
      const { organizationId } = await getProject(reads, params.project);
      const fromOutside = isOutside(decision);
      await write((tx) => removeCollaborator(tx, organizationId, params.project, params.account, { fromOutside }));
      const left = await find(reads, organizationId, params.project, params.account, fromOutside);
      return { removed: params.account, remaining: [...(left?.sources ?? [])] };
    },
  }),
];
