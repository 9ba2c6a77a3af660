/** Schemas that a directory registers beside those of RFC 7643: extensions of its users and groups (SCIM-1). */
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { quoted } from '../lib/text.ts';
import type { DirectorySchema, ReadStore, Transaction } from '../store/index.ts';
import { getDirectory } from './directories.ts';

/** An attribute in the form of RFC 7643 §7, every characteristic stated. */
export interface AttributeDefinition {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'reference' | 'binary' | 'complex';
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readWrite' | 'immutable';
  readonly returned: 'default';
  readonly uniqueness: 'none';
  readonly canonicalValues?: readonly string[] | undefined;
  readonly referenceTypes?: readonly string[] | undefined;
  readonly subAttributes?: readonly AttributeDefinition[] | undefined;
}

/** A schema as it is handed in. */
export interface SchemaDefinition {
  readonly resourceType: 'User' | 'Group';
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly AttributeDefinition[];
}

const SCHEMA_LIMIT = 20;

const key = (urn: string): string => urn.toLowerCase();
const invalid = (message: string): AppError => new AppError('invalid_request', message);

/** The protocol's own: nobody else may say what they hold. */
const reserved = [
  'urn:ietf:params:scim:schemas:core:',
  'urn:ietf:params:scim:api:',
  'urn:ietf:params:scim:schemas:extension:enterprise:',
];

/** Names that reach the prototype of an object. */
const poisonous = new Set(['__proto__', 'constructor', 'prototype', '_bsontype']);

/** Whether one URN is the other, or reads like an attribute of it: then a path could mean either. */
const overlaps = (a: string, b: string): boolean => a === b || a.startsWith(`${b}:`) || b.startsWith(`${a}:`);

/** Throws AppError `invalid_request` for a URN of the protocol's own. */
function requireFreeUrn(urn: string): void {
  if (reserved.some((prefix) => key(urn).startsWith(prefix)))
    throw invalid(`${quoted(urn)} belongs to the SCIM protocol: choose a URN of your own`);
}

/**
 * Checks what the form of a definition cannot say: names are unique without case, complex attributes have one level of
 * sub-attributes and nothing else has any. Throws AppError `invalid_request` naming the attribute.
 */
function requireAttributes(attributes: readonly AttributeDefinition[], holder?: AttributeDefinition): void {
  const seen = new Set<string>();
  for (const attribute of attributes) {
    const { name, type, subAttributes = [], mutability } = attribute;
    const label = holder ? `${holder.name}.${name}` : name;
    if (poisonous.has(key(name))) throw invalid(`${label} is not allowed as the name of an attribute`);
    if (seen.has(key(name))) throw invalid(`${label} is defined twice; names compare without case`);
    seen.add(key(name));
    if (type === 'complex' && holder) throw invalid(`${label}: a complex attribute cannot stand inside of another`);
    if ((type === 'complex') !== subAttributes.length > 0)
      throw invalid(`${label}: a complex attribute has sub-attributes, and no other has`);
    if (holder?.multiValued && mutability === 'immutable')
      throw invalid(`${label}: the values of ${holder.name} can be replaced whole, so no part of one is immutable`);
    requireAttributes(subAttributes, holder ? undefined : attribute);
  }
}

/**
 * Registers a schema with a directory, or changes it; equal already, nothing is written. What was pushed before stays as
 * it is stored. Throws AppError `not_found` (directory), `invalid_request` (reserved or ambiguous URN, attributes that
 * make no schema, another resource type than before), `schema_limit`.
 */
export async function putSchema(
  tx: Transaction,
  organizationId: string,
  directoryId: string,
  urn: string,
  { resourceType, name, description, attributes }: SchemaDefinition,
): Promise<DirectorySchema> {
  requireFreeUrn(urn);
  requireAttributes(attributes);
  const own = await listSchemas(tx, organizationId, directoryId);
  const before = own.find(({ urnKey }) => urnKey === key(urn));
  const other = own.find((schema) => schema !== before && overlaps(schema.urnKey, key(urn)));
  if (other) throw invalid(`${quoted(urn)} cannot be told from ${quoted(other.urn)} where an attribute follows`);
  if (before && before.resourceType !== resourceType)
    throw invalid(`${quoted(urn)} extends a ${before.resourceType}; remove it before it may extend a ${resourceType}`);
  if (!before && own.length >= SCHEMA_LIMIT)
    throw new AppError('schema_limit', `A directory may register ${SCHEMA_LIMIT} schemas; this one has them`);
  // what JSON says of it: no undefined fields
  const stored = { name, description, definition: JSON.parse(JSON.stringify({ attributes })) };
  if (before && isDeepStrictEqual(partsOf(before), stored)) return before;
  const after = before
    ? await tx.directorySchemas.updateOne(organizationId, { _id: before._id }, { $set: stored })
    : await tx.directorySchemas.insert(organizationId, {
        _id: newId('directorySchema'),
        organizationId,
        directoryId,
        resourceType,
        urn,
        urnKey: key(urn),
        ...stored,
      });
  if (!after) throw new AppError('stale', `The schema ${urn} has changed meanwhile`);
  await noteChange(tx, before, after);
  return after;
}

/**
 * Takes a schema away. What was pushed under it stays stored, as attributes that no schema has.
 * Throws AppError `not_found`.
 */
export async function removeSchema(
  tx: Transaction,
  organizationId: string,
  directoryId: string,
  urn: string,
): Promise<void> {
  const before = await getSchema(tx, organizationId, directoryId, urn);
  await tx.directorySchemas.remove(organizationId, { _id: before._id });
  await noteChange(tx, before, undefined);
}

/** Audits the change and raises the directory's revision, by which every process knows that its tables are old. */
async function noteChange(
  tx: Transaction,
  before: DirectorySchema | undefined,
  after: DirectorySchema | undefined,
): Promise<void> {
  const schema = after ?? before;
  if (!schema) return;
  const { organizationId, directoryId, urn } = schema;
  await tx.directories.updateOne(organizationId, { _id: directoryId }, { $inc: { schemaRevision: 1 } });
  await recordAudit(tx, organizationId, {
    type: after ? (before ? 'directory.schema_changed' : 'directory.schema_registered') : 'directory.schema_removed',
    targetKind: 'directory',
    targetId: directoryId,
    ...(before && { before: { urn, ...partsOf(before) } }),
    ...(after && { after: { urn, ...partsOf(after) } }),
  });
}

const partsOf = ({ name, description, definition }: DirectorySchema) => ({ name, description, definition });

/** The attributes of a stored schema. */
export const attributesOf = ({ definition }: DirectorySchema): readonly AttributeDefinition[] =>
  definition.attributes as readonly AttributeDefinition[];

/** A directory's own schemas, in the order of registering. Throws AppError `not_found` where there is no such directory. */
export async function listSchemas(
  reads: ReadStore,
  organizationId: string,
  directoryId: string,
): Promise<readonly DirectorySchema[]> {
  await getDirectory(reads, organizationId, directoryId);
  return reads.directorySchemas.find(organizationId, { directoryId });
}

/** One of them by its URN, in any case. Throws AppError `not_found`. */
export async function getSchema(
  reads: ReadStore,
  organizationId: string,
  directoryId: string,
  urn: string,
): Promise<DirectorySchema> {
  const schema = await reads.directorySchemas.findOne(organizationId, { directoryId, urnKey: key(urn) });
  if (!schema) throw new AppError('not_found', `The directory has not registered a schema ${quoted(urn)}`);
  return schema;
}
