import type { Schema, SchemaType } from 'mongoose';

/** What a declared field holds, read once from its Mongoose schema. */
export type Field =
  | { readonly kind: 'text'; readonly allowed?: ReadonlySet<string> }
  | { readonly kind: 'number' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'date' }
  | { readonly kind: 'free' }
  | { readonly kind: 'list'; readonly of: Field }
  | { readonly kind: 'object'; readonly fields: Fields };

export interface Declared {
  readonly field: Field;
  readonly required: boolean;
}

/** The fields of a row or of an object in it, by name, in the order of their declaration. */
export type Fields = ReadonlyMap<string, Declared>;

/** The parts of Mongoose's schema types that its own typings leave open. */
interface Introspected {
  readonly instance: string;
  readonly isRequired?: boolean;
  readonly options: { readonly _id?: boolean; readonly required?: boolean };
  readonly enumValues?: readonly string[];
  readonly schema?: Schema;
  readonly embeddedSchemaType?: SchemaType;
}

function readField(path: string, type: Introspected): Field {
  switch (type.instance) {
    case 'String': {
      const allowed = type.enumValues ?? [];
      return allowed.length > 0 ? { kind: 'text', allowed: new Set(allowed) } : { kind: 'text' };
    }
    case 'Number':
      return { kind: 'number' };
    case 'Boolean':
      return { kind: 'boolean' };
    case 'Date':
      return { kind: 'date' };
    case 'Mixed':
      return { kind: 'free' };
    case 'Array':
      if (type.embeddedSchemaType !== undefined) {
        return { kind: 'list', of: readField(path, type.embeddedSchemaType as unknown as Introspected) };
      }
      break;
    case 'Embedded':
      if (type.schema !== undefined)
        return { kind: 'object', fields: readFields(type.schema, type.options._id !== false) };
      break;
  }
  throw new Error(`the store knows no fields of type ${type.instance} (${path})`);
}

/**
 * The fields that a schema declares. A schema that uses what the engines do not support is a fault of the program and
 * throws at start-up.
 */
export function readFields(schema: Schema, withId = true): Fields {
  const fields = new Map<string, Declared>();
  schema.eachPath((path, type) => {
    if (path === '_id' && !withId) return;
    if (path.includes('.')) throw new Error(`declare ${path} as a field with a schema of its own`);
    const introspected = type as unknown as Introspected;
    fields.set(path, { field: readField(path, introspected), required: introspected.isRequired === true });
  });
  return fields;
}
