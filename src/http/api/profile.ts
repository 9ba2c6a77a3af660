import { z } from 'zod';
import {
  addSshKey,
  deleteAccount,
  findSshKeys,
  maxSshKeyLength,
  removeSshKey,
  requireReauthentication,
  updateProfile,
} from '../../access/index.ts';
import type { SshKey } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, idIn, nameInput, time } from './common.ts';
import { personOf } from './me.ts';

const sshKey = z
  .strictObject({
    id,
    name: z.string(),
    type: z.string(),
    publicKey: z.string().meta({ description: 'the type and the key in base64, without a comment' }),
    fingerprint: z.string().meta({ description: 'as `ssh-keygen -l` writes it' }),
    createdAt: time,
  })
  .meta({ id: 'SshKey' });

const present = ({ _id, name, type, publicKey, fingerprint, createdAt }: SshKey): z.output<typeof sshKey> => ({
  id: _id,
  name,
  type,
  publicKey,
  fingerprint,
  createdAt: createdAt.toISOString(),
});

const path = '/api/v1/me/ssh-keys';

/** What people say of themselves, to all their organizations (ACC-5). */
export const profileRoutes: readonly Route[] = [
  route({
    method: 'patch',
    path: '/api/v1/me',
    tag: 'Me',
    summary: "Change one's display name",
    description: 'What a directory says of the person goes before it in the lists of its organization (ACC-1).',
    access: 'self',
    body: z.strictObject({ name: nameInput.nullable().meta({ description: '`null` takes the name away' }) }),
    status: 200,
    response: z.strictObject({ id, name: z.string().optional() }),
    handle: async ({ body, principal, write }) => {
      const { _id, name } = await write((tx) => updateProfile(tx, personOf(principal).accountId, body));
      return { id: _id, ...(name !== undefined && { name }) };
    },
  }),
  route({
    method: 'delete',
    path: '/api/v1/me',
    tag: 'Me',
    summary: "Delete one's account",
    description:
      "Needs a sign-in of the last ten minutes by a mailed link, or where the account has no mailbox through an organization's IdP; refused with Gatehouse-Act-As and to sessions that the operator made. Refused to Owners (OWN-3); `details.organizations` names what they own, closed ones too. What the person made stays (KEY-1).",
    access: 'self',
    status: 204,
    errors: ['account_owns_organizations', 'act_as_refused', 'reauthentication_required'],
    handle: async ({ principal, write }) => {
      const { accountId, session } = personOf(principal);
      await write(async (tx) => {
        await requireReauthentication(tx, accountId, session);
        await deleteAccount(tx, accountId);
      });
      return undefined;
    },
  }),
  route({
    method: 'get',
    path,
    tag: 'Me',
    summary: "List one's SSH public keys",
    access: 'self',
    status: 200,
    response: z.strictObject({ items: z.array(sshKey) }),
    handle: async ({ principal, reads }) => ({
      items: (await findSshKeys(reads, personOf(principal).accountId)).map(present),
    }),
  }),
  route({
    method: 'post',
    path,
    tag: 'Me',
    summary: 'Add an SSH public key',
    description:
      "One line as in a `.pub` file, without options: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `-nistp384`, `-nistp521`, `ssh-rsa` of 2048 bits or more, `sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`. Without a name, its comment names it. Never send a private key. Added in a session that only an organization's IdP has made, it opens clusters of those organizations alone in which the session counts; in one that began with the acceptance of an invitation, those of the organization that invited; in one by a sign-in link, all that the person may enter.",
    access: 'self',
    body: z.strictObject({ publicKey: z.string().min(1).max(maxSshKeyLength), name: nameInput.optional() }),
    status: 201,
    response: sshKey,
    errors: ['ssh_key_invalid', 'ssh_key_exists', 'too_many_ssh_keys'],
    handle: async ({ body, principal, write }) => {
      const { accountId, session } = personOf(principal);
      return present(await write((tx) => addSshKey(tx, accountId, session, body)));
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{sshKey}`,
    tag: 'Me',
    summary: 'Remove an SSH public key',
    access: 'self',
    params: z.object(idIn('sshKey')),
    status: 204,
    handle: async ({ params, principal, write }) => {
      await write((tx) => removeSshKey(tx, personOf(principal).accountId, params.sshKey));
      return undefined;
    },
  }),
];
