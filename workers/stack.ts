import type { Clock } from '../src/lib/clock.ts';
import type { TxtLookup } from '../src/lib/dns.ts';
import type { Mailer } from '../src/lib/mail.ts';
import type { Outgoing } from '../src/lib/outgoing.ts';
import type { Sealer } from '../src/lib/secrets.ts';
import type { TakenJob } from '../src/queue/index.ts';
import type { Cause, Store } from '../src/store/index.ts';

/** What jobs have to work with. */
export interface Stack {
  readonly store: Store;
  readonly clock: Clock;
  /** Opens the secrets of webhooks. */
  readonly sealer: Sealer;
  readonly mailer: Mailer;
  readonly lookUpTxt: TxtLookup;
  readonly outgoing: Outgoing;
  /** The same for webhooks, whose receivers may take longer, and of whose answers the beginning is enough. */
  readonly sendOut: Outgoing;
  /** Whether what organizations name may be on loopback and private networks. */
  readonly allowPrivate: boolean;
}

/** Who makes the changes of a job: named in audit and history by the job's kind and id. */
export const causeOf = ({ name, id }: TakenJob): Cause => ({ actor: `job:${name}`, requestId: id });
