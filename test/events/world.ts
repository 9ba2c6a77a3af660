/** Audit events on a real store, and a sequencer that can be ended in the middle of its work. */
import { recordAudit } from '../../src/events/index.ts';
import { type Numbering, numberEvents } from '../../src/events/numbering.ts';
import type { AuditEvent, Store, Transaction } from '../../src/store/index.ts';

export const cause = { actor: 'operator', requestId: 'req-1' };
export const [orgA, orgB] = ['org-a', 'org-b'] as const;

/** Commits one event about each of these targets, in one transaction. */
export function record(store: Store, organizationId: string, ...targets: readonly string[]): Promise<void> {
  return store.transaction(cause, async (tx) => {
    for (const targetId of targets) {
      const facts = { after: { name: targetId, nested: { b: [1, 0.5, null], a: 'é' } } };
      await recordAudit(tx, organizationId, { type: 'test.happened', targetKind: 'person', targetId, ...facts });
    }
  });
}

/** The events that have a number, in its order. */
export function numbered(store: Store, organizationId: string): Promise<readonly AuditEvent[]> {
  return store.read.auditEvents.find(organizationId, { seq: { $exists: true } }, { sort: { seq: 1 } });
}

/** Numbers until nothing is left; with a lease of no length, so that it stands in nobody's way. */
export async function numberAll(store: Store, organizationId: string, numbering: Partial<Numbering> = {}) {
  while ((await numberEvents(store, organizationId, { holder: 'last', leaseMs: 0, batch: 100, ...numbering })) > 0);
}

/** Where a process dies: at its write of this number, with the transaction open, or when it has just committed. */
export type Death = { readonly write: number } | 'committed';

/** The store as a process has it that dies: from then on nothing of it goes through. */
export function mortal(store: Store, death: Death): Store {
  let writes = 0;
  const die = (): never => {
    throw new Error('killed');
  };
  const writing = new Set(['insert', 'insertMany', 'update', 'updateOne', 'updateEach', 'remove', 'lock']);
  const watched = <T extends object>(collection: T): T =>
    new Proxy(collection, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...given: unknown[]) => {
          if (writing.has(String(name)) && death !== 'committed' && writes++ === death.write) die();
          return member.apply(target, given);
        };
      },
    });
  return {
    ...store,
    async transaction(by, work, options) {
      const answer = await store.transaction(
        by,
        (tx) => {
          writes = 0;
          const collections: Transaction = new Proxy(tx, {
            get(target, name) {
              const collection: unknown = Reflect.get(target, name);
              return typeof collection === 'object' && collection !== null && !(collection instanceof Date)
                ? watched(collection)
                : collection;
            },
          });
          return work(collections);
        },
        options,
      );
      return death === 'committed' ? die() : answer;
    },
  };
}
