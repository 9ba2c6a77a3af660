/** The encryption key and the operator's tokens: as configured, or kept in files of the data folder. */
import { randomBytes } from 'node:crypto';
import { access, constants, link, open, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Config, ConfigError } from './config.ts';
import { makeFolder } from './lib/folder.ts';
import { newSecret } from './lib/secrets.ts';

export interface Secrets {
  /** For openSealer. */
  readonly key: string;
  readonly operatorTokens: readonly string[];
  /** The file that holds the operator token, where it was not configured. */
  readonly operatorTokenFile?: string;
  /** The operator token that this call has just made: to be shown once, on a terminal only. */
  readonly newOperatorToken?: string;
}

/**
 * Answers the secrets to run with. What `config` lacks is read from `key` and `operator-token` in the data folder, made
 * at the first start, each readable by its owner only. Throws ConfigError where a database is there but the key that
 * sealed its contents is not: a new key could read nothing of it.
 */
export async function loadSecrets(config: Config): Promise<Secrets> {
  if (config.store.kind === 'sqlite') await prepareFolder(config.dataFolder);
  const key = config.key ?? (await loadKey(config));
  if (config.operatorTokens.length > 0) return { key, operatorTokens: config.operatorTokens };
  const operatorTokenFile = join(config.dataFolder, 'operator-token');
  const token = await readOrCreate(operatorTokenFile, () => newSecret('gho_'));
  return {
    key,
    operatorTokens: [token.text],
    operatorTokenFile,
    ...(token.created && { newOperatorToken: token.text }),
  };
}

async function prepareFolder(path: string): Promise<void> {
  try {
    makeFolder(path);
    await access(path, constants.W_OK);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([{ setting: 'GATEHOUSE_DATA', message: `cannot be used as a data folder: ${why}` }]);
  }
}

async function loadKey(config: Config): Promise<string> {
  const file = join(config.dataFolder, 'key');
  if (config.store.kind === 'sqlite' && !(await exists(file)) && (await exists(config.store.path))) {
    throw new ConfigError([
      {
        setting: 'GATEHOUSE_KEY',
        message: `is required: ${config.store.path} was made with a key that is no longer in ${file}`,
      },
    ]);
  }
  return (await readOrCreate(file, () => randomBytes(32).toString('hex'))).text;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The file's text, or what `make` answers, put there first: whole, and by one of several processes that start at once. */
async function readOrCreate(path: string, make: () => string): Promise<{ text: string; created: boolean }> {
  if (!(await exists(path))) {
    const text = make();
    if (await putWhole(path, text)) return { text, created: true };
  }
  const kept = (await readFile(path, 'utf8')).trim();
  if (kept === '') throw new ConfigError([{ setting: 'GATEHOUSE_DATA', message: `${path} is empty` }]);
  return { text: kept, created: false };
}

/** Whether the file is ours: false where another process has been faster. */
async function putWhole(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    await link(draft, path);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (await exists(path)) return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}

/** What is sealed with a key must not outlive the key's own name in the folder. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
