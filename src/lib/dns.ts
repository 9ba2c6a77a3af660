/** The DNS, asked directly: what a domain's owner publishes, and where hosts are. */
import { Resolver } from 'node:dns/promises';
import { AppError } from '../errors.ts';

/**
 * The TXT records at a name, each put together from its pieces (RFC 7208 §3.3); none where there is no such name.
 * Throws AppError `dns_unanswered` where nobody can say: that is no answer, and proves nothing either way.
 */
export type TxtLookup = (name: string) => Promise<readonly string[]>;

/** Asks these DNS servers (`address` or `address:port`); those of the operating system where the list is empty. */
function openResolver(servers: readonly string[], timeout: number): Resolver {
  const resolver = new Resolver({ timeout, tries: 2 });
  if (servers.length > 0) resolver.setServers([...servers]);
  return resolver;
}

/** Whether the DNS has answered: there is nothing of the kind at this name. */
function isAbsent(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

/** Asks these DNS servers; those of the operating system where the list is empty. */
export function openTxtLookup(servers: readonly string[]): TxtLookup {
  const resolver = openResolver(servers, 2_000);
  return async (name) => {
    try {
      return (await resolver.resolveTxt(name)).map((pieces) => pieces.join(''));
    } catch (error) {
      if (isAbsent(error)) return [];
      throw new AppError('dns_unanswered', `The DNS does not say now what is at ${name}; try again in a while`, {
        cause: error,
      });
    }
  };
}

/**
 * A host name's addresses. The operating system's own look-up keeps one of a process's few threads for as long as no server answers:
 * whoever names such a host would hold up all others, so that it is not asked. Throws an error with the code
 * ENOTFOUND where there is no such name, EAI_AGAIN where nobody can say.
 */
export function openAddressLookup(servers: readonly string[]): (hostname: string) => Promise<readonly string[]> {
  const resolver = openResolver(servers, 1_000);
  return async (hostname) => {
    // RFC 6761 §6.3: these are not the DNS's to tell
    if (/^(?:.+\.)?localhost\.?$/i.test(hostname)) return ['127.0.0.1', '::1'];
    const asked = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    if (found.length > 0) return found;
    const isTold = asked.every((one) => one.status === 'fulfilled' || isAbsent(one.reason));
    throw Object.assign(new Error(`no address of ${hostname}`), { code: isTold ? 'ENOTFOUND' : 'EAI_AGAIN' });
  };
}
