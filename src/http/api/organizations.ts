import { z } from 'zod';
import {
  closeOrganization,
  createOrganization,
  deleteOrganizationLater,
  evaluate,
  findContacts,
  findOwner,
  getDefaultProject,
  getOrganization,
  listOrganizations,
  restoreOrganization,
  updateOrganization,
} from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import type { Organization, ReadStore } from '../../store/index.ts';
import { presenceOf } from '../authenticate.ts';
import { demand } from '../authorize.ts';
import { type Principal, type Route, route } from '../route.ts';
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
    billingContact: z.string().optional().meta({ description: 'for those who have `billing.read`' }),
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
    closedAt: time.optional(),
    deleteAt: time.optional().meta({ description: 'when a closed organization is deleted' }),
  })
  .meta({ id: 'Organization' });

/** Whether the principal sees where bills go: the operator, and members (PERM-1). */
async function seesBilling(principal: Principal, reads: ReadStore, organizationId: string): Promise<boolean> {
  if (principal.kind !== 'account') return principal.kind === 'operator';
  const { accountId, session } = principal;
  const resource = { kind: 'organization', id: organizationId } as const;
  const asked = { accountId, permission: 'billing.read', resource, ...(session && { session }) };
  return (await evaluate(reads, asked)).allowed;
}

async function presentTo(
  principal: Principal,
  reads: ReadStore,
  row: Organization,
): Promise<z.output<typeof organization>> {
  const shown = await present(reads, row);
  const { billingContact } = row;
  if (!billingContact || !(await seesBilling(principal, reads, row._id))) return shown;
  return { ...shown, billingContact };
}

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
    ...(row.closedAt && { closedAt: row.closedAt.toISOString() }),
    ...(row.deleteAt && { deleteAt: row.deleteAt.toISOString() }),
  };
}

const closing = z.strictObject({ id, closedAt: time.optional(), deleteAt: time.optional() }).meta({ id: 'Closing' });

const presentClosing = ({ _id, closedAt, deleteAt }: Organization): z.output<typeof closing> => ({
  id: _id,
  ...(closedAt && { closedAt: closedAt.toISOString() }),
  ...(deleteAt && { deleteAt: deleteAt.toISOString() }),
});

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
    handle: async ({ params, principal, reads }) =>
      presentTo(principal, reads, await getOrganization(reads, params.org)),
  }),
  route({
    method: 'patch',
    path: `${path}/{org}`,
    tag: 'Organizations',
    summary: 'Change the name, billing contact or settings of an organization',
    description:
      '`multiProject` is for the operator alone to change (PRJ-8). `billingContact` asks for `billing.update`; null takes it away.',
    access: { permission: 'organization.update', on: 'organization' },
    params: inOrganization,
    body: z
      .strictObject({
        name: nameInput.optional(),
        billingContact: emailInput.nullable().optional(),
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
    handle: async ({ params, body, principal, write, reads }, { baseUrl }) => {
      if (body.settings?.multiProject !== undefined && principal.kind !== 'operator') {
        throw new AppError('operator_only', 'Only the operator may switch multiProject (PRJ-8).');
      }
      const changed = await write(async (tx) => {
        if (body.billingContact !== undefined) {
          await demand(principal, 'billing.update', { kind: 'organization', id: params.org }, tx, baseUrl);
        }
        return updateOrganization(tx, params.org, body);
      });
      return presentTo(principal, reads, changed);
    },
  }),
  route({
    method: 'post',
    path: `${path}/{org}/close`,
    tag: 'Organizations',
    summary: 'Close an organization',
    description:
      "For its Owner, after a link to their own mailbox within the last ten minutes, or for the operator (ORG-2). All access ends at once: permission checks deny, keys do not verify, its directories' tokens and its connections are refused (`organization_closed`). For 30 days the operator may restore it; then it is deleted. `confirm` repeats its slug.",
    access: { permission: 'organization.update', on: 'organization' },
    whoMay: 'The Owner, and the operator.',
    params: inOrganization,
    body: z.strictObject({ confirm: z.string().max(63).meta({ description: "the organization's slug" }) }),
    status: 200,
    response: closing,
    errors: ['organization_closed', 'act_as_refused', 'reauthentication_required'],
    handle: ({ params, body, principal, write }) =>
      write(async (tx) => {
        const { slug } = await getOrganization(tx, params.org);
        if (body.confirm !== slug) {
          throw new AppError('invalid_request', 'To close the organization, repeat its slug as `confirm`.');
        }
        return presentClosing(await closeOrganization(tx, params.org, presenceOf(principal, params.org)));
      }),
  }),
  route({
    method: 'post',
    path: `${path}/{org}/restore`,
    tag: 'Organizations',
    summary: 'Open a closed organization again',
    description: 'With everything that was in it.',
    access: 'operator',
    onClosed: true,
    params: inOrganization,
    status: 200,
    response: closing,
    errors: ['not_closed', 'grace_over'],
    handle: async ({ params, write }) => presentClosing(await write((tx) => restoreOrganization(tx, params.org))),
  }),
  route({
    method: 'delete',
    path: `${path}/{org}`,
    tag: 'Organizations',
    summary: 'Delete an organization with all that is its own',
    description:
      'For good, and at once: directories, people, projects, keys, audit. Accounts stay, since they may belong elsewhere. A job does it; the organization answers 404 once it is gone. `confirm` repeats its slug.',
    access: 'operator',
    onClosed: true,
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
        await deleteOrganizationLater(tx, found);
        return found;
      });
      // Its own audit goes with it: this line remains, and the event in the platform's trail.
      logger.warn(
        { organizationId: params.org, name, slug, actor: 'operator', requestId },
        'organization is being deleted',
      );
      return { id: params.org, name, slug };
    },
  }),
];
