/** The resource types of a directory: those of RFC 7643, extended by the schemas that the directory has registered. */
import { type AttributeDefinition, attributesOf, listSchemas, unknownAttributesOf } from '../directory/index.ts';
import type { Directory, DirectorySchema, ReadStore } from '../store/index.ts';
import { type Attribute, type AttributeTable, attribute, byName, type ResourceType } from './attributes.ts';
import { groupType } from './schemas/group.ts';
import { userType } from './schemas/user.ts';

export interface ResourceTypes {
  readonly User: ResourceType;
  readonly Group: ResourceType;
}

/** What every directory has. */
export const standardTypes: ResourceTypes = { User: userType, Group: groupType };

const strictTypes: ResourceTypes = {
  User: { ...userType, unknown: 'refuse' },
  Group: { ...groupType, unknown: 'refuse' },
};

/** Where an exchange gets the types of its directory. */
export interface TypeSource {
  /** The types as they are for this directory, whose row has just been read. */
  of(directory: Directory): Promise<ResourceTypes>;
}

const KEPT = 1000;

/**
 * Types by directory, made from the store once per revision of the directory's schemas. An entry of another revision
 * than the row's is never used, so what one process registers is seen by all with the next request; entries never
 * change, and none is reached but by its directory's id.
 */
export function openTypes(reads: ReadStore): TypeSource {
  const made = new Map<string, { readonly mark: string; readonly types: ResourceTypes }>();
  return {
    async of(directory) {
      const { _id, organizationId, schemaRevision } = directory;
      const unknown = unknownAttributesOf(directory);
      if (schemaRevision === undefined) return unknown === 'refuse' ? strictTypes : standardTypes;
      const mark = `${unknown}/${schemaRevision}`;
      const known = made.get(_id);
      if (known?.mark === mark) return known.types;
      const schemas = await listSchemas(reads, organizationId, _id);
      const types = extend(unknown === 'refuse' ? strictTypes : standardTypes, schemas);
      made.delete(_id);
      made.set(_id, { mark, types });
      const [oldest] = made.keys();
      if (made.size > KEPT && oldest !== undefined) made.delete(oldest);
      return types;
    },
  };
}

function extend({ User, Group }: ResourceTypes, schemas: readonly DirectorySchema[]): ResourceTypes {
  const of = (type: ResourceType): ResourceType => {
    const own = schemas.filter(({ resourceType }) => resourceType === type.name).map(tableOf);
    return own.length === 0 ? type : { ...type, extensions: [...type.extensions, ...own] };
  };
  return { User: of(User), Group: of(Group) };
}

const tableOf = (schema: DirectorySchema): AttributeTable => ({
  urn: schema.urn,
  name: schema.name,
  description: schema.description,
  attributes: byName(attributesOf(schema).map(attributeOf)),
});

const attributeOf = (definition: AttributeDefinition): Attribute => {
  const { name, type, description, subAttributes, canonicalValues, referenceTypes, ...traits } = definition;
  return attribute(
    name,
    type,
    description,
    { ...traits, ...(canonicalValues && { canonicalValues }), ...(referenceTypes && { referenceTypes }) },
    subAttributes?.map(attributeOf),
  );
};
