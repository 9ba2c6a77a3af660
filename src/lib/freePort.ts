import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** `preferred` where nobody listens on it, else any free port; 0 prefers none. */
export async function findFreePort(preferred: number): Promise<number> {
  // From 32768 on, operating systems give ports to connections that go out: one of those could have it before it is listened on.
  const others = Array.from({ length: 20 }, () => randomInt(20_000, 32_768));
  for (const port of [...(preferred === 0 ? [] : [preferred]), ...others, 0]) {
    const probe = createServer();
    try {
      probe.listen(port);
      await once(probe, 'listening');
      const address = probe.address();
      if (typeof address === 'object' && address !== null) return address.port;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    } finally {
      if (probe.listening) await new Promise((resolve) => probe.close(resolve));
    }
  }
  throw new Error('there is no free port');
}
