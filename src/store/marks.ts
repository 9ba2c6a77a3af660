import { rowsByName } from './byName.ts';
import type { CheckedChange } from './checker.ts';
import type { CollectionDefinition, Protection } from './define.ts';
import { type CollectionName, PLATFORM, ProtectedRowError, type Scope, type Transaction } from './store.ts';

/** Any collection, asked for its marked row. */
interface Marked {
  findOne(scope: Scope, filter: Protection['when']): Promise<unknown>;
}

/**
 * The marks of protected rows (define.ts, Protection) that one run of a transaction moves. A mark may leave its row only
 * for another row of the same organization (OWN-4): between the two writes nobody has it, which is no harm as long as
 * somebody has it again when the body ends.
 */
export class MarkMoves {
  readonly #moved = new Map<string, { readonly definition: CollectionDefinition; readonly organizationId: string }>();

  /** Told of every change before it is written. Throws ProtectedRowError for a mark moved across organizations at once. */
  note(definition: CollectionDefinition, scope: Scope, change: CheckedChange): void {
    const { protection, name } = definition;
    if (protection === undefined) return;
    if (!Object.keys(protection.when).some((field) => field in change.set || change.unset.includes(field))) return;
    if (scope === PLATFORM) throw new ProtectedRowError(name);
    this.#moved.set(`${name} ${scope}`, { definition, organizationId: scope });
  }

  /** Throws ProtectedRowError where an organization that still exists would be left without its mark. */
  async refuseLost(tx: Transaction): Promise<void> {
    for (const { definition, organizationId } of this.#moved.values()) {
      const rows = rowsByName<Marked>(tx, definition.name as CollectionName);
      if (await rows.findOne(organizationId, { ...definition.protection?.when })) continue;
      if (await tx.organizations.get(organizationId, organizationId)) throw new ProtectedRowError(definition.name);
    }
  }
}
