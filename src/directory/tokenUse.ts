/** When each token was last used (SCIM-1), without a write per call. */
import { type DirectoryToken, openLastUses, type Store } from '../store/index.ts';
import type { WriteBuffer } from './buffer.ts';

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
  const { note, flush, close } = openLastUses(store, 'directoryTokens', options);
  return { add: ({ token, at }) => note(token, at), flush, close };
}
