/** The encryption key and the operator's tokens: as configured, or kept in files of the data folder. */
import { randomBytes } from 'node:crypto';
import { access, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, ConfigError } from './config.ts';
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
  if (config.store.kind === 'sqlite') await mkdir(config.dataFolder, { recursive: true, mode: 0o700 });
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

/** The file's text, or what `make` answers, written there first; of two processes that start at once, one writes. */
async function readOrCreate(path: string, make: () => string): Promise<{ text: string; created: boolean }> {
  const text = make();
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${text}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return { text, created: true };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const kept = (await readFile(path, 'utf8')).trim();
  if (kept === '') throw new ConfigError([{ setting: 'GATEHOUSE_DATA', message: `${path} is empty` }]);
  return { text: kept, created: false };
}
