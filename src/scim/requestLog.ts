/** Rows of the provisioning log (SCIM-5): what is written down of an exchange, and how much of it. */
import type { LogEntry } from '../directory/index.ts';
import { shortened } from '../lib/text.ts';
import type { Directory, Origin } from '../store/index.ts';
import type { ReadBody } from './body.ts';
import type { ScimError } from './errors.ts';
import { REDACTED, redact, redactBeginning, redactText } from './safety.ts';

const BODY_LIMIT = 16 * 1024;
const PATH_LIMIT = 2048;
const REDACTION_LIMIT = 1024 * 1024;
const HEADER_LIMIT = 1024;

/** One exchange as the log sees it. */
export interface Logged {
  readonly directory: Pick<Directory, '_id' | 'organizationId'>;
  readonly tokenId: string | undefined;
  readonly requestId: string;
  /** From where it came (AUD-1): asked only where something is written. */
  readonly from?: (() => Origin | undefined) | undefined;
  readonly method: string;
  /** Path and query below the directory. */
  readonly path: string;
  readonly body: ReadBody | undefined;
  readonly startedAt: number;
  /** The preconditions, as they came in the headers. */
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  /** The row of the request that this one sends again. */
  readonly replayOf?: string | undefined;
}

export interface Outcome {
  readonly status: number;
  readonly outcome: LogEntry['outcome'];
  readonly notes?: readonly string[] | undefined;
  readonly touched?: readonly string[] | undefined;
  readonly response?: string | undefined;
  /** The response is the beginning of a longer one. */
  readonly cut?: boolean;
  readonly error?: ScimError | undefined;
}

/** The row of an exchange: secrets redacted, bodies cut. */
export function logEntry(
  exchange: Logged,
  { status, outcome, notes = [], touched = [], response, cut: isCut = false, error }: Outcome,
): LogEntry {
  const { directory, tokenId, requestId, method, path, body, startedAt, ifMatch, ifNoneMatch, replayOf } = exchange;
  return {
    organizationId: directory.organizationId,
    directoryId: directory._id,
    requestId,
    ...(tokenId !== undefined && { tokenId }),
    method,
    path: shortened(redactQuery(path).replaceAll('\0', ''), PATH_LIMIT),
    status,
    outcome,
    ...(error?.scimType && { scimType: error.scimType }),
    ...(error && { detail: shortened(error.detail.replaceAll('\0', ''), PATH_LIMIT) }),
    notes: [...new Set(notes)],
    touched: [...new Set(touched)],
    ...(body && { request: shortened(body.secret ? redacted(body) : body.text, BODY_LIMIT) }),
    ...(response !== undefined && {
      response: shortened(isCut ? `${redactBeginning(response)}…` : redactText(response), BODY_LIMIT),
    }),
    ...(ifMatch !== undefined && { ifMatch: shortened(ifMatch, HEADER_LIMIT) }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: shortened(ifNoneMatch, HEADER_LIMIT) }),
    ...(replayOf !== undefined && { replayOf }),
    durationMs: Math.round((performance.now() - startedAt) * 100) / 100,
  };
}

/** Of a body that is long and names a secret nothing is kept: to look for it everywhere would hold up the others. */
const redacted = ({ text, value }: ReadBody): string =>
  text.length > REDACTION_LIMIT ? `${REDACTED}…` : JSON.stringify(redact(value));

/** Whether a recorded path is all that was sent: not cut, nothing of it redacted. */
export const isWholePath = (path: string): boolean => !path.endsWith('…') && !path.includes(REDACTED);

/** The body that was recorded; undefined where it is not all that was sent. A body that was cut is no JSON. */
export function wholeBody(text: string | undefined): unknown {
  if (text === undefined || text.includes(REDACTED)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Also a filter that asks for a password is refused only after it has been sent. */
function redactQuery(path: string): string {
  const start = path.indexOf('?') + 1;
  if (start === 0 || !/token|secret|password/i.test(decoded(path))) return path;
  const parameters = path
    .slice(start)
    .split('&')
    .map((given) => {
      const equals = given.indexOf('=');
      const [name, value] = equals < 0 ? [given, ''] : [given.slice(0, equals), given.slice(equals + 1)];
      const secret =
        /token|secret|password/i.test(decoded(name)) ||
        (/^filter$/i.test(decoded(name)) && /secret|password/i.test(decoded(value)));
      return secret && equals >= 0 ? `${name}=${REDACTED}` : given;
    });
  return path.slice(0, start) + parameters.join('&');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
