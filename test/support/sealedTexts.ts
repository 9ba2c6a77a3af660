/** Where sealed texts stand in a store, by looking at all of it: whatever the schemas say of themselves (OPS-4). */
import type { Sealer } from '../../src/lib/secrets.ts';
import { type CollectionName, PLATFORM, type Store } from '../../src/store/index.ts';

/** All there are. Whoever seals something new marks it in its schema, and names it here. */
export const sealedPlaces = [
  'apiKeys.sealed',
  'connectionKeys.privateKey',
  'connections.oidc.clientSecret',
  'idpSessions.idToken',
  'keyChecks.sealed',
  'signInAttempts.secrets',
  'webhooks.formerSecret',
  'webhooks.secret',
];

/** Every text anywhere in the store that is sealed with this sealer's present key, with where it stands. */
export async function opened(store: Pick<Store, 'read'>, sealer: Sealer): Promise<string[]> {
  const found: string[] = [];
  const look = (at: string, value: unknown): void => {
    if (typeof value === 'string' && value.startsWith('v1.') && sealer.isCurrent(value)) found.push(at);
    if (typeof value !== 'object' || value === null || value instanceof Date) return;
    for (const [name, item] of Object.entries(value)) look(`${at}.${name}`, item);
  };
  for (const name of Object.keys(store.read) as CollectionName[]) {
    for await (const row of store.read[name].stream(PLATFORM, {})) look(name, row);
  }
  return [...new Set(found)].sort();
}
