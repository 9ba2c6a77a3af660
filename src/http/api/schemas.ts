import { z } from 'zod';
import {
  type AttributeDefinition,
  attributesOf,
  getSchema,
  listSchemas,
  putSchema,
  removeSchema,
} from '../../directory/index.ts';
import { AppError } from '../../errors.ts';
import type { DirectorySchema } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { idIn, inOrganization, time } from './common.ts';

const SCHEMA_URN = 'urn:ietf:params:scim:schemas:core:2.0:Schema';

const text = (limit: number) => z.string().max(limit);
const name = text(64).regex(/^(?:[A-Za-z][\w$-]*|\$ref)$/, 'must be a name such as costCenter');
const texts = z.array(z.string().min(1).max(200)).max(100);

/** The characteristics of RFC 7643 §2.2 and §7; those with one value only are the ones that can be kept here. */
const characteristics = {
  name,
  type: z
    .enum(['string', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary', 'complex'])
    .default('string'),
  multiValued: z.boolean().default(false),
  description: text(1000).default(''),
  required: z.boolean().default(false),
  caseExact: z.boolean().optional().meta({ description: 'default: of references and binaries only' }),
  mutability: z.enum(['readWrite', 'immutable']).default('readWrite'),
  returned: z.literal('default').default('default'),
  uniqueness: z.literal('none').default('none'),
  canonicalValues: texts.optional(),
  referenceTypes: texts.optional(),
};
const subAttribute = z.strictObject(characteristics).meta({ id: 'SchemaSubAttribute' });
const attribute = z
  .strictObject({ ...characteristics, subAttributes: z.array(subAttribute).max(50).optional() })
  .meta({ id: 'SchemaAttribute' });

const schemaInput = z.strictObject({
  schemas: z.array(z.literal(SCHEMA_URN)).max(1).optional(),
  id: z.string().max(300).optional().meta({ description: 'the URN, where it is repeated' }),
  resourceType: z.enum(['User', 'Group']).default('User').meta({ description: 'what the schema extends' }),
  name: text(100).min(1),
  description: text(1000).default(''),
  attributes: z.array(attribute).min(1).max(100),
});

const shown = {
  name: z.string(),
  type: z.string(),
  multiValued: z.boolean(),
  description: z.string(),
  required: z.boolean(),
  caseExact: z.boolean(),
  mutability: z.string(),
  returned: z.string(),
  uniqueness: z.string(),
  canonicalValues: z.array(z.string()).optional(),
  referenceTypes: z.array(z.string()).optional(),
};

const schema = z
  .strictObject({
    schemas: z.array(z.string()),
    id: z.string().meta({ description: 'the URN' }),
    resourceType: z.enum(['User', 'Group']),
    name: z.string(),
    description: z.string(),
    attributes: z.array(z.strictObject({ ...shown, subAttributes: z.array(z.strictObject(shown)).optional() })),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'DirectorySchema' });

const present = (row: DirectorySchema): z.output<typeof schema> => ({
  schemas: [SCHEMA_URN],
  id: row.urn,
  resourceType: row.resourceType,
  name: row.name,
  description: row.description,
  attributes: attributesOf(row).map(presentAttribute),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});

/** The definition with every characteristic stated (RFC 7643 §2.2). */
const complete = ({ caseExact, subAttributes, ...rest }: z.output<typeof attribute>): AttributeDefinition => ({
  ...rest,
  caseExact: caseExact ?? (rest.type === 'reference' || rest.type === 'binary'),
  ...(subAttributes && { subAttributes: subAttributes.map(complete) }),
});

type Shown = z.output<typeof schema>['attributes'][number];

function presentAttribute({ canonicalValues, referenceTypes, subAttributes, ...rest }: AttributeDefinition): Shown {
  return {
    ...rest,
    ...(canonicalValues && { canonicalValues: [...canonicalValues] }),
    ...(referenceTypes && { referenceTypes: [...referenceTypes] }),
    ...(subAttributes && { subAttributes: subAttributes.map(presentAttribute) }),
  };
}

const path = '/api/v1/organizations/{org}/directories/{directory}/schemas';
const inDirectory = inOrganization.extend(idIn('directory'));
const urn = z
  .string()
  .max(255)
  // what a filter, a path and a list of attributes can name
  .regex(/^urn:[a-z0-9][a-z0-9-]{0,31}:[\w.:$-]*[\w$-]$/i, 'must be a URN of letters, digits and the signs . : _ $ -');
const oneSchema = inDirectory.extend({ urn });
const access = { permission: 'directory.manage', on: 'organization' } as const;
const tag = 'Directories';

/** Custom extensions of a directory (SCIM-1). */
export const schemaRoutes: readonly Route[] = [
  route({
    method: 'get',
    path,
    tag,
    summary: 'List the schemas that a directory has registered',
    access,
    params: inDirectory,
    status: 200,
    response: z.strictObject({ items: z.array(schema) }),
    handle: async ({ params, reads }) => ({
      items: (await listSchemas(reads, params.org, params.directory)).map(present),
    }),
  }),
  route({
    method: 'get',
    path: `${path}/{urn}`,
    tag,
    summary: 'Read a registered schema',
    access,
    params: oneSchema,
    status: 200,
    response: schema,
    handle: async ({ params, reads }) => present(await getSchema(reads, params.org, params.directory, params.urn)),
  }),
  route({
    method: 'put',
    path: `${path}/{urn}`,
    tag,
    summary: 'Register a schema, or change it',
    description:
      'An extension of users or groups in the form of RFC 7643 §7. From then on its attributes are validated, filtered, sorted, patched and chosen by type, in this directory only, and told in its /Schemas and /ResourceTypes (SCIM-1). What was pushed before stays as it is stored.',
    access,
    params: oneSchema,
    body: schemaInput,
    status: 200,
    response: schema,
    errors: ['schema_limit'],
    handle: ({ params, body, write }) => {
      const { urn, org, directory } = params;
      if (body.id !== undefined && body.id.toLowerCase() !== urn.toLowerCase())
        throw new AppError('invalid_request', `The schema's id is not ${urn}, at whose address it was sent`);
      const definition = { ...body, attributes: body.attributes.map(complete) };
      return write(async (tx) => present(await putSchema(tx, org, directory, urn, definition)));
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{urn}`,
    tag,
    summary: 'Take a registered schema away',
    description: 'What was pushed under it stays stored, as attributes that no schema has.',
    access,
    params: oneSchema,
    status: 204,
    handle: async ({ params, write }) => {
      await write((tx) => removeSchema(tx, params.org, params.directory, params.urn));
      return undefined;
    },
  }),
];
