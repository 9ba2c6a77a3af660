/** The SCIM 2.0 protocol and only it: RFC 7643/7644 in, records and membership changes out. */
/** What a push means for people is provisioning/'s, what is kept of it directory/'s. */
import type { Router } from 'express';
import { openIssuerKeys, openRequestLog, openTokenUses } from '../directory/index.ts';
import type { Rate } from '../lib/buckets.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import type { ScimDeps } from './exchange.ts';
import { openLimits } from './limits.ts';
import { openReplay, type Replay } from './replay.ts';
import { resources, scimDoor, scimRouter } from './router.ts';
import { openTypes } from './types.ts';

export type { Replay } from './replay.ts';

export interface Scim {
  /** To be mounted at `/scim`. */
  readonly router: Router;
  /** Answers most requests at `/scim` without it. */
  readonly door: ReturnType<typeof scimDoor>;
  /** Sends a request of the provisioning log again (SCIM-5). */
  readonly replay: Replay;
  /** Writes down what is still buffered (log rows of reads, last use of tokens). */
  flush(): Promise<void>;
  /** The same, at the end; no request may come afterwards. */
  close(): Promise<void>;
}

/** The protocol layer of one process, with the buffers that it owns. */
export function openScim({
  rate,
  outgoing,
  ...deps
}: Omit<ScimDeps, 'types' | 'requestLog' | 'tokenUses' | 'limits' | 'issuerKeys'> & {
  readonly rate: Rate;
  readonly outgoing: Outgoing;
}): Scim {
  const onError = (err: unknown) => deps.logger.error({ err }, 'buffered SCIM notes could not be written');
  const requestLog = openRequestLog(deps.store, { onError });
  const tokenUses = openTokenUses(deps.store, { onError });
  const both = async (end: 'flush' | 'close') => {
    await Promise.all([requestLog[end](), tokenUses[end]()]);
  };
  const all: ScimDeps = {
    ...deps,
    types: openTypes(deps.store.read),
    requestLog,
    tokenUses,
    limits: openLimits(deps.clock, rate),
    issuerKeys: openIssuerKeys(outgoing, deps.clock),
  };
  return {
    router: scimRouter(all),
    door: scimDoor(all),
    replay: openReplay(all, resources),
    flush: () => both('flush'),
    close: () => both('close'),
  };
}
