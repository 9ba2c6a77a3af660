import { z } from 'zod';
import { changeMapping, createMapping, deleteMapping, getMapping, listMappings } from '../../provisioning/index.ts';
import type { Mapping } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, inOrganization, listOf, pageQuery, presentPage, role, roleInput, time } from './common.ts';

const mapping = z
  .strictObject({
    id,
    directoryId: id,
    groupId: id,
    groupExternalId: z.string().optional(),
    projectId: id.optional(),
    organization: z.literal(true).optional(),
    role,
    createdAt: time,
  })
  .meta({ id: 'Mapping' });

const present = (row: Mapping): z.output<typeof mapping> => ({
  id: row._id,
  directoryId: row.directoryId,
  groupId: row.groupId,
  ...(row.groupExternalId !== undefined && { groupExternalId: row.groupExternalId }),
  ...(row.target === 'project' ? { projectId: row.targetId } : { organization: true as const }),
  role: row.role,
  createdAt: row.createdAt.toISOString(),
});

const grantsChoice = z.enum(['revoke', 'keep']).meta({
  description: '`revoke` takes back what the mapping has given, `keep` turns it into manual grants (MAP-3)',
});

const path = '/api/v1/organizations/{org}/mappings';
const oneMapping = inOrganization.extend(idIn('mapping'));
const access = { permission: 'mapping.manage', on: 'organization' } as const;
const tag = 'Mappings';

export const mappingRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag,
    summary: 'Map a directory group to a role',
    description:
      'In a project (`projectId`), or Admin of the organization (`organization: true`). The group is meant by its id: renaming it changes nothing (MAP-1).',
    access,
    params: inOrganization,
    body: z
      .strictObject({
        groupId: id,
        role: roleInput,
        projectId: id.optional(),
        organization: z.literal(true).optional(),
      })
      .refine(({ projectId, organization }) => (projectId === undefined) !== (organization === undefined), {
        message: 'name either projectId or organization: true',
      }),
    status: 201,
    response: mapping,
    errors: ['mapping_exists', 'default_project_protected', 'project_archived'],
    handle: ({ params, body, write }) => {
      const { groupId, role: given, projectId } = body;
      const target =
        projectId === undefined
          ? ({ target: 'organization', targetId: params.org } as const)
          : ({ target: 'project', targetId: projectId } as const);
      return write(async (tx) => present(await createMapping(tx, params.org, { groupId, role: given, ...target })));
    },
  }),
  route({
    method: 'get',
    path,
    tag,
    summary: 'List the mappings',
    access,
    params: inOrganization,
    query: pageQuery,
    status: 200,
    response: listOf(mapping),
    handle: async ({ params, query, reads }) => presentPage(await listMappings(reads, params.org, query), present),
  }),
  route({
    method: 'get',
    path: `${path}/{mapping}`,
    tag,
    summary: 'Read a mapping',
    access,
    params: oneMapping,
    status: 200,
    response: mapping,
    handle: async ({ params, reads }) => present(await getMapping(reads, params.org, params.mapping)),
  }),
  route({
    method: 'patch',
    path: `${path}/{mapping}`,
    tag,
    summary: 'Change the role that a mapping gives',
    description: 'From Admin to Member `grants` must say what becomes of the Admin grants that it gave (MAP-3).',
    access,
    params: oneMapping,
    body: z.strictObject({ role: roleInput, grants: grantsChoice.optional() }),
    status: 200,
    response: mapping,
    errors: ['grants_choice_required'],
    handle: ({ params, body, write }) =>
      write(async (tx) => present(await changeMapping(tx, params.org, params.mapping, body))),
  }),
  route({
    method: 'delete',
    path: `${path}/{mapping}`,
    tag,
    summary: 'Delete a mapping',
    description: 'Says what becomes of the grants that it gave; there is no default (MAP-3).',
    access,
    params: oneMapping,
    query: z.strictObject({ grants: grantsChoice.optional() }),
    status: 204,
    errors: ['grants_choice_required'],
    handle: async ({ params, query, write }) => {
      await write((tx) => deleteMapping(tx, params.org, params.mapping, query.grants));
      return undefined;
    },
  }),
];
