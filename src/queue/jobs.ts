import { z } from 'zod';

/**
 * The job catalogue: what a committed change may ask for. Handlers are idempotent and level-triggered: a payload says
 * whom to look at again, never what to change.
 */
export const jobs = {
  /** Recompute the mapped grants of these accounts (MAP-3). */
  reconcile: { payload: z.object({ people: z.array(z.string()).min(1).max(500) }) },
  /** Find everybody in these directory groups, nested ones too, or granted by these mappings, and reconcile them. */
  'reconcile-groups': {
    payload: z.object({ groups: z.array(z.string()), mappings: z.array(z.string()).default([]) }),
  },
  /** A domain has been verified: prove its people's addresses and resolve those who wait for adoption (ACC-2, SCIM-3). */
  'prove-domain': { payload: z.object({ domain: z.string() }) },
} as const;

export type JobName = keyof typeof jobs;
export type JobPayload<N extends JobName> = z.output<(typeof jobs)[N]['payload']>;
