/**
 * `npm run backup -- <folder>`: an online backup of the embedded store. The folder that it makes is a data folder of its own,
 * complete with the key and the operator's token: restoring is starting Gatehouse on a copy of it.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Config, ConfigError, readConfig } from './config.ts';
import { AppError } from './errors.ts';
import { makeFolder } from './lib/folder.ts';
import { copyDataFile } from './store/sqlite/backup.ts';

/** Why nothing was backed up, for the person who asked for it. */
class Refusal extends Error {}

const secretFiles = ['key', 'operator-token'] as const;

/** Makes the backup, whole or not at all, and answers what to tell of it. Throws Refusal and AppError. */
function backUp(config: Config, target: string): string {
  const { store, dataFolder } = config;
  if (store.kind === 'mongodb') throw new Refusal(mongoAdvice);
  if (!existsSync(store.path))
    throw new Refusal(`There is no data in ${dataFolder} (GATEHOUSE_DATA): ${store.path} is missing.`);
  refuseExisting(target);
  makeFolder(dirname(target));
  const draft = `${target}.${randomBytes(4).toString('hex')}.partial`;
  mkdirSync(draft, { mode: 0o700 });
  try {
    const copy = copyDataFile(store.path, join(draft, 'gatehouse.db'));
    const secrets = secretFiles.filter((name) => existsSync(join(dataFolder, name)));
    for (const name of secrets) copyFileSync(join(dataFolder, name), join(draft, name));
    for (const name of ['gatehouse.db', ...secrets]) {
      chmodSync(join(draft, name), 0o600);
      flush(join(draft, name));
    }
    flush(draft);
    refuseExisting(target);
    renameSync(draft, target);
    flush(dirname(target));
    const megabytes = (statSync(join(target, 'gatehouse.db')).size / 2 ** 20).toFixed(1);
    return [
      `Backed up ${dataFolder} to ${target}`,
      `  gatehouse.db: ${megabytes} MiB, ${copy.rows} rows in ${copy.collections} collections, data version ${copy.version}, integrity checked`,
      ...secrets.map((name) => `  ${name}: readable by its owner only`),
      ...(secrets.includes('key')
        ? []
        : ['  The key is not in the data folder: keep GATEHOUSE_KEY, without it nothing sealed can be read.']),
      'To restore: stop Gatehouse, move its data folder away, and put a copy of this folder in its place.',
    ].join('\n');
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
}

const mongoAdvice = `MONGODB_URI is set: the data is in MongoDB, whose own tools back it up as of one instant, such as
  mongodump --uri "$MONGODB_URI" --oplog --gzip --archive=gatehouse.archive.gz
  mongorestore --uri "$MONGODB_URI" --oplogReplay --gzip --archive=gatehouse.archive.gz
Keep GATEHOUSE_KEY with it: without the key nothing sealed can be read. Redis holds nothing that needs a backup.`;

function refuseExisting(target: string): void {
  if (lstatSync(target, { throwIfNoEntry: false })) throw new Refusal(`${target} is there already: name a new folder.`);
}

/** Makes a file, or a folder's names, survive a loss of power. */
function flush(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

try {
  process.umask(0o077);
  const [target, ...more] = process.argv.slice(2);
  if (target === undefined || more.length > 0) throw new Refusal('Usage: npm run backup -- <folder to make>');
  process.stdout.write(`${backUp(readConfig(), resolve(target))}\n`);
} catch (error) {
  const isSystem = error instanceof Error && 'syscall' in error;
  if (!(error instanceof Refusal || error instanceof ConfigError || error instanceof AppError || isSystem)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
