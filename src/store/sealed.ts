/** What is sealed, as the schemas mark it (`sealed`), and how it comes under another key (OPS-4). */

import type { Sealer } from '../lib/secrets.ts';
import { rowsByName } from './byName.ts';
import type { CollectionDefinition } from './define.ts';
import { type CollectionName, collections } from './schemas/index.ts';
import { type Cause, PLATFORM, type ReadStore, type Scope, type Store, type Transaction } from './store.ts';

/** One sealed text of the rows of a collection; `within` a field of free-form data, where it is not the field itself. */
interface Place {
  readonly collection: CollectionName;
  readonly field: string;
  readonly within?: string;
}

/** `sealed: true` on a text, `sealed: ['name', …]` on free-form data that holds such texts. */
function placesOf(collection: CollectionName, { schema }: CollectionDefinition): readonly Place[] {
  const places: Place[] = [];
  schema.eachPath((field, { options }) => {
    const marked: unknown = options.sealed;
    if (marked === true) places.push({ collection, field });
    if (Array.isArray(marked)) for (const within of marked) places.push({ collection, field, within: String(within) });
  });
  return places;
}

const places = (Object.keys(collections) as CollectionName[]).flatMap((name) => placesOf(name, collections[name]));

interface AnyRow {
  readonly _id: string;
  readonly organizationId?: string;
  readonly [field: string]: unknown;
}

/** The part of a collection that is used here, the same for all of them. */
interface Rows {
  stream(scope: Scope, filter: object): AsyncIterable<AnyRow>;
  get(scope: Scope, id: string): Promise<AnyRow | undefined>;
  updateOne(scope: Scope, filter: object, change: { readonly $set: object }): Promise<unknown>;
}

function textAt(row: AnyRow, { field, within }: Place): string | undefined {
  const value = row[field];
  const text = within === undefined ? value : (value as Readonly<Record<string, unknown>> | undefined)?.[within];
  return typeof text === 'string' ? text : undefined;
}

/** Rows with a text in this place that a former key opens; what no key opens is lost whatever keys there are. */
async function* findFormer(reads: ReadStore, sealer: Sealer, place: Place): AsyncGenerator<AnyRow> {
  const { collection, field, within } = place;
  const present = { [within === undefined ? field : `${field}.${within}`]: { $exists: true } };
  for await (const row of rowsByName<Rows>(reads, collection).stream(PLATFORM, present)) {
    const text = textAt(row, place);
    if (text !== undefined && !sealer.isCurrent(text) && openOrLeave(sealer, text) !== undefined) yield row;
  }
}

/** How many texts are still sealed with a former key. */
export async function countFormerlySealed(reads: ReadStore, sealer: Sealer): Promise<number> {
  let count = 0;
  for (const place of places) for await (const _ of findFormer(reads, sealer, place)) count += 1;
  return count;
}

/** How many rows one transaction changes. */
const batch = 100;

/**
 * Seals with the present key what a former one has sealed. Answers how many texts. It may be run again, and by several
 * processes: each row is read anew where it is changed.
 */
export async function reseal(store: Store, cause: Cause, sealer: Sealer, goOn: () => boolean): Promise<number> {
  let resealed = 0;
  for (const place of places) {
    let found: AnyRow[] = [];
    const write = async (): Promise<void> => {
      const rows = found;
      found = [];
      if (rows.length > 0) resealed += await store.transaction(cause, (tx) => resealRows(tx, sealer, place, rows));
    };
    for await (const row of findFormer(store.read, sealer, place)) {
      if (!goOn()) return resealed;
      if (found.push(row) === batch) await write();
    }
    await write();
  }
  return resealed;
}

async function resealRows(tx: Transaction, sealer: Sealer, place: Place, found: readonly AnyRow[]): Promise<number> {
  const rows = rowsByName<Rows>(tx, place.collection);
  let count = 0;
  for (const { _id, organizationId } of found) {
    const scope = organizationId ?? PLATFORM;
    const row = await rows.get(scope, _id);
    const text = row && textAt(row, place);
    const plain = text === undefined || sealer.isCurrent(text) ? undefined : openOrLeave(sealer, text);
    if (!row || plain === undefined) continue;
    const { field, within } = place;
    const sealed = sealer.seal(plain);
    const value = within === undefined ? sealed : { ...(row[field] as object), [within]: sealed };
    await rows.updateOne(scope, { _id }, { $set: { [field]: value } });
    count += 1;
  }
  return count;
}

function openOrLeave(sealer: Sealer, text: string): string | undefined {
  try {
    return sealer.open(text);
  } catch {
    return undefined;
  }
}
