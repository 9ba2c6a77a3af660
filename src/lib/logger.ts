import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const hidden = '[hidden]';

/** Fields whose value is never logged, whatever their case and however deep they stand. */
const secretFields =
  /^(authorization|proxy-authorization|cookie|set-cookie|password|passwd|secret|token|access_?token|refresh_?token|id_?token|client_?secret|client_?assertion|api_?key|operator_?token|sealed|encryption_?key|redis_?url|mongodb_?uri|smtp_?url)$/i;

/** What gives away a secret inside a text: our own tokens and keys, bearer credentials, passwords in addresses. */
const secretTexts: readonly [RegExp, string][] = [
  [/\bgh[a-z]_[0-9A-Za-z_-]{8,}/g, hidden],
  [/\bwhsec_[0-9A-Za-z+/=_-]{8,}/g, hidden],
  [/\b(Bearer|Basic)(\s+)[0-9A-Za-z._~+/=-]{8,}/gi, `$1$2${hidden}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"\\]+@/gi, `$1${hidden}@`],
];

const deepest = 8;

function hideFields(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error || value instanceof Date) return value;
  if (depth === deepest) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => hideFields(item, depth + 1));
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    secretFields.test(key) ? hidden : hideFields(item, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

function hideTexts(line: string): string {
  return secretTexts.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}

/**
 * A structured logger: one JSON object per line on standard output, times in ISO 8601. Fields with the name of a secret,
 * and texts that look like one, are hidden wherever they stand (OPS-5).
 */
export function openLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => Object.fromEntries(Object.entries(hideFields({ ...fields }) as object)),
    },
    hooks: { streamWrite: hideTexts },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Says nothing; for tests. */
export const silentLogger: Logger = pino({ level: 'silent' });
