import { z } from 'zod';

/** How a job that fails is tried again: the wait doubles from `firstMs` up to `capMs`; after `attempts` it is parked. */
export interface Retry {
  readonly attempts: number;
  readonly firstMs: number;
  readonly capMs: number;
}

/** Ten attempts over about ten minutes: an outlasting fault is for the operator to see, not for the queue to hide. */
const patient: Retry = { attempts: 10, firstMs: 500, capMs: 5 * 60_000 };

/**
 * Whose places a job takes: most are short and only work with the store; what speaks to servers of somebody else has places of its
 * own, so that however long they take nothing else waits. A lane is the state of its rows while they wait.
 */
export type Lane = 'waiting' | 'sending';
export const lanes: readonly Lane[] = ['waiting', 'sending'];

/** No row of the lane rests longer, after a failed attempt or because it was asked for with `afterMs`: webhooks rest for a day and a tenth. */
export const longestRestMs: Readonly<Record<Lane, number>> = { waiting: 5 * 60_000, sending: 27 * 3_600_000 };

interface Job {
  readonly payload: z.ZodObject;
  readonly retry: Retry;
  /** Default: the common one. */
  readonly lane?: Lane;
  /** Rows that ask for the same and wait at the same time are one: the run of any of them ends all. */
  readonly merges?: true;
}

/**
 * The job catalogue: what a committed change may ask for. Handlers are idempotent and level-triggered: a payload says
 * whom to look at again, never what to change.
 */
export const jobs = {
  /** Recompute the mapped grants of these accounts (MAP-3). */
  reconcile: { payload: z.object({ people: z.array(z.string()).min(1).max(500) }), retry: patient, merges: true },
  /** Find everybody in these directory groups, nested ones too, or granted by these mappings, and reconcile them. */
  'reconcile-groups': {
    payload: z.object({ groups: z.array(z.string()), mappings: z.array(z.string()).default([]) }),
    retry: patient,
    merges: true,
  },
  /** A domain has been verified: prove its people's addresses and resolve those who wait for adoption (ACC-2, SCIM-3). */
  'prove-domain': { payload: z.object({ domain: z.string() }), retry: patient },
  /**
   * Make a one-time link and mail it (OWN-5, ACC-4, ACC-5). Whose the address is, is looked up by the job, and the secret is
   * made by it: neither whoever asks nor this payload knows of them.
   */
  'mail-link': {
    payload: z.object({
      purpose: z.enum(['sign_in', 'prove_email']),
      email: z.string(),
      /** To prove an address: of this account. */
      accountId: z.string().optional(),
      site: z.string(),
      returnTo: z.string().optional(),
      browserHash: z.string().optional(),
      /** Sent to the Owner of an organization only, for its domain has had too many. */
      ownersOnly: z.boolean().optional(),
    }),
    retry: patient,
  },
  /**
   * Ask a person by a link whether they are the one whom an IdP, or a directory, names (SCIM-3, SSO-6). Whose mailbox that is,
   * is looked up by the job, as above.
   */
  'mail-confirmation': {
    payload: z.object({ about: z.enum(['identity', 'directory_user']), id: z.string(), site: z.string() }),
    retry: patient,
  },
  /** Make the link of an invitation and mail it (MEM-2), unless it has been sent again or has ended since. */
  'mail-invitation': {
    payload: z.object({ invitationId: z.string(), round: z.number(), site: z.string() }),
    retry: patient,
  },
  /** Tell the organization's Admins that the Owner has signed in by a link (OWN-5). */
  'announce-owner': { payload: z.object({ accountId: z.string(), at: z.string() }), retry: patient },
  /** The same, to one of them. */
  'mail-announcement': {
    payload: z.object({ accountId: z.string(), at: z.string(), to: z.string() }),
    retry: patient,
  },
  /** Tell one Admin by letter of everything that is about to end (OPS-3). */
  'mail-expiries': { payload: z.object({ to: z.string(), at: z.string() }), retry: patient },
  /** Tell the Owner that a way to sign in was made or changed (OWN-4). */
  'tell-owner': {
    payload: z.object({
      connectionId: z.string(),
      change: z.enum(['created', 'activated', 'changed', 'keys']),
      by: z.string(),
      at: z.string(),
    }),
    retry: patient,
  },
  /** Read the metadata of a connection's IdP again (SSO-1). */
  'refresh-metadata': { payload: z.object({ connectionId: z.string() }), retry: patient },
  /** Look whether the TXT record of a verified domain is still there (SSO-3). */
  'check-domain': { payload: z.object({ domainId: z.string() }), retry: patient },
  /** Tell an Admin that the organization was closed, or restored (ORG-2). */
  'mail-closing': { payload: z.object({ to: z.string(), event: z.enum(['closed', 'restored']) }), retry: patient },
  /** Tell one side of a transfer of the ownership what has become of it (OWN-4). */
  'mail-ownership': {
    payload: z.object({
      event: z.enum(['offered', 'accepted', 'declined', 'cancelled', 'ended', 'forced']),
      to: z.enum(['owner', 'heir']),
      ownerAccountId: z.string(),
      heirAccountId: z.string(),
    }),
    retry: patient,
  },
  /** Clear what former memberships and records of sign-ins still say of a deleted account. */
  'erase-account': { payload: z.object({ accountId: z.string() }), retry: patient },
  /** Events have got these numbers: write down for each webhook what it is to be told of them (EVT-1). */
  'fan-out': { payload: z.object({ from: z.number(), to: z.number() }), retry: patient },
  /** Send what waits for this webhook, if nothing has asked for it at another time since. */
  deliver: { payload: z.object({ webhookId: z.string(), wakeAt: z.string() }), retry: patient, lane: 'sending' },
  /** Tell the organization's Admins that one of its webhooks was disabled. */
  'announce-webhook': { payload: z.object({ webhookId: z.string() }), retry: patient },
  /** The same, to one of them. */
  'mail-webhook': { payload: z.object({ webhookId: z.string(), to: z.string() }), retry: patient },
  /** Remove every row of the organization (ORG-2); the last look comes a while after the first one. */
  'delete-organization': { payload: z.object({ last: z.boolean() }), retry: patient },
} as const satisfies Record<string, Job>;

export type JobName = keyof typeof jobs;
/** What a handler is given. */
export type JobPayload<N extends JobName> = z.output<(typeof jobs)[N]['payload']>;
/** What is handed in: fields with a default may be left out. */
export type JobInput<N extends JobName> = z.input<(typeof jobs)[N]['payload']>;

/** The lane of a job; of one that another version has asked for, the common one. */
export function laneOf(name: string): Lane {
  const job: Job | undefined = isJobName(name) ? jobs[name] : undefined;
  return job?.lane ?? 'waiting';
}

/** Whether its rows that ask for the same are one piece of work. */
export function isMerged(name: JobName): boolean {
  const job: Job = jobs[name];
  return job.merges === true;
}

/** Whether a job of this name exists. */
export function isJobName(name: string): name is JobName {
  return Object.hasOwn(jobs, name);
}
