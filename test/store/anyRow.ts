/** Rows of any collection, made from its schema: for what must hold for every collection, also for one that is new. */
import type { Field, Fields } from '../../src/store/fields.ts';
import { readFields } from '../../src/store/fields.ts';
import { type CollectionName, collections } from '../../src/store/schemas/index.ts';

let made = 0;

const written = new Set(['_id', 'organizationId', 'version', 'createdAt', 'updatedAt', 'changedBy']);

function anyValue(field: Field): unknown {
  switch (field.kind) {
    case 'text': {
      const [first] = field.allowed ?? [];
      return first ?? `text-${made++}`;
    }
    case 'number':
      return made++;
    case 'boolean':
      return false;
    case 'date':
      return new Date(Date.UTC(2026, 0, 1));
    case 'free':
      return {};
    case 'list':
      return [];
    case 'object':
      return required(field.fields);
  }
}

const required = (fields: Fields): Record<string, unknown> =>
  Object.fromEntries(
    [...fields].flatMap(([name, { field, required }]) =>
      required && !written.has(name) ? [[name, anyValue(field)]] : [],
    ),
  );

/** A row with all that its schema requires; texts and numbers are unlike those of every other row. */
export function anyRow(
  name: CollectionName,
  organizationId: string,
): Record<string, unknown> & { readonly _id: string } {
  const { schema, scope } = collections[name];
  const _id = `${name.toLowerCase()}-${made++}`;
  return { _id, ...(scope === 'organization' && { organizationId }), ...required(readFields(schema)) };
}

/** A change that every row of this collection can take. */
export function anyChange(name: CollectionName): Record<string, unknown> {
  const [first] = [...readFields(collections[name].schema)].filter(([field]) => !written.has(field));
  if (first === undefined) throw new Error(`${name} has no field of its own`);
  const [field, { field: of }] = first;
  return { $set: { [field]: anyValue(of) } };
}
