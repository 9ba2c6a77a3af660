/** A Gatehouse that listens, with an organization that was made over HTTP, for the journeys. */

import { findFreePort } from '../../src/lib/freePort.ts';
import { openPlatform, type Platform } from '../../src/simulator/index.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

export interface Listening {
  readonly gatehouse: TestGatehouse;
  readonly platform: Platform;
}

/** Serves on a free port of the loopback address. `publicUrl` is what it calls itself, where that is not this port. */
export async function openListening({
  publicUrl,
}: {
  readonly publicUrl?: string;
} = {}): Promise<Listening & { readonly url: string }> {
  const port = await findFreePort(0);
  const url = `http://127.0.0.1:${port}`;
  const env = { HOST: '127.0.0.1', PORT: String(port), GATEHOUSE_URL: publicUrl ?? url };
  const loopback = { GATEHOUSE_ALLOW_PRIVATE_NETWORK: 'true' };
  const gatehouse = await openTestGatehouse({ env: { ...env, ...loopback }, rehearse: false });
  await gatehouse.listen();
  return { gatehouse, url, platform: openPlatform(url, gatehouse.operatorToken) };
}
