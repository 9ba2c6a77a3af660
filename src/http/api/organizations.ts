import { z } from 'zod';
import {
  createOrganization,
  deleteOrganizationLater,
  findContacts,
  findOwner,
  getDefaultProject,
  getOrganization,
  listOrganizations,
  updateOrganization,
} from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import type { Organization, ReadStore } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { emailInput, id, inOrganization, listOf, nameInput, pageQuery, time } from './common.ts';

const adminAccess = z.enum(['all', 'joined']).meta({
  description: '`all`: Admins are Admin in every project; `joined`: in those that they have joined (PRJ-5)',
});
const membershipPolicy = z.enum(['invitations', 'sso']);
const ssoEnforced = z.boolean().meta({
  description:
    'everybody but the Owner and External Collaborators signs in through one of the connections (SSO-5); needs an active one',
});
const trustedSessions = z.enum(['nobody', 'external_collaborators', 'everybody']).meta({
  description: "whose sign-ins through other organizations' IdPs count here (SSO-5)",
});

const organization = z
  .strictObject({
    id,
    name: z.string(),
    slug: z.string(),
    settings: z.strictObject({
      multiProject: z.boolean(),
      adminAccess,
      membershipPolicy,
      ssoEnforced,
      trustedSessions,
    }),
    defaultProjectId: id,
    owner: z.strictObject({ memberId: id, accountId: id, email: z.string().optional() }),
    createdAt: time,
  })
  .meta({ id: 'Organization' });

async function present(reads: ReadStore, row: Organization): Promise<z.output<typeof organization>> {
  const [owner, project] = await Promise.all([findOwner(reads, row._id), getDefaultProject(reads, row._id)]);
  if (!owner) throw new Error(`organization ${row._id} has no Owner`);
  const { accountId } = owner;
  const email = (await findContacts(reads, [accountId])).get(accountId)?.email;
  return {
    id: row._id,
    name: row.name,
    slug: row.slug,
    settings: { ssoEnforced: false, trustedSessions: 'external_collaborators', ...row.settings },
    defaultProjectId: project._id,
    owner: { memberId: owner._id, accountId, ...(email !== undefined && { email }) },
    createdAt: row.createdAt.toISOString(),
  };
}

const path = '/api/v1/organizations';

export const organizationRoutes: readonly Route[] = [
  route({
    method: 'post',
    path,
    tag: 'Organizations',
    summary: 'Make an organization',
    description:
      'Makes its Owner, its default project and its Default Key in the same step (ORG-2). The Owner is the account that has proven the address, or a new one.',
    access: 'operator',
    body: z.strictObject({
      name: nameInput,
      slug: z
        .string()
        .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'must be 1 to 63 lower-case letters, digits and inner hyphens')
        .optional(),
      owner: z.strictObject({ email: emailInput, name: nameInput.optional() }),
    }),
    status: 201,
    response: organization,
    errors: ['slug_taken'],
    handle: async ({ body, write, reads }, { sealer }) => {
      const { organization: made } = await write((tx) => createOrganization(tx, sealer, body));
      return present(reads, made);
    },
  }),
  route({
    method: 'get',
    path,
    tag: 'Organizations',
    summary: 'List all organizations',
    access: 'operator',
    query: pageQuery,
    status: 200,
    response: listOf(organization),
    handle: async ({ query, reads }) => {
      const { items, nextCursor } = await listOrganizations(reads, query);
      const views = await Promise.all(items.map((row) => present(reads, row)));
      return { items: views, ...(nextCursor !== undefined && { nextCursor }) };
    },
  }),
  route({
    method: 'get',
    path: `${path}/{org}`,
    tag: 'Organizations',
    summary: 'Read an organization',
    access: { permission: 'organization.read', on: 'organization' },
    params: inOrganization,
    status: 200,
    response: organization,
    handle: async ({ params, reads }) => present(reads, await getOrganization(reads, params.org)),
  }),
  route({
    method: 'patch',
    path: `${path}/{org}`,
    tag: 'Organizations',
    summary: 'Change the name or settings of an organization',
    description: '`multiProject` is for the operator alone to change (PRJ-8).',
    access: { permission: 'organization.update', on: 'organization' },
    params: inOrganization,
    body: z
      .strictObject({
        name: nameInput.optional(),
        settings: z
          .strictObject({
            multiProject: z.boolean().optional(),
            adminAccess: adminAccess.optional(),
            membershipPolicy: membershipPolicy.optional(),
            ssoEnforced: ssoEnforced.optional(),
            trustedSessions: trustedSessions.optional(),
          })
          .optional(),
      })
      .refine((change) => Object.keys(change).length > 0, { message: 'changes nothing' }),
    status: 200,
    response: organization,
    errors: ['operator_only', 'projects_remain', 'no_active_connection'],
    handle: async ({ params, body, principal, write, reads }) => {
      if (body.settings?.multiProject !== undefined && principal.kind !== 'operator') {
        throw new AppError('operator_only', 'Only the operator may switch multiProject (PRJ-8).');
      }
      return present(reads, await write((tx) => updateOrganization(tx, params.org, body)));
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{org}`,
    tag: 'Organizations',
    summary: 'Delete an organization with all that is its own',
    description:
      'For good, and at once: directories, people, projects, keys, audit. Accounts stay, since they may belong elsewhere. A job does it; the organization answers 404 once it is gone. `confirm` repeats its slug.',
    access: 'operator',
    params: inOrganization,
    query: z.strictObject({ confirm: z.string().max(63).meta({ description: "the organization's slug" }) }),
    status: 202,
    response: z.strictObject({ id, name: z.string(), slug: z.string() }),
    handle: async ({ params, query, requestId, write }, { logger }) => {
      const { name, slug } = await write(async (tx) => {
        const found = await getOrganization(tx, params.org);
        if (query.confirm !== found.slug) {
          throw new AppError(
            'invalid_request',
            `To delete ${found.name}, confirm with its slug: ?confirm=${found.slug}`,
          );
        }
        await deleteOrganizationLater(tx, found._id);
        return found;
      });
      // The organization's own audit goes with it: this line is what remains.
      logger.warn(
        { organizationId: params.org, name, slug, actor: 'operator', requestId },
        'organization is being deleted',
      );
      return { id: params.org, name, slug };
    },
  }),
];
