import { z } from 'zod';
import {
  createAccount,
  deleteAccount,
  findAccountByProvenEmail,
  findAccountEmails,
  getAccountEver,
} from '../../access/index.ts';
import type { Account, ReadStore } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { emailInput, id, idIn, nameInput, time } from './common.ts';

export const accountEmail = z.strictObject({ email: z.string(), proven: z.boolean() });

const account = z
  .strictObject({
    id,
    name: z.string().optional(),
    emails: z.array(accountEmail),
    createdAt: time,
    deletedAt: time.optional(),
  })
  .meta({ id: 'Account' });

async function present(reads: ReadStore, row: Account): Promise<z.output<typeof account>> {
  const emails = await findAccountEmails(reads, row._id);
  return {
    id: row._id,
    ...(row.name !== undefined && { name: row.name }),
    emails: emails.map(({ email, proven }) => ({ email, proven })),
    createdAt: row.createdAt.toISOString(),
    ...(row.deletedAt && { deletedAt: row.deletedAt.toISOString() }),
  };
}

/** Accounts belong to the platform: the operator's only (ACC-1, ACC-2). */
export const accountRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/accounts',
    tag: 'Accounts',
    summary: 'Make an account',
    description: 'The address counts as proven by the operator.',
    access: 'operator',
    body: z.strictObject({ email: emailInput, name: nameInput.optional() }),
    status: 201,
    response: account,
    errors: ['email_taken'],
    handle: async ({ body, write, reads }) =>
      present(reads, await write((tx) => createAccount(tx, { ...body, provenBy: 'operator' }))),
  }),
  route({
    method: 'get',
    path: '/api/v1/accounts',
    tag: 'Accounts',
    summary: 'Find the account of a proven email',
    access: 'operator',
    query: z.strictObject({ email: emailInput }),
    status: 200,
    response: z.strictObject({ items: z.array(account) }),
    handle: async ({ query, reads }) => {
      const found = await findAccountByProvenEmail(reads, query.email);
      return { items: found ? [await present(reads, found)] : [] };
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/accounts/{account}',
    tag: 'Accounts',
    summary: 'Read an account',
    access: 'operator',
    params: z.object(idIn('account')),
    status: 200,
    response: account,
    handle: async ({ params, reads }) => present(reads, await getAccountEver(reads, params.account)),
  }),
  route({
    method: 'delete',
    path: '/api/v1/accounts/{account}',
    tag: 'Accounts',
    summary: 'Delete an account',
    description:
      "Ends memberships, External Collaborators' access, sessions, addresses, SSH keys and identities. What the person made stays, and leads to a deleted account without a name. Refused to Owners (OWN-3); `details.organizations` names what they own, closed ones too.",
    access: 'operator',
    params: z.object(idIn('account')),
    status: 204,
    errors: ['account_owns_organizations'],
    handle: async ({ params, write }) => {
      await write((tx) => deleteAccount(tx, params.account));
      return undefined;
    },
  }),
];
