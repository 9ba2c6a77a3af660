import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from '../../src/config.ts';
import { loadSecrets } from '../../src/secrets.ts';
import { version } from '../../src/version.ts';

/** The settings at fault. */
function faultsOf(env: Record<string, string>, role?: 'web' | 'worker'): readonly string[] {
  try {
    readConfig(env, role);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ setting }) => setting);
    throw error;
  }
}

const key = 'k'.repeat(32);
const token = 't'.repeat(32);
const smtp = { SMTP_URL: 'smtp://mail.example.com' };
const mongo = { MONGODB_URI: 'mongodb://localhost/gatehouse', GATEHOUSE_KEY: key, GATEHOUSE_OPERATOR_TOKEN: token };

describe('the configuration', () => {
  test('needs nothing at all to run embedded', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      host: undefined,
      port: 3000,
      baseUrl: 'http://localhost:3000',
      key: undefined,
      operatorTokens: [],
      redisUrl: undefined,
      trustProxy: false,
      drainMs: 0,
      logDays: 30,
      allowPrivateNetwork: false,
      returnOrigins: [],
      mail: { url: undefined, from: 'Gatehouse <no-reply@localhost>', openly: true },
      dnsServers: [],
      logLevel: 'info',
      scimRate: { perSecond: 500, burst: 5000 },
      warnings: [],
    });
    expect(config.store).toEqual({ kind: 'sqlite', path: join(process.cwd(), 'data', 'gatehouse.db') });
  });

  test.each(['49', '0', '-1', '50.5', 'many', '99999999'])('never lets an IdP push slower than 50/s: %s', (value) => {
    expect(faultsOf({ GATEHOUSE_SCIM_RATE: value, GATEHOUSE_SCIM_BURST: value })).toEqual([
      'GATEHOUSE_SCIM_RATE',
      'GATEHOUSE_SCIM_BURST',
    ]);
    expect(readConfig({ GATEHOUSE_SCIM_RATE: '50', GATEHOUSE_SCIM_BURST: '60' }).scimRate).toEqual({
      perSecond: 50,
      burst: 60,
    });
  });

  test('keeps organizations off its own network unless told otherwise, and warns of that in production', () => {
    const allow = { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'yes' };
    expect(readConfig(allow)).toMatchObject({ allowPrivateNetwork: true, warnings: [] });
    expect(readConfig({ ...mongo, ...smtp, ...allow }).warnings).toEqual([expect.stringContaining('own network')]);
  });

  test.each([
    ['on a laptop', {}, true, []],
    ['at a plain address', { GATEHOUSE_URL: 'http://gatehouse.test' }, true, []],
    [
      'at an https address',
      { GATEHOUSE_URL: 'https://gatehouse.example.com' },
      false,
      [expect.stringMatching(/^SMTP_URL/)],
    ],
    ['on MongoDB', mongo, false, [expect.stringMatching(/^SMTP_URL/)]],
    ['on MongoDB, with mail', { ...mongo, ...smtp }, false, []],
  ])(
    'without SMTP_URL letters are written openly on a laptop only, and production is warned: %s (OPS-5)',
    (_title, env, openly, warnings) => {
      expect(readConfig(env)).toMatchObject({ mail: { openly }, warnings });
    },
  );

  test('is frozen', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });

  test('takes an empty setting as one that is not there', () => {
    expect(readConfig({ PORT: '', GATEHOUSE_KEY: ' ', MONGODB_URI: '', REDIS_URL: '' })).toEqual(readConfig({}));
  });

  test('reads every setting', () => {
    const config = readConfig({
      ...mongo,
      HOST: '127.0.0.1',
      PORT: '8080',
      GATEHOUSE_URL: 'https://gatehouse.example.com/',
      GATEHOUSE_DATA: '/srv/data',
      GATEHOUSE_OPERATOR_TOKEN: `${token}1, ${token}2`,
      GATEHOUSE_LOG_LEVEL: 'Debug',
      GATEHOUSE_TRUST_PROXY: 'loopback, 10.0.0.0/8',
      GATEHOUSE_DRAIN_SECONDS: '7.5',
      REDIS_URL: 'rediss://redis:6379',
      GATEHOUSE_SCIM_RATE: '100',
      GATEHOUSE_SCIM_BURST: '200',
      GATEHOUSE_LOG_DAYS: '90',
      GATEHOUSE_EVENT_DAYS: '180',
      GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'off',
      GATEHOUSE_RETURN_ORIGINS: 'https://Console.example.com, http://localhost:5173/',
      GATEHOUSE_MAIL_FROM: 'Acme <door@example.com>',
      SMTP_URL: 'smtps://user:secret@mail.example.com:465',
      GATEHOUSE_DNS_SERVERS: '192.0.2.1, 192.0.2.2:5353, [2001:db8::1]:53, 2001:db8::2',
    });
    expect(config).toEqual({
      scimRate: { perSecond: 100, burst: 200 },
      host: '127.0.0.1',
      port: 8080,
      baseUrl: 'https://gatehouse.example.com',
      dataFolder: '/srv/data',
      key,
      operatorTokens: [`${token}1`, `${token}2`],
      store: { kind: 'mongodb', uri: mongo.MONGODB_URI },
      redisUrl: 'rediss://redis:6379',
      trustProxy: 'loopback,10.0.0.0/8',
      drainMs: 7_500,
      logDays: 90,
      eventDays: 180,
      dnsServers: ['192.0.2.1', '192.0.2.2:5353', '[2001:db8::1]:53', '2001:db8::2'],
      allowPrivateNetwork: false,
      returnOrigins: ['https://console.example.com', 'http://localhost:5173'],
      mail: { url: 'smtps://user:secret@mail.example.com:465', from: 'Acme <door@example.com>', openly: false },
      logLevel: 'debug',
      warnings: [],
    });
  });

  test.each([
    ['PORT', '80a'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['GATEHOUSE_LOG_DAYS', '0'],
    ['GATEHOUSE_EVENT_DAYS', '6'],
    ['GATEHOUSE_RETURN_ORIGINS', 'https://console.example.com/path'],
    ['GATEHOUSE_RETURN_ORIGINS', 'https://me@console.example.com'],
    ['GATEHOUSE_RETURN_ORIGINS', 'javascript:alert(1)'],
    ['GATEHOUSE_RETURN_ORIGINS', 'console.example.com'],
    ['GATEHOUSE_RETURN_ORIGINS', '*'],
    ['GATEHOUSE_MAIL_FROM', 'nobody'],
    ['GATEHOUSE_MAIL_FROM', 'A <a@b.example>, C <c@d.example>'],
    ['SMTP_URL', 'https://mail.example.com'],
    ['GATEHOUSE_LOG_DAYS', '3651'],
    ['GATEHOUSE_LOG_DAYS', '1.5'],
    ['GATEHOUSE_LOG_DAYS', 'for ever'],
    ['GATEHOUSE_URL', 'gatehouse.example.com'],
    ['GATEHOUSE_URL', 'ftp://gatehouse.example.com'],
    ['GATEHOUSE_URL', 'https://user:secret@gatehouse.example.com'],
    ['GATEHOUSE_URL', 'https://gatehouse.example.com/?a=b'],
    ['GATEHOUSE_OPERATOR_TOKEN', 'a,b,c'],
    ['GATEHOUSE_OPERATOR_TOKEN', 'a,,b'],
    ['GATEHOUSE_OPERATOR_TOKEN', 'two words'],
    ['GATEHOUSE_DRAIN_SECONDS', '-1'],
    ['GATEHOUSE_DRAIN_SECONDS', '301'],
    ['GATEHOUSE_ALLOW_PRIVATE_NETWORK', 'loopback'],
    ['GATEHOUSE_DNS_SERVERS', 'dns.example.com'],
    ['GATEHOUSE_LOG_LEVEL', 'loud'],
    ['GATEHOUSE_TRUST_PROXY', 'the proxy'],
    ['MONGODB_URI', 'localhost:27017'],
    ['REDIS_URL', 'http://redis'],
  ])('refuses %s=%s', (setting, value) => {
    expect(faultsOf({ ...mongo, [setting]: value })).toEqual([setting]);
  });

  test('reports every fault at once, and repeats no value', () => {
    const env = {
      PORT: 'x',
      GATEHOUSE_LOG_LEVEL: 'loud',
      MONGODB_URI: 'mysql://user:hunter2@db',
      REDIS_URL: 'nonsense',
    };
    expect([...faultsOf(env)].sort()).toEqual([
      'GATEHOUSE_KEY',
      'GATEHOUSE_LOG_LEVEL',
      'GATEHOUSE_OPERATOR_TOKEN',
      'MONGODB_URI',
      'PORT',
      'REDIS_URL',
    ]);
    expect(() => readConfig(env)).toThrow(/MONGODB_URI: must be/);
    expect(() => readConfig(env)).not.toThrow(/hunter2/);
  });

  test('refuses Redis without MongoDB', () => {
    expect(faultsOf({ REDIS_URL: 'redis://localhost' })).toEqual(['MONGODB_URI']);
  });

  test('asks for the key and the operator token with MongoDB, where none can be generated', () => {
    expect(faultsOf({ MONGODB_URI: mongo.MONGODB_URI })).toEqual(['GATEHOUSE_KEY', 'GATEHOUSE_OPERATOR_TOKEN']);
  });

  test('asks of a worker for MongoDB, Redis and the key, and for no operator token', () => {
    expect(faultsOf({}, 'worker')).toEqual(['MONGODB_URI', 'REDIS_URL', 'GATEHOUSE_KEY']);
    const given = {
      MONGODB_URI: mongo.MONGODB_URI,
      REDIS_URL: 'redis://localhost',
      GATEHOUSE_KEY: mongo.GATEHOUSE_KEY,
    };
    expect(faultsOf(given, 'worker')).toEqual([]);
  });

  test.each([
    ['GATEHOUSE_OPERATOR_TOKE', 'did you mean GATEHOUSE_OPERATOR_TOKEN?'],
    ['GATEHOUSE_DATABASE', 'is not a setting'],
    ['MONGO_URI', 'did you mean MONGODB_URI?'],
    ['GATEHOUSE_PORT', 'did you mean PORT?'],
    ['GATEHOUSE_ENTIRELY_DIFFERENT', 'is not a setting'],
  ])('warns of %s, which is no setting', (name, message) => {
    expect(readConfig({ [name]: 'x' }).warnings).toEqual([expect.stringContaining(message)]);
  });

  test('does not mind the settings of other programs', () => {
    expect(readConfig({ PATH: '/bin', NODE_ENV: 'production' }).warnings).toEqual([]);
  });

  test('warns of short secrets', () => {
    const { warnings } = readConfig({ GATEHOUSE_KEY: 'short', GATEHOUSE_OPERATOR_TOKEN: 'short' });
    expect(warnings).toEqual([
      expect.stringMatching(/^GATEHOUSE_KEY is/),
      expect.stringMatching(/^GATEHOUSE_OPERATOR/),
    ]);
  });
});

describe('generated secrets', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  });
  afterEach(async () => {
    await chmod(folder, 0o700);
    await rm(folder, { recursive: true, force: true });
  });
  const load = (env: Record<string, string> = {}) => loadSecrets(readConfig({ GATEHOUSE_DATA: folder, ...env }));

  test('are made once, kept in files that only their owner can read, and found again', async () => {
    const first = await load();
    const [operatorToken] = first.operatorTokens;
    expect(operatorToken).toMatch(/^gho_[0-9a-f]{64}$/);
    expect(first.newOperatorToken).toBe(operatorToken);
    for (const name of ['key', 'operator-token']) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, 'operator-token'), 'utf8')).toBe(`${operatorToken}\n`);
    const second = await load();
    expect(second).toEqual({
      key: first.key,
      operatorTokens: [operatorToken],
      operatorTokenFile: join(folder, 'operator-token'),
    });
  });

  test('are not made where they are configured', async () => {
    const secrets = await load({ GATEHOUSE_KEY: key, GATEHOUSE_OPERATOR_TOKEN: token });
    expect(secrets).toEqual({ key, operatorTokens: [token] });
    await expect(stat(join(folder, 'key'))).rejects.toThrow(/ENOENT/);
  });

  test('are one for processes that start at once', async () => {
    const [one, other] = await Promise.all([load(), load()]);
    expect(one.operatorTokens).toEqual(other.operatorTokens);
    expect(one.key).toBe(other.key);
  });

  test('never replace the key of a database that is there already', async () => {
    await writeFile(join(folder, 'gatehouse.db'), '');
    await expect(load()).rejects.toThrow(ConfigError);
    expect((await load({ GATEHOUSE_KEY: key })).key).toBe(key);
  });

  test('are refused where a file of theirs is empty', async () => {
    await writeFile(join(folder, 'operator-token'), '');
    await expect(load()).rejects.toThrow(/operator-token is empty/);
  });
});

test('the version is the one in package.json', async () => {
  expect(JSON.parse(await readFile('package.json', 'utf8')).version).toBe(version);
});
