/** Whether the encryption key is the one that sealed what the store holds: asked once, before anything is served. */
import { ConfigError } from './config.ts';
import { newId } from './lib/ids.ts';
import type { Sealer } from './lib/secrets.ts';
import { PLATFORM, type Store } from './store/index.ts';

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
