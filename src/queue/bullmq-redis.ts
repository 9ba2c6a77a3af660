/** Connections to Redis, of which none may be missed: whatever becomes of one, the outbox holds every job. */
import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from '../lib/logger.ts';

const everyMs = 30_000;

/** Logs the first trouble and then at most one in half a minute: a Redis that is down says the same many times a second. */
export function rareLog(logger: Logger, message: string): (error: unknown) => void {
  let quietUntil = 0;
  return (error) => {
    if (Date.now() < quietUntil) return;
    quietUntil = Date.now() + everyMs;
    logger.warn({ err: error }, message);
  };
}

/** Reconnects for ever, soon after the loss and then every two seconds. */
const retryStrategy = (times: number): number => Math.min(100 * times, 2_000);

/** For commands that rather fail at once than wait for a connection. */
const impatient: RedisOptions = { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2_000 };

/** For a BullMQ worker and for subscriptions: commands wait until there is a connection. */
const patient: RedisOptions = { enableOfflineQueue: true, maxRetriesPerRequest: null };

/** A connection that opens by itself, and whose errors are logged rarely and thrown nowhere. */
export function openRedis(url: string, kind: 'impatient' | 'patient', onError: (error: unknown) => void): Redis {
  const redis = new Redis(url, { ...(kind === 'impatient' ? impatient : patient), retryStrategy });
  redis.on('error', onError);
  return redis;
}

/** The names under which the processes of one Gatehouse meet in Redis. */
export function channels(prefix: string): { readonly nudge: string; ended(relayId: string): string } {
  return { nudge: `${prefix}:nudge`, ended: (relayId) => `${prefix}:ended:${relayId}` };
}
