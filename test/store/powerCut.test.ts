/**
 * What a power cut leaves: of the log, what had been flushed. A process of its own writes and reads, with the system's flush
 * wrapped on every thread: whenever one has ended, what the log held when it began is kept as what the disk has.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { buildProcesses, built } from '../support/processes.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-power-'));
  await buildProcesses();
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/** Wraps the flush: a copy of the files as they were when one began that has succeeded, and slow enough for others to overtake it. */
const watch = (path: string, disk: string): string => `
  const fs = require('node:fs');
  const flush = fs.fdatasyncSync;
  let number = 0;
  fs.fdatasyncSync = (file) => {
    const [seen, log] = [fs.fstatSync(file), fs.statSync(${JSON.stringify(`${path}-wal`)})];
    if (seen.ino !== log.ino) throw new Error('that is not the log');
    const copy = ${JSON.stringify(disk)} + '/' + process.pid + '-' + number++;
    fs.copyFileSync(${JSON.stringify(path)}, copy);
    fs.copyFileSync(${JSON.stringify(`${path}-wal`)}, copy + '-wal');
    flush(file);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    fs.writeFileSync(copy + '.name', copy);
    fs.renameSync(copy + '.name', ${JSON.stringify(`${disk}/current`)});
  };`;

/** Writes and reads at once; of each row that it is told of, by an answer or a read, it looks whether the disk has it. */
const work = (path: string, disk: string): string => `
  import fs from 'node:fs';
  import { createRequire } from 'node:module';
  const { DatabaseSync } = createRequire(${JSON.stringify(join(root, 'package.json'))})('@photostructure/sqlite');
  const { openSqliteStore } = await import(${JSON.stringify(pathToFileURL(join(root, built, 'src/store/sqlite/index.js')).href)});
  const store = await openSqliteStore({ path: ${JSON.stringify(path)} });
  const cause = { actor: 'test', requestId: 'req' };
  const lost = [];
  let told = 0;
  let looks = 0;
  let count = 0;
  function look(how, ids) {
    told += ids.length;
    const name = fs.readFileSync(${JSON.stringify(`${disk}/current`)}, 'utf8');
    const copy = name + '.look' + looks++;
    fs.copyFileSync(name, copy);
    fs.copyFileSync(name + '-wal', copy + '-wal');
    const file = new DatabaseSync(copy);
    const known = new Set(file.prepare('SELECT _id FROM outbox').all().map((row) => row._id));
    file.close();
    for (const id of ids) if (!known.has(id)) lost.push(how + ' ' + id);
  }
  const insert = async () => {
    const _id = 'job-' + String(count++).padStart(6, '0');
    const job = { _id, organizationId: 'org', job: 'test', payload: {}, state: 'parked', dueAt: new Date(), attempts: 0 };
    await store.transaction(cause, (tx) => tx.outbox.insert('org', job));
    look('answered', [_id]);
  };
  await insert();
  for (let round = 0; round < 15; round += 1) {
    await Promise.all([
      insert(),
      insert(),
      new Promise(setImmediate).then(insert),
      new Promise((resolve) => setTimeout(resolve, 3)).then(insert),
      new Promise((resolve) => setTimeout(resolve, 4)).then(async () => {
        look('read', (await store.read.outbox.find('org', {})).map((row) => row._id));
      }),
      new Promise((resolve) => setTimeout(resolve, 2)).then(async () => {
        const seen = await store.transaction(cause, (tx) => tx.outbox.find('org', {}));
        look('read in a transaction', seen.map((row) => row._id));
      }),
    ]);
  }
  await store.close();
  process.stdout.write(JSON.stringify({ told, lost }));
  process.exit(0);`;

test('a power cut takes back nothing that anybody was told: no acknowledged write, and nothing that was read (OPS-2)', async () => {
  const path = join(folder, 'gatehouse.db');
  const [preload, script] = [join(folder, 'watch.cjs'), join(folder, 'work.mjs')];
  await writeFile(preload, watch(path, folder));
  await writeFile(script, work(path, folder));
  const child = spawn(process.execPath, ['--require', preload, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  const { told, lost } = JSON.parse(said) as { readonly told: number; readonly lost: readonly string[] };
  expect(told).toBeGreaterThan(500);
  expect(lost).toEqual([]);
}, 120_000);
