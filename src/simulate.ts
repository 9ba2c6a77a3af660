/**
 * `npm run simulate -- push|saml|oidc`: one simulated IdP against any Gatehouse, for an admin's own check of a set-up
 * (DEV-1). `push` sends people and a group to a directory as Okta or Entra ID would; `saml` and `oidc` sign the same
 * people in with a browser, at an IdP on this machine. Everything that can be set is in `usage`.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import {
  describeOidcConnection,
  makePopulation,
  makeSamlKey,
  openEntraIdp,
  openOidcIdp,
  openOktaIdp,
  openSamlIdpServer,
  type Profile,
  type SamlKey,
  samlVendors,
  simulatedClient,
} from './simulator/index.ts';

const usage = `npm run simulate -- push --url=<SCIM base URL> --token=<token> [--as=okta|entra]
npm run simulate -- saml [--as=${Object.keys(samlVendors).join('|')}] [--gatehouse=http://localhost:3000] [--port=4000]
npm run simulate -- oidc [--as=okta|entra|google] [--redirect-uri=<forIdp.redirectUri>] [--port=4000]
  The people: [--people=8] [--domain=acme.example] [--group=engineers]`;

const common = {
  people: z.coerce.number().int().min(1).max(100_000).default(8),
  domain: z.hostname().default('acme.example'),
  group: z.string().min(1).default('engineers'),
};
const port = z.coerce.number().int().min(0).max(65_535).default(4000);
const commands = z.discriminatedUnion('command', [
  z.strictObject({
    ...common,
    command: z.literal('push'),
    as: z.enum(['okta', 'entra']).default('okta'),
    url: z.url(),
    token: z.string().min(1),
  }),
  z.strictObject({
    ...common,
    command: z.literal('saml'),
    as: z.enum(Object.keys(samlVendors) as [keyof typeof samlVendors]).default('okta'),
    gatehouse: z.url().default('http://localhost:3000'),
    port,
  }),
  z.strictObject({
    ...common,
    command: z.literal('oidc'),
    as: z.enum(['okta', 'entra', 'google']).default('okta'),
    'redirect-uri': z.url().optional(),
    port,
  }),
]);

type Command = z.output<typeof commands>;
type CommandOf<Name extends Command['command']> = Extract<Command, { command: Name }>;

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

/** The same ones at each run, so that those who were pushed are those who sign in. */
const profilesOf = ({ people, domain }: Command): readonly Profile[] =>
  makePopulation({ seed: 1, count: people, domain });

const signingIn = (command: Command) =>
  profilesOf(command).map(({ email, givenName, familyName }) => ({
    id: email,
    email,
    givenName,
    familyName,
    groups: [command.group],
  }));

async function push(command: CommandOf<'push'>): Promise<void> {
  const open = command.as === 'okta' ? openOktaIdp : openEntraIdp;
  const idp = open({
    baseUrl: command.url,
    token: command.token,
    onExchange: ({ method, path, status, durationMs }) =>
      say(`${method.padEnd(6)} ${decodeURIComponent(path)} → ${status}, ${durationMs.toFixed(0)} ms`),
  });
  const people = idp.hire(profilesOf(command));
  await idp.assign(people);
  const group = await idp.pushGroup(
    command.group,
    people.map(({ id }) => id),
  );
  say(
    `\n${people.length} people are there, and the group "${group.name}" is ${idp.scimId(group.id)}: map it to a role.`,
  );
}

const keptKey = z.object({ certificate: z.string(), privateKey: z.string() });

/** The same key at each start, so that a connection stays good. */
async function keyOf(vendor: string): Promise<SamlKey> {
  const file = join('data', 'simulator', `${vendor}.json`);
  try {
    return keptKey.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    const key = await makeSamlKey(`Simulated ${vendor}`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(key), { mode: 0o600 });
    return key;
  }
}

async function saml(command: CommandOf<'saml'>): Promise<void> {
  const vendor = samlVendors[command.as];
  const server = await openSamlIdpServer({
    vendor,
    keys: [await keyOf(command.as)],
    people: signingIn(command),
    port: command.port,
    gatehouse: command.gatehouse.replace(/\/+$/, ''),
  });
  const body = { name: vendor.title, preset: vendor.preset, saml: { metadataUrl: server.metadataUrl } };
  say(`${vendor.title} (simulated) signs in to the connections of ${command.gatehouse}. Connect it with`);
  say(`  POST …/connections  ${JSON.stringify(body)}`);
  say('on a server that runs with GATEHOUSE_ALLOW_PRIVATE_NETWORK=true; nothing is to be entered here.');
}

async function oidc(command: CommandOf<'oidc'>): Promise<void> {
  const idp = await openOidcIdp({ vendor: command.as, people: signingIn(command), port: command.port });
  say(`${idp.vendor.title} (simulated). Connect it with`);
  say(`  POST …/connections  ${JSON.stringify(describeOidcConnection(idp))}`);
  say(
    'on a server that runs with GATEHOUSE_ALLOW_PRIVATE_NETWORK=true, and enter `forIdp.redirectUri` of the answer here:',
  );
  const register = (redirectUri: string) => idp.register({ ...simulatedClient, redirectUri });
  if (command['redirect-uri'] !== undefined) register(command['redirect-uri']);
  for await (const line of createInterface({ input: process.stdin })) {
    const redirectUri = z.url().safeParse(line.trim());
    if (redirectUri.success) register(redirectUri.data);
    say(redirectUri.success ? 'registered: people can sign in now' : 'this is no address; once more:');
  }
}

function read(): Command {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: Object.fromEntries(
      ['as', 'url', 'token', 'gatehouse', 'redirect-uri', 'port', 'people', 'domain', 'group'].map((name) => [
        name,
        { type: 'string' },
      ]),
    ),
  });
  const [command] = positionals;
  if (command === undefined) throw new Error('Say what is to be simulated:');
  return commands.parse({ ...values, command });
}

async function run(command: Command): Promise<void> {
  switch (command.command) {
    case 'push':
      return push(command);
    case 'saml':
      return saml(command);
    case 'oidc':
      return oidc(command);
  }
}

/** What an error says, and what it says of its cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

let command: Command;
try {
  command = read();
} catch (error) {
  const reason = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
  process.stderr.write(`${reason}\n\n${usage}\n`);
  process.exit(2);
}
try {
  await run(command);
} catch (error) {
  const unreachable = error instanceof TypeError && command.command === 'push' && `${command.url} cannot be reached: `;
  process.stderr.write(`\n${unreachable || ''}${messageOf(error)}\n`);
  process.exitCode = 1;
}
