import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestPlace, type TestPlace, testEngine } from '../support/engines.ts';
import { buildProcesses, type RunningWeb, startWeb } from '../support/processes.ts';
import { killWhileSending } from './killing.ts';

let place: TestPlace;
let web: RunningWeb;
const operatorToken = 'operator-token-of-the-killed-sender';

async function start(): Promise<void> {
  const env = { GATEHOUSE_KEY: 'key-of-the-killed-sender-0123456789', GATEHOUSE_OPERATOR_TOKEN: operatorToken };
  web = await startWeb({ ...place.env, ...env, GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' });
}

beforeAll(async () => {
  await buildProcesses();
  place = await openTestPlace();
  await start();
}, 180_000);

afterAll(() => web?.kill());

test(`on ${testEngine}, a process killed between sending and writing it down sends again under the same webhook-id (EVT-1, OPS-2)`, async () => {
  await killWhileSending({ url: () => web.url, operatorToken, kill: () => web.kill(), start });
  expect(web.output).not.toContain('whsec_');
}, 240_000);
