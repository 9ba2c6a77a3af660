/** Requests as the protocol sees them: whatever they came through, an operation of a Bulk and a replay among them. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** What handlers see of a request. */
export interface Asked {
  readonly method: string;
  /** Path and query below the directory. */
  readonly url: string;
  readonly path: string;
  /** `id`: of the resource in the path. */
  readonly params: { readonly id?: string };
  readonly headers: IncomingHttpHeaders;
}

/** A request that has come over HTTP. */
export interface Incoming extends Asked {
  readonly directoryId: string;
  readonly requestId: string;
  /** Where its body is read from. */
  readonly message: IncomingMessage;
  /** The address that it came from, trusted proxies considered. */
  address(): string | undefined;
}

/** Where below `/scim` a request goes. */
export interface Address {
  readonly directoryId: string;
  readonly url: string;
  readonly path: string;
}

/** Names and queries as clients write them; anything else may have to be decoded, or be told from an attack. */
const plain = /^\/scim\/v2\/([A-Za-z0-9-]+)((?:\/[A-Za-z0-9.:_-]+)*)(\?[\x21\x22\x24-\x7e]*)?$/;

/** The address of a request below a directory, where it can be read as it stands: undefined for one that is Express's to read. */
export function readAddress(url: string): Address | undefined {
  const [, directoryId, path, query = ''] = plain.exec(url) ?? [];
  if (directoryId === undefined || path === undefined) return undefined;
  return { directoryId, url: `${path || '/'}${query}`, path: path || '/' };
}
