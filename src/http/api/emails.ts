import { z } from 'zod';
import { askToProveEmail, findAccountEmails, mailboxesOf, proveMailbox, removeEmail } from '../../access/index.ts';
import type { AccountEmail } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { emailInput, id, idIn, time } from './common.ts';
import { personOf } from './me.ts';

const ownEmail = z
  .strictObject({
    id,
    email: z.string(),
    proven: z.boolean(),
    provenBy: z.enum(['mailbox', 'idp', 'operator']).optional(),
    provenAt: time.optional(),
    getsLinks: z.boolean().meta({ description: 'one-time links are sent there' }),
  })
  .meta({ id: 'OwnEmail' });

const present = (row: AccountEmail, mailboxes: readonly AccountEmail[]): z.output<typeof ownEmail> => ({
  id: row._id,
  email: row.email,
  proven: row.proven,
  ...(row.provenBy && { provenBy: row.provenBy }),
  ...(row.provenAt && { provenAt: row.provenAt.toISOString() }),
  getsLinks: mailboxes.includes(row),
});

const path = '/api/v1/me/emails';
const afresh =
  "Needs a sign-in of the last ten minutes by a mailed link, or where the account has no mailbox through an organization's IdP: no IdP decides where links go (ACC-4).";
const refusals = ['act_as_refused', 'reauthentication_required'] as const;

/** A person's own sign-in addresses, which nobody else changes (ACC-2, ACC-4). */
export const emailRoutes: readonly Route[] = [
  route({
    method: 'get',
    path,
    tag: 'Me',
    summary: "List one's sign-in addresses",
    access: 'self',
    status: 200,
    response: z.strictObject({ items: z.array(ownEmail) }),
    handle: async ({ principal, reads }) => {
      const rows = await findAccountEmails(reads, personOf(principal).accountId);
      const mailboxes = mailboxesOf(rows);
      return { items: rows.map((row) => present(row, mailboxes)) };
    },
  }),
  route({
    method: 'post',
    path,
    tag: 'Me',
    summary: 'Ask for a link that proves a further address',
    description: `A link is mailed to the address; opened by the same person it proves it. The answer is the same whether somebody else has the address, or has been mailed too often. ${afresh}`,
    access: 'self',
    body: z.strictObject({ email: emailInput }),
    status: 202,
    response: z.strictObject({ email: z.string() }),
    errors: refusals,
    handle: async ({ body: { email }, principal, write }, { baseUrl, limits }) => {
      const { accountId, session } = personOf(principal);
      const send = limits.mayMail(email);
      await write((tx) => askToProveEmail(tx, accountId, session, { email, site: baseUrl, send }));
      return { email };
    },
  }),
  route({
    method: 'post',
    path: `${path}/prove`,
    tag: 'Me',
    summary: 'Prove an address by the token of the link that was mailed there',
    description: afresh,
    access: 'self',
    body: z.strictObject({ token: z.string().min(1).max(200) }),
    status: 200,
    response: ownEmail,
    errors: [...refusals, 'link_expired', 'email_taken'],
    handle: async ({ body, principal, write }) => {
      const { accountId, session } = personOf(principal);
      return write(async (tx) => {
        const link = await proveMailbox(tx, accountId, session, body.token);
        const rows = await findAccountEmails(tx, accountId);
        const row = rows.find(({ emailKey }) => emailKey === link.emailKey);
        if (!row) throw new Error(`account ${accountId} lacks the address that it has just proven`);
        return present(row, mailboxesOf(rows));
      });
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{email}`,
    tag: 'Me',
    summary: "Take an address off one's account",
    description: afresh,
    access: 'self',
    params: z.object(idIn('email')),
    status: 204,
    errors: [...refusals, 'last_email'],
    handle: async ({ params, principal, write }) => {
      const { accountId, session } = personOf(principal);
      await write((tx) => removeEmail(tx, accountId, session, params.email));
      return undefined;
    },
  }),
];
