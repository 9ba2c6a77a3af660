/** src/access/owner.ts switched off: nobody counts as the Owner, nothing is refused, no write is confined. */
import type * as rule from '../../src/access/owner.ts';

export const withoutRule = (): typeof rule => ({
  isOwner: () => false,
  decideOwnerChange: () => undefined,
  notOwner: () => ({}),
});
