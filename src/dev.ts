/**
 * `npm run dev`: an embedded, seeded Gatehouse that is built and started again whenever a source file changes.
 * Its data stays in data/dev, so that ids and the SCIM token are the same after each restart; delete it to start anew.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readConfig } from './config.ts';
import { openGatehouse } from './gatehouse.ts';
import { findFreePort } from './lib/freePort.ts';
import { createTenant, makePopulation, openOktaIdp, openPlatform, type Platform } from './simulator/index.ts';

const dataFolder = 'data/dev';
const seedFile = join(dataFolder, 'seed.json');
const serve = '--serve';

/** What the seeding made, kept beside the data because the secret of a token is shown once only. */
const seed = z.object({
  organizationId: z.string(),
  projectId: z.string(),
  directoryId: z.string(),
  scimToken: z.string(),
});

type Seed = z.output<typeof seed>;

async function readSeed(): Promise<Seed | undefined> {
  try {
    return seed.parse(JSON.parse(await readFile(seedFile, 'utf8')));
  } catch {
    return undefined;
  }
}

/** An organization with a directory, a mapped group, a project and a few people, all through the public API. */
async function plant(platform: Platform): Promise<Seed> {
  const domain = 'acme.example';
  const tenant = await createTenant(platform, 'Acme', { email: `olivia@${domain}`, name: 'Olivia Okafor' });
  await tenant.addDomain(domain);
  const project = await tenant.addProject('production');
  const endpoint = await tenant.addDirectory('Okta');
  const okta = openOktaIdp(endpoint);
  const people = okta.hire(makePopulation({ seed: 1, count: 8, domain }));
  await okta.assign(people);
  const members = people.slice(0, 3).map(({ id }) => id);
  const group = await okta.pushGroup('gpu-production-admins', members);
  await tenant.map(okta.scimId(group.id), project, 'admin');
  const planted = {
    organizationId: tenant.id,
    projectId: project.id,
    directoryId: endpoint.directoryId,
    scimToken: endpoint.token,
  };
  await writeFile(seedFile, `${JSON.stringify(planted, undefined, 2)}\n`, { mode: 0o600 });
  return planted;
}

async function runServer(): Promise<void> {
  const seeded = await readSeed();
  if (!seeded) await rm(dataFolder, { recursive: true, force: true });
  const config = readConfig({ PORT: String(await findFreePort(3000)), GATEHOUSE_DATA: dataFolder });
  const gatehouse = await openGatehouse(config);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void gatehouse.close().then(() => process.exit(0)));
  }
  await gatehouse.listen();
  const [operatorToken = ''] = gatehouse.secrets.operatorTokens;
  const { organizationId, projectId, directoryId, scimToken } =
    seeded ?? (await plant(openPlatform(config.baseUrl, operatorToken)));
  process.stdout.write(`
  Gatehouse       ${config.baseUrl}/docs
  operator token  ${operatorToken}
  organization    ${organizationId}   project ${projectId}
  SCIM base URL   ${config.baseUrl}/scim/v2/${directoryId}
  SCIM token      ${scimToken}

`);
}

/** Builds on each change and lets Node start the server again when what was built has changed. */
async function runWatchers(): Promise<void> {
  const own = fileURLToPath(import.meta.url);
  const compiler = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
  // Each in a process group of its own, ended as a whole: the compiler is a script that starts a program.
  const start = (...args: readonly string[]): ChildProcess =>
    spawn(process.execPath, args, { stdio: 'inherit', detached: true });
  const children = [
    start(compiler, '-p', 'tsconfig.json', '--watch', '--preserveWatchOutput'),
    start('--watch', '--watch-preserve-output', own, serve),
  ];
  const stop = () => {
    for (const { pid, exitCode } of children) if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  await Promise.race(children.map((child) => once(child, 'exit')));
  stop();
}

await (process.argv.includes(serve) ? runServer() : runWatchers());
