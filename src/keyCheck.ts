/**
 * Whether the encryption key is the one that sealed what the store holds: asked once, before anything is served. And its
 * change without an interruption (OPS-4): what the former key has sealed is sealed anew while both are known.
 */
import { ConfigError } from './config.ts';
import { platformTrail, recordAudit } from './events/index.ts';
import type { Clock } from './lib/clock.ts';
import { newId } from './lib/ids.ts';
import type { Logger } from './lib/logger.ts';
import type { Sealer } from './lib/secrets.ts';
import { openPeriodic, type Periodic } from './queue/index.ts';
import { countFormerlySealed, PLATFORM, reseal, type Store, type Transaction } from './store/index.ts';

const id = 'current';
const text = 'gatehouse';

/**
 * Notes the key in a new store, and compares it with the note in every other. Data of a program that took no note is
 * asked whether the key opens a Default Key of it. Throws ConfigError where the key is another one; nothing is changed then.
 */
export async function checkKey(store: Store, sealer: Sealer): Promise<void> {
  const noted = await store.read.keyChecks.get(PLATFORM, id);
  if (noted !== undefined) return demand(sealer, noted.sealed);
  const cause = { actor: 'system', requestId: newId('request') };
  await store.transaction(cause, async (tx) => {
    // Another process that starts at the same moment may have been first, with another key.
    const row = await tx.keyChecks.get(PLATFORM, id);
    if (row !== undefined) return demand(sealer, row.sealed);
    const sealed = (await tx.apiKeys.findOne(PLATFORM, { sealed: { $exists: true } }))?.sealed;
    if (sealed !== undefined) demand(sealer, sealed);
    await tx.keyChecks.insert(PLATFORM, { _id: id, sealed: sealer.seal(text) });
  });
}

function demand(sealer: Sealer, sealed: string): void {
  try {
    sealer.open(sealed);
  } catch {
    const message = 'is not the key that sealed the data: nothing sealed could be read. Start with the former key';
    throw new ConfigError([{ setting: 'GATEHOUSE_KEY', message }]);
  }
}

export interface KeyRotationOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** Default: a minute. */
  readonly everyMs?: number | undefined;
}

/**
 * The task of one of all web processes (workers have no key) while a former key is known: seals anew what it has sealed,
 * and says how much remains. Once nothing does, the note of the key follows, from which a start without the former key is
 * allowed. Undefined where there is no former key.
 */
export function openKeyRotation({
  store,
  sealer,
  logger,
  clock,
  everyMs = 60_000,
}: KeyRotationOptions): Periodic | undefined {
  if (!sealer.hasFormer) return undefined;
  let stopping = false;
  const cause = () => ({ actor: 'system', requestId: newId('request') });
  const periodic = openPeriodic({
    store,
    logger,
    clock,
    everyMs,
    name: 'reseal',
    async run() {
      const resealed = await reseal(store, cause(), sealer, () => !stopping);
      const remaining = await tellRemaining(store, sealer, logger, resealed);
      if (remaining === 0 && !stopping) await store.transaction(cause(), (tx) => moveNote(tx, sealer));
    },
  });
  return {
    start: () => periodic.start(),
    stop() {
      stopping = true;
      return periodic.stop();
    },
  };
}

/** Counts what is not yet sealed with the present key, for the log. */
export async function tellRemaining(store: Store, sealer: Sealer, logger: Logger, resealed = 0): Promise<number> {
  const remaining = await countFormerlySealed(store.read, sealer);
  const note = await store.read.keyChecks.get(PLATFORM, id);
  const done = remaining === 0 && note !== undefined && sealer.isCurrent(note.sealed);
  if (done) logger.info('nothing is sealed with the former encryption key any more: leave it out of GATEHOUSE_KEY');
  else logger.info({ resealed, remaining }, 'the encryption key changes: the former one is still needed');
  return remaining;
}

async function moveNote(tx: Transaction, sealer: Sealer): Promise<void> {
  const note = await tx.keyChecks.get(PLATFORM, id);
  if (!note || sealer.isCurrent(note.sealed)) return;
  await tx.keyChecks.updateOne(PLATFORM, { _id: id }, { $set: { sealed: sealer.seal(text) } });
  await recordAudit(tx, platformTrail, {
    type: 'encryption_key.rotated',
    targetKind: 'encryptionKey',
    targetId: id,
    detail: 'Everything is sealed with the new key; the former one is no longer needed',
  });
}
