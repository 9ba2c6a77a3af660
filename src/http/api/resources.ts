import { z } from 'zod';
import {
  findProjectsOf,
  findResourcesIn,
  getDefaultProject,
  getProject,
  getResource,
  hasStatus,
  listResources,
  type Maker,
  type OwnResource,
  type ResourceAct,
  type ResourceType,
  readableTypes,
  registerResource,
  removeResource,
  resourcePermission,
  resourceTypes,
  updateResource,
} from '../../access/index.ts';
import type { ReadStore, Resource } from '../../store/index.ts';
import { demand } from '../authorize.ts';
import { type Principal, type Route, route } from '../route.ts';
import { id, idIn, inOrganization, inProject, listOf, nameInput, pageQuery, role, time } from './common.ts';
import { findMakersFor, maker } from './makers.ts';
import { findWorthlessOrganizations, personOf } from './me.ts';
import { statusQuery } from './projects.ts';

const type = z.enum(resourceTypes);
const externalId = z.string().min(1).max(200);

const shown = {
  id,
  projectId: id,
  type,
  name: z.string(),
  externalId: z.string().optional(),
  clusterId: id.optional().meta({ description: 'the cluster that a volume is attached to' }),
  createdAt: time,
  updatedAt: time,
};
const resource = z.strictObject({ ...shown, createdBy: maker }).meta({ id: 'Resource' });
const ownResource = z
  .strictObject({
    ...shown,
    project: z.strictObject({ id, name: z.string() }),
    organization: z.strictObject({ id, name: z.string() }),
    role: role.meta({ description: 'the role in the project' }),
    external: z.literal(true).optional().meta({ description: 'one is an External Collaborator there' }),
  })
  .meta({ id: 'OwnResource' });

const facts = (row: Resource) => ({
  id: row._id,
  projectId: row.projectId,
  type: row.type,
  name: row.name,
  ...(row.externalId !== undefined && { externalId: row.externalId }),
  ...(row.clusterId !== undefined && { clusterId: row.clusterId }),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

const present = (row: Resource, createdBy: Maker | undefined): z.output<typeof resource> => ({
  ...facts(row),
  createdBy: createdBy ?? { kind: 'operator' },
});

const presentOwn = ({ resource: row, project, organization, standing, external }: OwnResource) => ({
  ...facts(row),
  project: { id: project._id, name: project.name },
  organization: { id: organization._id, name: organization.name },
  role: standing.role,
  ...(external && { external: true as const }),
});

const newResource = z.strictObject({
  type,
  name: nameInput,
  externalId: externalId.optional().meta({
    description: "the registering service's own id; one of each type in a project. Said again, the same is answered",
  }),
  clusterId: id.optional().meta({ description: 'of a volume only: a cluster of the same project' }),
});

/** Asks for the permission, by the type of the resource, of an act in a project. */
const demandAct = (
  principal: Principal,
  resourceType: ResourceType,
  act: ResourceAct,
  projectId: string,
  reads: ReadStore,
  baseUrl: string,
) => demand(principal, resourcePermission(resourceType, act), { kind: 'project', id: projectId }, reads, baseUrl);

const path = '/api/v1/projects/{project}/resources';
const oneResource = inProject.extend(idIn('resource'));
const tag = 'Resources';
const byType = (act: string): string =>
  `The permission goes by the type: ${resourceTypes.map((one) => `${one} \`${resourcePermission(one, act as ResourceAct)}\``).join(', ')}.`;
const registration =
  'A resource is what a service of the platform runs or keeps in a project (RES-1): the service registers it, with the scope `resources`, after it has asked whether the person may (`createdBy.kind` is `service` then); people and the operator may, too. Whoever repeats a registration with the same `externalId`, name and cluster gets the same answer; another name or cluster is 409 `resource_exists`, whose `details.resourceId` says which to change.';
const refusals = ['resource_exists', 'cluster_not_found', 'project_archived'] as const;

export const resourceRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag,
    summary: 'Register a resource in a project',
    description: `${registration} ${byType('create')}`,
    access: { permission: 'project.read', on: 'project' },
    scope: 'resources',
    params: inProject,
    body: newResource,
    status: 201,
    response: resource,
    errors: refusals,
    handle: async (call, { baseUrl }) => {
      const { params, body, principal, write, reads } = call;
      const { organizationId } = await getProject(reads, params.project);
      const row = await write(async (tx) => {
        await demandAct(principal, body.type, 'create', params.project, tx, baseUrl);
        return registerResource(tx, organizationId, params.project, body);
      });
      return present(row, (await findMakersFor(call, organizationId, params.project, [row]))(row));
    },
  }),
  route({
    method: 'post',
    path: '/api/v1/organizations/{org}/resources',
    tag,
    summary: 'Register a resource without naming a project',
    description: `It belongs to the default project (PRJ-2). ${registration} ${byType('create')}`,
    access: { permission: 'organization.read', on: 'organization' },
    scope: 'resources',
    params: inOrganization,
    body: newResource,
    status: 201,
    response: resource,
    errors: refusals,
    handle: async (call, { baseUrl }) => {
      const { params, body, principal, write, reads } = call;
      const { _id: projectId } = await getDefaultProject(reads, params.org);
      const row = await write(async (tx) => {
        await demandAct(principal, body.type, 'create', projectId, tx, baseUrl);
        return registerResource(tx, params.org, projectId, body);
      });
      return present(row, (await findMakersFor(call, params.org, projectId, [row]))(row));
    },
  }),
  route({
    method: 'get',
    path,
    tag,
    summary: 'List the resources of a project',
    description: 'In the order of registration; all types that one may read, or one of them.',
    access: { permission: 'project.read', on: 'project' },
    scope: 'resources',
    params: inProject,
    query: pageQuery.extend({ type: type.optional() }),
    status: 200,
    response: listOf(resource),
    handle: async (call) => {
      const { params, query, decision, reads } = call;
      const { organizationId } = await getProject(reads, params.project);
      const { type: wanted, ...page } = query;
      const types = readableTypes(decision?.role).filter((one) => wanted === undefined || one === wanted);
      const { items, nextCursor } = await listResources(reads, organizationId, params.project, { ...page, types });
      const makerOf = await findMakersFor(call, organizationId, params.project, items);
      return {
        items: items.map((row) => present(row, makerOf(row))),
        ...(nextCursor !== undefined && { nextCursor }),
      };
    },
  }),
  route({
    method: 'get',
    path: `${path}/{resource}`,
    tag,
    summary: 'Read a resource',
    description: byType('read'),
    access: { permission: 'project.read', on: 'project' },
    scope: 'resources',
    params: oneResource,
    status: 200,
    response: resource,
    handle: async (call, { baseUrl }) => {
      const { params, principal, reads } = call;
      const { organizationId } = await getProject(reads, params.project);
      const row = await getResource(reads, organizationId, params.project, params.resource);
      await demandAct(principal, row.type, 'read', params.project, reads, baseUrl);
      return present(row, (await findMakersFor(call, organizationId, params.project, [row]))(row));
    },
  }),
  route({
    method: 'patch',
    path: `${path}/{resource}`,
    tag,
    summary: 'Rename a resource, or attach a volume to a cluster',
    description: `A \`clusterId\` of null takes a volume off its cluster. ${byType('update')}`,
    access: { permission: 'project.read', on: 'project' },
    scope: 'resources',
    params: oneResource,
    body: z
      .strictObject({ name: nameInput.optional(), clusterId: id.nullable().optional() })
      .refine((change) => Object.keys(change).length > 0, { message: 'changes nothing' }),
    status: 200,
    response: resource,
    errors: ['cluster_not_found', 'project_archived'],
    handle: async (call, { baseUrl }) => {
      const { params, body, principal, write, reads } = call;
      const { organizationId } = await getProject(reads, params.project);
      const row = await write(async (tx) => {
        const { type: known } = await getResource(tx, organizationId, params.project, params.resource);
        await demandAct(principal, known, 'update', params.project, tx, baseUrl);
        return updateResource(tx, organizationId, params.project, params.resource, body);
      });
      return present(row, (await findMakersFor(call, organizationId, params.project, [row]))(row));
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{resource}`,
    tag,
    summary: 'Take a resource out of the register',
    description: `A cluster that volumes name is 409 \`cluster_in_use\`; with \`volumes=detach\` they are taken off it. ${byType('remove')}`,
    access: { permission: 'project.read', on: 'project' },
    scope: 'resources',
    params: oneResource,
    query: z.strictObject({ volumes: z.literal('detach').optional() }),
    status: 204,
    errors: ['cluster_in_use'],
    handle: async ({ params, query, principal, write, reads }, { baseUrl }) => {
      const { organizationId } = await getProject(reads, params.project);
      await write(async (tx) => {
        const { type: known } = await getResource(tx, organizationId, params.project, params.resource);
        await demandAct(principal, known, 'remove', params.project, tx, baseUrl);
        await removeResource(tx, organizationId, params.project, params.resource, query);
      });
      return undefined;
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/me/resources',
    tag: 'Me',
    summary: 'List the resources of all projects that one has access to, in all organizations',
    description:
      'All of them, or those of one type, such as every cluster (RES-2); those of archived projects only when asked for; by project, in each in the order of registration.',
    access: 'self',
    query: pageQuery.extend({ type: type.optional(), status: statusQuery.shape.status }),
    status: 200,
    response: listOf(ownResource),
    handle: async ({ principal, query, reads }) => {
      const { accountId } = personOf(principal);
      const except = await findWorthlessOrganizations(principal, reads);
      const has = hasStatus(query.status);
      const projects = (await findProjectsOf(reads, accountId, except)).filter((one) => has(one.project));
      const { items, nextCursor } = await findResourcesIn(reads, projects, query);
      return { items: items.map(presentOwn), ...(nextCursor !== undefined && { nextCursor }) };
    },
  }),
];
