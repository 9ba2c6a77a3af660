import { z } from 'zod';
import { acceptOwnership, endOffer, forceOwnership, getOffer, offerOwnership } from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import type { OwnershipTransfer } from '../../store/index.ts';
import { presenceOf } from '../authenticate.ts';
import { type Route, route } from '../route.ts';
import { id, inOrganization, time } from './common.ts';

const transfer = z
  .strictObject({
    state: z.enum(['offered', 'transferred']),
    toMemberId: id,
    fromMemberId: id.optional().meta({ description: 'the Owner who offers' }),
    offeredAt: time.optional(),
    expiresAt: time.optional(),
  })
  .meta({ id: 'OwnershipTransfer' });

const presentOffer = (row: OwnershipTransfer): z.output<typeof transfer> => ({
  state: 'offered',
  toMemberId: row.toMemberId,
  fromMemberId: row.fromMemberId,
  offeredAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
});

const transferred = (toMemberId: string): z.output<typeof transfer> => ({ state: 'transferred', toMemberId });

const path = '/api/v1/organizations/{org}/ownership-transfer';
/** All that concerns the ownership is between Admins. */
const access = { permission: 'member.update-role', on: 'organization' } as const;
const ownSignIn =
  'Needs a sign-in of the last ten minutes: refused with Gatehouse-Act-As and to sessions that the operator made (OWN-4).';
const ownMailbox =
  "Needs a mailed link, used in this session within the last ten minutes: the word of an IdP is not the Owner's. Refused with Gatehouse-Act-As and to sessions that the operator made (OWN-4).";

export const ownershipRoutes: readonly Route[] = [
  route({
    method: 'get',
    path,
    tag: 'Members',
    summary: 'Read the offer of the ownership that waits for its answer',
    access,
    params: inOrganization,
    status: 200,
    response: transfer,
    handle: async ({ params, reads }, { clock }) => presentOffer(await getOffer(reads, params.org, clock.now())),
  }),
  route({
    method: 'post',
    path,
    tag: 'Members',
    summary: 'Offer the ownership to an active Admin, or as the operator move it there',
    description: `The offer waits for seven days. ${ownMailbox} The operator moves the ownership at once, with \`force: true\`. Who was the Owner stays an Admin.`,
    access,
    whoMay: 'The Owner; the operator, with `force`.',
    params: inOrganization,
    body: z.strictObject({
      memberId: id,
      force: z.boolean().optional().meta({ description: 'for the operator: move it at once' }),
    }),
    status: 201,
    response: transfer,
    errors: ['operator_only', 'act_as_refused', 'reauthentication_required', 'heir_not_eligible', 'transfer_pending'],
    handle: ({ params, body, principal, write }) =>
      write(async (tx) => {
        if (!body.force)
          return presentOffer(await offerOwnership(tx, params.org, presenceOf(principal, params.org), body.memberId));
        if (principal.kind !== 'operator') {
          throw new AppError(
            'operator_only',
            'Only the operator may move the ownership without the Admin’s acceptance.',
          );
        }
        return transferred((await forceOwnership(tx, params.org, body.memberId))._id);
      }),
  }),
  route({
    method: 'post',
    path: `${path}/accept`,
    tag: 'Members',
    summary: 'Accept the ownership that is offered to you',
    description: `${ownSignIn} The Organization Default Key follows: from then on the new Owner reads it (KEY-3).`,
    access,
    whoMay: 'The Admin to whom it is offered.',
    params: inOrganization,
    status: 200,
    response: transfer,
    errors: ['act_as_refused', 'reauthentication_required', 'heir_not_eligible', 'transfer_expired'],
    handle: ({ params, principal, write }) =>
      write(async (tx) => transferred((await acceptOwnership(tx, params.org, presenceOf(principal, params.org)))._id)),
  }),
  route({
    method: 'delete',
    path,
    tag: 'Members',
    summary: 'Cancel the offer of the ownership, or decline it',
    description:
      'For the Owner, who has used a mailed link in this session, the Admin to whom it was made, and the operator.',
    access,
    whoMay: 'The Owner, the Admin to whom it was made, and the operator.',
    params: inOrganization,
    status: 204,
    errors: ['act_as_refused', 'reauthentication_required'],
    handle: async ({ params, principal, write }) => {
      await write((tx) => endOffer(tx, params.org, presenceOf(principal, params.org)));
      return undefined;
    },
  }),
];
