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
import {
  connectSamlIdp,
  createTenant,
  makePopulation,
  makeSamlKey,
  openOktaIdp,
  openPlatform,
  openSamlIdpServer,
  type Platform,
  type SamlIdpServer,
  samlVendors,
} from './simulator/index.ts';

const dataFolder = 'data/dev';
const seedFile = join(dataFolder, 'seed.json');
const serve = '--serve';

/** What the seeding made, kept beside the data because the secret of a token is shown once only. */
const seed = z.object({
  organizationId: z.string(),
  projectId: z.string(),
  directoryId: z.string(),
  scimToken: z.string(),
  idp: z.object({ port: z.number(), certificate: z.string(), privateKey: z.string() }),
  connectionId: z.string(),
});

type Seed = z.output<typeof seed>;

async function readSeed(): Promise<Seed | undefined> {
  try {
    return seed.parse(JSON.parse(await readFile(seedFile, 'utf8')));
  } catch {
    return undefined;
  }
}

const domain = 'acme.example';
/** The same ones at every start. */
const somePeople = () => makePopulation({ seed: 1, count: 8, domain });

/** The IdP of the seeded organization, at which the same people sign in: to any connection that is made with it. */
function openIdp({ port, ...key }: Seed['idp'], gatehouse: string): Promise<SamlIdpServer> {
  const people = somePeople().map(({ email, givenName, familyName }) => ({
    id: email,
    email,
    givenName,
    familyName,
    groups: [],
  }));
  return openSamlIdpServer({ vendor: samlVendors.okta, keys: [key], people, port, gatehouse });
}

/** An organization with a directory, a mapped group, a project, a few people, and an IdP, all through the public API. */
async function plant(platform: Platform, idp: Seed['idp'], server: SamlIdpServer): Promise<Seed> {
  const tenant = await createTenant(platform, 'Acme', { email: `olivia@${domain}`, name: 'Olivia Okafor' });
  await tenant.addDomain(domain);
  const project = await tenant.addProject('production');
  const endpoint = await tenant.addDirectory('Okta');
  const okta = openOktaIdp(endpoint);
  const people = okta.hire(somePeople());
  await okta.assign(people);
  const members = people.slice(0, 3).map(({ id }) => id);
  const group = await okta.pushGroup('gpu-production-admins', members);
  await tenant.map(okta.scimId(group.id), project, 'admin');
  const planted = {
    organizationId: tenant.id,
    projectId: project.id,
    directoryId: endpoint.directoryId,
    scimToken: endpoint.token,
    idp,
    connectionId: await connectSamlIdp(platform, tenant.id, server),
  };
  await writeFile(seedFile, `${JSON.stringify(planted, undefined, 2)}\n`, { mode: 0o600 });
  return planted;
}

/** The settings of the environment, but for those that would lead to other data than the seeded. */
function ownSettings(): NodeJS.ProcessEnv {
  const { MONGODB_URI, REDIS_URL, GATEHOUSE_KEY, GATEHOUSE_OPERATOR_TOKEN, ...own } = process.env;
  return own;
}

async function runServer(): Promise<void> {
  const seeded = await readSeed();
  if (!seeded) await rm(dataFolder, { recursive: true, force: true });
  const config = readConfig({
    PORT: String(await findFreePort(3000)),
    // The simulated IdP is on this machine.
    GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true',
    ...ownSettings(),
    // Every letter can be read at /dev/mail, and whoever reads the Owner's signs in as the Owner.
    HOST: '127.0.0.1',
    GATEHOUSE_DATA: dataFolder,
  });
  const gatehouse = await openGatehouse(config, { showMail: true });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void gatehouse.close().then(() => process.exit(0)));
  }
  await gatehouse.listen();
  const [operatorToken = ''] = gatehouse.secrets.operatorTokens;
  const platform = openPlatform(config.baseUrl, operatorToken);
  const idp = seeded?.idp ?? { port: await findFreePort(4000), ...(await makeSamlKey('Simulated IdP')) };
  const server = await openIdp(idp, config.baseUrl).catch((error: unknown) => {
    throw new Error(`port ${idp.port} is the simulated IdP's: free it, or delete ${dataFolder} to start anew`, {
      cause: error,
    });
  });
  const { organizationId, projectId, directoryId, scimToken, connectionId } =
    seeded ?? (await plant(platform, idp, server));
  process.stdout.write(`
  Gatehouse       ${config.baseUrl}/docs
  operator token  ${operatorToken}
  organization    ${organizationId}   project ${projectId}
  SCIM base URL   ${config.baseUrl}/scim/v2/${directoryId}
  SCIM token      ${scimToken}
  sign in         ${config.baseUrl}/sso/start?connection=${connectionId}   (simulated Okta: choose anybody)
  your own try    POST …/organizations/${organizationId}/connections {"name":"Okta","preset":"okta","saml":{"metadataUrl":"${server.metadataUrl}"}}
  sign in by mail ${config.baseUrl}/sign-in   letters: ${config.baseUrl}/dev/mail

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
