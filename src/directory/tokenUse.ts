/** When each token was last used (SCIM-1), without a write per call. */
import { newId } from '../lib/ids.ts';
import type { DirectoryToken, Store } from '../store/index.ts';
import { openBuffer, type WriteBuffer } from './buffer.ts';

export interface TokenUse {
  readonly token: Pick<DirectoryToken, '_id' | 'organizationId'>;
  readonly at: Date;
}

/**
 * Notes uses of tokens and writes the latest of each in batches. Of several processes the newest use stands.
 * Open one per process; close it after the last request.
 */
export function openTokenUses(
  store: Store,
  options: { onError(error: unknown): void; readonly delayMs?: number | undefined },
): WriteBuffer<TokenUse> {
  return openBuffer<TokenUse>({
    delayMs: 5000,
    ...options,
    async write(uses) {
      const latest = new Map<string, TokenUse>();
      for (const use of uses) {
        const known = latest.get(use.token._id);
        if (!known || known.at < use.at) latest.set(use.token._id, use);
      }
      await store.transaction({ actor: 'system', requestId: newId('request') }, async (tx) => {
        for (const { token, at } of latest.values()) {
          await tx.directoryTokens.update(
            token.organizationId,
            { _id: token._id, $or: [{ lastUsedAt: { $exists: false } }, { lastUsedAt: { $lt: at } }] },
            { $set: { lastUsedAt: at } },
          );
        }
      });
    },
  });
}
