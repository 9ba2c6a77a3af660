/** Where a sign-in or log-out may lead at its end: to places of our own, and to origins that the operator has named. */

export interface ReturnOrigins {
  readonly baseUrl: string;
  /** GATEHOUSE_RETURN_ORIGINS: origins of the platform's own sites, as `URL.origin` writes them. */
  readonly origins: readonly string[];
}

const lengthLimit = 2048;

/** Printable ASCII without blanks and backslashes: browsers drop tabs, and read `\` and `／` as slashes. */
const plain = /^[\x21-\x5b\x5d-\x7e]+$/;
const absolute = /^https?:\/\/[^/]/i;
/** Slashes that somebody may decode once or several times: `%2f`, `%5c`, `%252f` … */
const encodedSlash = /%(?:25)*(?:2f|5c)/i;

/**
 * The address that `text` leads to, in full and normalised, so that no browser can read it in another way: a path on our
 * own origin, or an address on an allowed one. Undefined where it leads anywhere else, or could be taken to: the path is
 * judged after normalisation, since `/.//evil` becomes `//evil`.
 */
export function resolveReturnTo(text: string, { baseUrl, origins }: ReturnOrigins): string | undefined {
  if (text.length > lengthLimit || !plain.test(text)) return undefined;
  const own = new URL(baseUrl).origin;
  const isPath = text.startsWith('/') && !text.startsWith('//');
  if (!isPath && !absolute.test(text)) return undefined;
  const url = URL.canParse(text, own) ? new URL(text, own) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '') return undefined;
  if (url.origin !== own && !origins.includes(url.origin)) return undefined;
  if (url.pathname.startsWith('//') || encodedSlash.test(url.pathname)) return undefined;
  return url.href;
}
