/** `npm run demo`: Gatehouse on a temporary embedded store, and two simulated IdPs that push to it, told step by step. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from './config.ts';
import { type Gatehouse, openGatehouse } from './gatehouse.ts';
import { findFreePort } from './lib/freePort.ts';
import { silentLogger } from './lib/logger.ts';
import { openPlatform, type Platform } from './simulator/index.ts';
import { openTerminal, playStory, type Scene, type SignInPages, type Terminal } from './simulator/story/index.ts';

interface Demo {
  readonly gatehouse: Gatehouse;
  readonly platform: Platform;
  readonly operatorToken: string;
  /** Ends the server and removes its data. */
  close(): Promise<void>;
}

async function openDemo(): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-demo-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    return await serve(folder, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Serves on port 3000, or on another one where that is taken, if only since a moment ago. */
async function serve(folder: string, remove: () => Promise<void>, preferred = 3000): Promise<Demo> {
  const config = readConfig({
    // Every letter can be read at /dev/mail, and whoever reads the Owner's signs in as the Owner.
    HOST: '127.0.0.1',
    PORT: String(await findFreePort(preferred)),
    GATEHOUSE_DATA: folder,
    // The simulated IdPs are on this machine.
    GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true',
  });
  const gatehouse = await openGatehouse(config, { logger: silentLogger, showMail: true });
  try {
    await gatehouse.listen();
  } catch (error) {
    await gatehouse.close();
    if (preferred === 0 || !(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    return serve(folder, remove, 0);
  }
  const [operatorToken = ''] = gatehouse.secrets.operatorTokens;
  return {
    gatehouse,
    operatorToken,
    platform: openPlatform(config.baseUrl, operatorToken),
    close: () => gatehouse.close().finally(remove),
  };
}

/** What there is to try once the story is told. */
function invite(
  terminal: Terminal,
  { platform, operatorToken }: Demo,
  { tenant, projects, endpoints }: Scene,
  { links }: SignInPages,
): void {
  const { line, bold, dim } = terminal;
  const { baseUrl } = platform;
  const home = `${baseUrl}/api/v1/organizations/${tenant.id}`;
  const ask = JSON.stringify({
    subject: { type: 'user', id: 'chen.wei@northwind.example' },
    action: { name: 'cluster.create' },
    resource: projects.production,
  });
  line(bold('\nGatehouse stays up; try it:\n'));
  line(`  API        ${baseUrl}/docs   ${dim('(OpenAPI: /openapi.json)')}`);
  line(`  Okta       ${endpoints.okta.baseUrl}`);
  line(`  Entra ID   ${endpoints.entra.baseUrl}`);
  line(dim('\n  # sign in with a browser, as anybody; letters with links are at /dev/mail'));
  for (const { title, url } of links) line(`  ${title.padEnd(30)} ${url}`);
  line(dim('\n  # the operator, and the token that Okta was given'));
  line(`  OPERATOR=${operatorToken}`);
  line(`  OKTA=${endpoints.okta.token}`);
  line(dim('\n  # may Chen create clusters on production, and why?'));
  line(
    `  curl -s ${baseUrl}/access/v1/evaluation \\\n    -H "Authorization: Bearer $OPERATOR" -H 'Content-Type: application/json' \\\n    -d '${ask}'`,
  );
  line(dim('\n  # everybody on production, with every source of the access'));
  line(
    `  curl -s -H "Authorization: Bearer $OPERATOR" \\\n    ${baseUrl}/api/v1/projects/${projects.production.id}/collaborators`,
  );
  line(dim('\n  # what was refused to the IdPs, and why'));
  line(`  curl -s -H "Authorization: Bearer $OPERATOR" \\\n    '${home}/provisioning-log?outcome=refused'`);
  line(dim('\n  # be Okta: look somebody up'));
  line(
    `  curl -s -G -H "Authorization: Bearer $OKTA" \\\n    ${endpoints.okta.baseUrl}/Users \\\n    --data-urlencode 'filter=userName eq "alice.ng@northwind.example"'`,
  );
  line(dim('\n  (Answers end without a line feed.) Ctrl-C ends it and removes its data.'));
}

/** Tells the story; answers the process's exit code. */
async function tell(terminal: Terminal, demo: Demo, stay: boolean): Promise<number> {
  const begun = performance.now();
  const { scene, pages } = await playStory(terminal, demo.platform);
  const { met, failed } = terminal.tally;
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  terminal.line();
  if (failed.length === 0) terminal.line(terminal.bold(`All ${met} expectations held, in ${seconds} s.`));
  else {
    terminal.line(terminal.bold(`${failed.length} of ${met + failed.length} expectations failed, in ${seconds} s:`));
    for (const promise of failed) terminal.line(`   ✗ ${promise}`);
  }
  if (stay) invite(terminal, demo, scene, pages);
  else await pages.close();
  return failed.length === 0 ? 0 : 1;
}

const unknown = process.argv.slice(2).filter((argument) => argument !== '--once');
if (unknown.length > 0) {
  process.stderr.write(`The demo knows --once only, not ${unknown.join(' ')}\n`);
  process.exit(2);
}
const stay = !process.argv.includes('--once');
const terminal = openTerminal(process.stdout);
terminal.line(terminal.bold('Gatehouse: an IdP’s push becomes roles that a permission check sees'));
const demo = await openDemo();

let leaving = false;
async function leave(code: number): Promise<never> {
  leaving = true;
  await demo.close();
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (leaving) process.exit(1);
    terminal.line();
    // Once the story is told, Ctrl-C is how it is meant to end.
    void leave(told ? 0 : 130);
  });
}

let told = false;
const code = await tell(terminal, demo, stay).catch((error: unknown) => {
  if (!leaving)
    process.stderr.write(`\nThe story broke off: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
});
told = code === 0;
if (!leaving && (!stay || code !== 0)) await leave(code);
