/** TXT records: what a domain's owner publishes. */
import { Resolver } from 'node:dns/promises';
import { AppError } from '../errors.ts';

/**
 * The TXT records at a name, each put together from its pieces (RFC 7208 §3.3); none where there is no such name.
 * Throws AppError `dns_unanswered` where nobody can say: that is no answer, and proves nothing either way.
 */
export type TxtLookup = (name: string) => Promise<readonly string[]>;

/** Asks these DNS servers (`address` or `address:port`); those of the operating system where the list is empty. */
export function openTxtLookup(servers: readonly string[]): TxtLookup {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  if (servers.length > 0) resolver.setServers([...servers]);
  return async (name) => {
    try {
      return (await resolver.resolveTxt(name)).map((pieces) => pieces.join(''));
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
      throw new AppError('dns_unanswered', `The DNS does not say now what is at ${name}; try again in a while`, {
        cause: error,
      });
    }
  };
}
