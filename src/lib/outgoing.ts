/** The one way out: every request to an address that somebody else has set goes through a client of this shape. */

/** What may be asked for; a body is text or bytes, never a stream. */
export interface OutgoingInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | URLSearchParams | null;
  readonly signal?: AbortSignal;
}

/** Sends a request and answers a whole, bounded response. */
export type Outgoing = (url: string | URL, init?: OutgoingInit) => Promise<Response>;
