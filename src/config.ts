/**
 * The settings: environment → one frozen typed Config, every fault reported at once.
 * The only file that reads process.env.
 */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { type LogLevel, logLevels } from './lib/logger.ts';
import { nearest } from './lib/nearest.ts';

/** Where rows live: a SQLite file in the data folder, or a MongoDB replica set. */
export type StoreSettings =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'mongodb'; readonly uri: string };

export interface Config {
  /** The address to listen on; all of them, IPv6 and IPv4, where absent. */
  readonly host: string | undefined;
  /** 0 takes any free port. */
  readonly port: number;
  /** The public base URL, without a slash at the end. */
  readonly baseUrl: string;
  readonly dataFolder: string;
  /** Seals what must be read again; where absent it is kept in the data folder. While it changes: the new one, a comma, the former one. */
  readonly key: string | undefined;
  /** Any of them is the operator's; none where it is kept in the data folder. */
  readonly operatorTokens: readonly string[];
  readonly store: StoreSettings;
  readonly redisUrl: string | undefined;
  /** Express's `trust proxy`: whose X-Forwarded-For to believe. */
  readonly trustProxy: boolean | number | string;
  /** How long, once it is to end, a web process still serves while it says that it is not ready. */
  readonly drainMs: number;
  /** How fast one directory's IdP may push, to one web process. */
  readonly scimRate: { readonly perSecond: number; readonly burst: number };
  /** How many days the provisioning log keeps a request. */
  readonly logDays: number;
  /** How many days event feeds reach back, and deliveries to webhooks are kept. */
  readonly eventDays: number;
  /** Lets what organizations name (metadata, issuers) be on this machine's own network, and on plain http. */
  readonly allowPrivateNetwork: boolean;
  readonly logLevel: LogLevel;
  /** Where mail goes out; without `url` it is written to the log, links and all where `openly`: never in production. */
  readonly mail: { readonly url: string | undefined; readonly from: string; readonly openly: boolean };
  /** Origins beside our own to which a sign-in may return. */
  readonly returnOrigins: readonly string[];
  /** Whom to ask for TXT records; the operating system's own where empty. */
  readonly dnsServers: readonly string[];
  /** What is allowed but looks like a mistake; logged at the start. */
  readonly warnings: readonly string[];
}

/** Which process asks: a worker serves nobody, so it needs no operator token. */
export type ProcessRole = 'web' | 'worker';

export interface ConfigFault {
  readonly setting: string;
  readonly message: string;
}

/** Settings that cannot be run with; `faults` lists all of them. No value of a setting is ever repeated. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(
      `The configuration cannot be used:\n${faults.map(({ setting, message }) => `  ${setting}: ${message}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

const words: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
};

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port: a number from 0 to 65535')
  .transform(Number)
  .pipe(z.number().max(65_535, 'must be a port: a number from 0 to 65535'));

/** An IdP must be able to send 50 requests a second, whatever else is set. */
const leastRate = 50;
const rate = z
  .string()
  .regex(/^\d{1,7}$/, `must be a whole number from ${leastRate} up`)
  .transform(Number)
  .pipe(z.number().min(leastRate, `must be at least ${leastRate}: identity providers count on it`));

const baseUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && !url.search && !url.hash && !url.username && !url.password;
  if (plain && (url.protocol === 'https:' || url.protocol === 'http:')) return url.href.replace(/\/+$/, '');
  context.addIssue({
    code: 'custom',
    message: 'must be an http or https URL without user, query and fragment, such as https://gatehouse.example.com',
  });
  return z.NEVER;
});

const uriOf = (what: string, schemes: readonly string[]) =>
  z
    .string()
    .refine((text) => schemes.some((scheme) => text.startsWith(`${scheme}://`) && text.length > scheme.length + 3), {
      message: `must be the URL of ${what}: ${schemes.map((scheme) => `${scheme}://…`).join(' or ')}`,
    });

const operatorTokens = z
  .string()
  .transform((text) => text.split(',').map((token) => token.trim()))
  .pipe(
    z
      .array(
        z
          .string()
          .min(1, 'holds an empty token')
          .regex(/^[\x21-\x7e]*$/, 'a token is made of printable ASCII characters without blanks'),
      )
      .max(2, 'at most two tokens are valid at once, separated by a comma'),
  );

const encryptionKey = z
  .string()
  .transform((text) => text.split(',').map((key) => key.trim()))
  .pipe(
    z
      .array(z.string().min(1, 'holds an empty key'))
      .max(2, 'at most two keys, the new one and the former one, separated by a comma'),
  )
  .transform((keys) => keys.join(','));

const proxyNames = ['loopback', 'linklocal', 'uniquelocal'];

const trustProxy = z.string().transform((text, context): boolean | number | string => {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const word = words[text.toLowerCase()];
  if (word !== undefined) return word;
  const parts = text.split(',').map((part) => part.trim());
  if (parts.every((part) => proxyNames.includes(part) || isIP(part.replace(/\/\d{1,3}$/, '')) !== 0))
    return parts.join(',');
  context.addIssue({
    code: 'custom',
    message: 'must be the number of proxies in front, or their addresses or networks, separated by commas',
  });
  return z.NEVER;
});

const flag = z.string().transform((text, context): boolean => {
  const word = words[text.toLowerCase()];
  if (word !== undefined) return word;
  context.addIssue({ code: 'custom', message: 'must be true or false' });
  return z.NEVER;
});

const returnOrigins = z.string().transform((text, context): readonly string[] => {
  const origins = text.split(',').map((part) => part.trim());
  if (origins.every((one) => URL.canParse(one) && /^https?:$/.test(new URL(one).protocol) && isBareOrigin(one))) {
    return origins.map((one) => new URL(one).origin);
  }
  context.addIssue({
    code: 'custom',
    message: 'must be origins such as https://console.example.com, without a path, separated by commas',
  });
  return z.NEVER;
});

const isBareOrigin = (text: string): boolean => new URL(text).href === `${new URL(text).origin}/`;

const mailFrom = z
  .string()
  .regex(
    /^(?:[^<>@\r\n"]* )?<?[^\s<>@"]+@[^\s<>@"]+>?$/,
    'must be an address, such as Gatehouse <no-reply@example.com>',
  );

/** `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53`. */
const dnsServers = z
  .string()
  .transform((text) => text.split(',').map((server) => server.trim()))
  .pipe(z.array(z.string().refine(isDnsServer, 'must be IP addresses, with a port or without, separated by commas')));

function isDnsServer(text: string): boolean {
  const address = /^\[(.*)\](?::\d{1,5})?$/.exec(text)?.[1] ?? (isIP(text) ? text : text.replace(/:\d{1,5}$/, ''));
  return isIP(address) !== 0;
}

const drainSeconds = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,3})?$/, 'must be a number of seconds from 0 to 300')
  .transform(Number)
  .pipe(z.number().max(300, 'must be a number of seconds from 0 to 300'));

function daysFrom(least: number) {
  const message = `must be a whole number of days from ${least} to 3650`;
  return z
    .string()
    .regex(/^\d{1,4}$/, message)
    .transform(Number)
    .pipe(z.number().min(least, message).max(3650, message));
}

/** Every setting. An empty text counts as unset. */
const settings = z.object({
  HOST: z.string().optional(),
  PORT: port.default(3000),
  GATEHOUSE_URL: baseUrl.optional(),
  GATEHOUSE_DATA: z.string().default('./data'),
  GATEHOUSE_KEY: encryptionKey.optional(),
  GATEHOUSE_OPERATOR_TOKEN: operatorTokens.default([]),
  GATEHOUSE_LOG_LEVEL: z
    .string()
    .toLowerCase()
    .pipe(z.enum(logLevels, { error: `must be one of ${logLevels.join(', ')}` }))
    .default('info'),
  GATEHOUSE_TRUST_PROXY: trustProxy.default(false),
  GATEHOUSE_DRAIN_SECONDS: drainSeconds.default(0),
  GATEHOUSE_SCIM_RATE: rate.default(500),
  GATEHOUSE_SCIM_BURST: rate.default(5000),
  GATEHOUSE_LOG_DAYS: daysFrom(1).default(30),
  // A webhook that fails is tried for more than three days, and given up after five.
  GATEHOUSE_EVENT_DAYS: daysFrom(7).default(90),
  GATEHOUSE_ALLOW_PRIVATE_NETWORK: flag.default(false),
  GATEHOUSE_RETURN_ORIGINS: returnOrigins.default([]),
  GATEHOUSE_MAIL_FROM: mailFrom.optional(),
  SMTP_URL: uriOf('an SMTP server', ['smtp', 'smtps']).optional(),
  GATEHOUSE_DNS_SERVERS: dnsServers.default([]),
  MONGODB_URI: uriOf('a MongoDB replica set', ['mongodb', 'mongodb+srv']).optional(),
  REDIS_URL: uriOf('a Redis server', ['redis', 'rediss']).optional(),
});

const names = Object.keys(settings.shape);

/** Names that other programs use for the same thing. */
const lookalikes: Readonly<Record<string, string>> = {
  MONGO_URI: 'MONGODB_URI',
  MONGO_URL: 'MONGODB_URI',
  MONGODB_URL: 'MONGODB_URI',
  REDIS_URI: 'REDIS_URL',
  REDISURL: 'REDIS_URL',
  // docker-compose.yml's, for the port on the host
  GATEHOUSE_PORT: 'PORT',
};

/**
 * Reads the settings from `env` (default: this process's environment).
 * Throws ConfigError, which lists every fault at once.
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  role: ProcessRole = 'web',
): Config {
  const given = Object.fromEntries(
    names.map((name) => [name, env[name]?.trim()] as const).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = settings.safeParse(given);
  const faults: ConfigFault[] = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => ({ setting: String(path[0]), message }));
  faults.push(...combinationFaults(given, role));
  if (faults.length > 0 || !parsed.success) throw new ConfigError(faults);

  const value = parsed.data;
  const dataFolder = resolve(value.GATEHOUSE_DATA);
  const url = value.GATEHOUSE_URL ?? `http://localhost:${value.PORT}`;
  return Object.freeze({
    host: value.HOST,
    port: value.PORT,
    baseUrl: url,
    dataFolder,
    key: value.GATEHOUSE_KEY,
    operatorTokens: Object.freeze(value.GATEHOUSE_OPERATOR_TOKEN),
    store:
      value.MONGODB_URI === undefined
        ? { kind: 'sqlite' as const, path: resolve(dataFolder, 'gatehouse.db') }
        : { kind: 'mongodb' as const, uri: value.MONGODB_URI },
    redisUrl: value.REDIS_URL,
    trustProxy: value.GATEHOUSE_TRUST_PROXY,
    drainMs: value.GATEHOUSE_DRAIN_SECONDS * 1_000,
    scimRate: Object.freeze({ perSecond: value.GATEHOUSE_SCIM_RATE, burst: value.GATEHOUSE_SCIM_BURST }),
    logDays: value.GATEHOUSE_LOG_DAYS,
    eventDays: value.GATEHOUSE_EVENT_DAYS,
    dnsServers: Object.freeze(value.GATEHOUSE_DNS_SERVERS),
    allowPrivateNetwork: value.GATEHOUSE_ALLOW_PRIVATE_NETWORK,
    logLevel: value.GATEHOUSE_LOG_LEVEL,
    mail: Object.freeze({
      url: value.SMTP_URL,
      from: value.GATEHOUSE_MAIL_FROM ?? `Gatehouse <no-reply@${new URL(url).hostname}>`,
      openly: !isProduction(value),
    }),
    returnOrigins: Object.freeze(value.GATEHOUSE_RETURN_ORIGINS),
    warnings: Object.freeze([...weaknesses(value), ...unknownNames(env)]),
  });
}

/** Others than the one at the keyboard depend on it, and its log is read by more people than may sign in as anybody. */
const isProduction = ({ MONGODB_URI, GATEHOUSE_URL }: z.output<typeof settings>): boolean =>
  MONGODB_URI !== undefined || GATEHOUSE_URL?.startsWith('https:') === true;

/** Settings that are each well formed but cannot go together. */
function combinationFaults(given: Readonly<Record<string, string | undefined>>, role: ProcessRole): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const miss = (setting: string, message: string): void => {
    if (given[setting] === undefined) faults.push({ setting, message });
  };
  if (role === 'worker') {
    miss('MONGODB_URI', 'is required: workers run beside a MongoDB store (without it, jobs run in the web process)');
    miss('REDIS_URL', 'is required: workers take their jobs from Redis (without it, jobs run in the web process)');
    miss('GATEHOUSE_KEY', 'is required: workers sign for webhooks with what the web processes have sealed with it');
    return faults;
  }
  if (given.REDIS_URL !== undefined) {
    miss('MONGODB_URI', 'is required with REDIS_URL: the embedded store serves one process, which needs no Redis');
  }
  if (given.MONGODB_URI !== undefined) {
    const why = 'is required with MONGODB_URI: every process must have the same one, so none is generated';
    miss('GATEHOUSE_KEY', why);
    miss('GATEHOUSE_OPERATOR_TOKEN', why);
  }
  return faults;
}

function weaknesses(value: z.output<typeof settings>): string[] {
  const warnings: string[] = [];
  const short = 'is shorter than 24 characters; take a random one, for example from `openssl rand -hex 32`';
  if (value.GATEHOUSE_KEY?.split(',').some((key) => key.length < 24)) warnings.push(`GATEHOUSE_KEY ${short}`);
  if (value.GATEHOUSE_OPERATOR_TOKEN.some((token) => token.length < 24)) {
    warnings.push(`GATEHOUSE_OPERATOR_TOKEN ${short}`);
  }
  if (value.GATEHOUSE_ALLOW_PRIVATE_NETWORK && value.MONGODB_URI !== undefined) {
    warnings.push("GATEHOUSE_ALLOW_PRIVATE_NETWORK lets an organization's settings reach this machine's own network");
  }
  if (value.SMTP_URL === undefined && isProduction(value)) {
    warnings.push(
      'SMTP_URL is not set: no letter goes out, so that nobody, the Owner neither, can sign in by a mailed link',
    );
  }
  return warnings;
}

function unknownNames(env: Readonly<Record<string, string | undefined>>): string[] {
  const warnings: string[] = [];
  for (const name of Object.keys(env)) {
    if (names.includes(name) || !env[name]) continue;
    const meant = lookalikes[name] ?? (name.startsWith('GATEHOUSE_') ? nearest(name, names) : undefined);
    if (meant !== undefined) warnings.push(`${name} is not a setting and has no effect; did you mean ${meant}?`);
    else if (name.startsWith('GATEHOUSE_')) warnings.push(`${name} is not a setting and has no effect`);
  }
  return warnings;
}
