import type { TakenJob } from '../src/queue/index.ts';
import { readMetadata, samlOf, settleReading } from '../src/sso/tasks.ts';
import { causeOf, type Stack } from './stack.ts';

/** Reads the metadata of a connection's IdP at its address, and writes what it means. */
export async function refreshMetadataOf(stack: Stack, job: TakenJob<'refresh-metadata'>): Promise<void> {
  const { store } = stack;
  const connection = await store.read.connections.get(job.organizationId, job.payload.connectionId);
  const saml = connection?.protocol === 'saml' ? samlOf(connection) : undefined;
  const reading = saml && (await readMetadata(stack, saml, new Date()));
  await store.transaction(causeOf(job), async (tx) => {
    if (connection && reading) await settleReading(tx, connection, reading);
    await job.done(tx);
  });
}
