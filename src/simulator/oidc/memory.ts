/** What an OpenID provider of the simulator remembers: everything of one provider, for as long as it runs (oidc-provider's Adapter). */
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

export function openMemory(): AdapterFactory {
  const rows = new Map<string, AdapterPayload>();
  return (model: string): Adapter => {
    const key = (id: string): string => `${model} ${id}`;
    return {
      upsert: async (id, payload) => void rows.set(key(id), payload),
      find: async (id) => rows.get(key(id)),
      findByUid: async (uid) => [...rows].find(([name, row]) => name.startsWith(`${model} `) && row.uid === uid)?.[1],
      findByUserCode: async () => undefined,
      destroy: async (id) => void rows.delete(key(id)),
      async consume(id) {
        const row = rows.get(key(id));
        if (row) row.consumed = Math.floor(Date.now() / 1000);
      },
      async revokeByGrantId(grantId) {
        for (const [name, row] of rows) if (row.grantId === grantId) rows.delete(name);
      },
    };
  };
}
