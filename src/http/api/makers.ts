import { z } from 'zod';
import { findMakers, type Made, type Maker, type MakerOptions } from '../../access/index.ts';
import type { Call } from '../route.ts';
import { id } from './common.ts';

/** Who made something, as answers tell it. */
export const maker = z
  .strictObject({
    kind: z.enum(['operator', 'account', 'service']),
    accountId: id.optional(),
    name: z.string().optional(),
    email: z.string().optional(),
    external: z.literal(true).optional().meta({ description: 'the person is from outside of the organization' }),
    deleted: z.literal(true).optional().meta({ description: 'a deleted account: it has neither name nor address' }),
  })
  .meta({
    id: 'Maker',
    description:
      'Who made it: a person, the operator (for the person of `accountId`, where there is one), or a service of the platform, which the audit names. Of a person the address while they are in the organization or the project; to an External Collaborator only people who were added to the project (PRJ-6).',
  });

type Asking = Pick<Call<unknown, unknown, unknown>, 'principal' | 'decision' | 'reads'>;

/** Finds the makers of these rows of a project, as far as the one who asks may see them. */
export function findMakersFor(
  { principal, decision, reads }: Asking,
  organizationId: string,
  projectId: string,
  rows: readonly Made[],
): Promise<(row: Made) => Maker | undefined> {
  const options: MakerOptions = {
    explicitOnly: decision?.via === 'external',
    askedBy: principal.kind === 'account' ? principal.accountId : undefined,
  };
  return findMakers(reads, organizationId, projectId, rows, options);
}
