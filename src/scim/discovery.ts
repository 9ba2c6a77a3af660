/** ServiceProviderConfig, ResourceTypes and Schemas (RFC 7643 §5 to §7), from the attribute tables. */
import { AppError } from '../errors.ts';
import type { Attribute, AttributeTable, ResourceType } from './attributes.ts';
import { BODY_LIMIT } from './body.ts';
import { OPERATION_LIMIT } from './bulk/operations.ts';
import { listResponse } from './messages.ts';
import { TOKEN_PATH } from './oauth/path.ts';
import { DEFAULT_COUNT, MAX_COUNT } from './query.ts';
import type { BaseUrl } from './representation.ts';
import { common } from './schemas/common.ts';
import { discoverySchemas } from './schemas/discovery.ts';
import type { ResourceTypes } from './types.ts';

/** What this service provider can do; it says of nothing that it is supported unless it is. */
export function serviceProviderConfig(base: BaseUrl): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: true, maxOperations: OPERATION_LIMIT, maxPayloadSize: BODY_LIMIT },
    filter: { supported: true, maxResults: MAX_COUNT },
    changePassword: { supported: false },
    sort: { supported: true },
    // RFC 9865 §4; cursors do not expire, so there is no cursorTimeout
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: DEFAULT_COUNT,
      maxPageSize: MAX_COUNT,
    },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: "One of the directory's tokens, in the Authorization header",
        specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
        primary: true,
      },
      {
        type: 'oauth2',
        name: 'OAuth 2.0 client credentials',
        description: `Access tokens from ${base}${TOKEN_PATH}, for a client's secret or its signed assertion`,
        specUri: 'https://www.rfc-editor.org/rfc/rfc6749',
        primary: false,
      },
      {
        type: 'httpbasic',
        name: 'Basic',
        description: "One of the directory's tokens as the password, under any user name",
        specUri: 'https://www.rfc-editor.org/rfc/rfc7617',
        primary: false,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

function describeType(base: BaseUrl, type: ResourceType): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: type.name,
    name: type.name,
    endpoint: type.endpoint,
    description: type.description,
    schema: type.core.urn,
    ...(type.extensions.length > 0 && {
      schemaExtensions: type.extensions.map(({ urn }) => ({ schema: urn, required: false })),
    }),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${type.name}` },
  };
}

/** RFC 7643 §3.1 lets them be left out; the validator of Microsoft Entra ID looks for all that it maps, which `externalId` is. */
const unlisted: ReadonlySet<Attribute> = new Set(common.filter(({ name }) => name !== 'externalId'));

function describeAttribute(attribute: Attribute): object {
  const { name, type, multiValued, description, required, caseExact, mutability, returned, uniqueness } = attribute;
  const textual = type === 'string' || type === 'reference' || type === 'binary';
  return {
    name,
    type,
    multiValued,
    description,
    required,
    ...(textual && { caseExact }),
    mutability,
    returned,
    ...(type !== 'complex' && type !== 'boolean' && { uniqueness }),
    ...(attribute.canonicalValues && { canonicalValues: attribute.canonicalValues }),
    ...(attribute.referenceTypes && { referenceTypes: attribute.referenceTypes }),
    ...(attribute.subAttributes && { subAttributes: [...attribute.subAttributes.values()].map(describeAttribute) }),
  };
}

function describeSchema(base: BaseUrl, table: AttributeTable): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id: table.urn,
    name: table.name,
    description: table.description,
    attributes: [...table.attributes.values()].filter((one) => !unlisted.has(one)).map(describeAttribute),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${table.urn}` },
  };
}

const inOrder = ({ User, Group }: ResourceTypes): readonly ResourceType[] => [User, Group];

const tablesOf = (types: ResourceTypes): readonly AttributeTable[] => [
  ...inOrder(types).flatMap((type) => [type.core, ...type.extensions]),
  ...discoverySchemas,
];

export const listTypes = (base: BaseUrl, types: ResourceTypes): object =>
  listResponse(inOrder(types).map((type) => describeType(base, type)));

export const listSchemas = (base: BaseUrl, types: ResourceTypes): object =>
  listResponse(tablesOf(types).map((table) => describeSchema(base, table)));

/** Throws not_found. */
export function getType(base: BaseUrl, types: ResourceTypes, name: string): object {
  const type = inOrder(types).find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
  if (!type) throw new AppError('not_found', `There is no resource type ${name}`);
  return describeType(base, type);
}

/** Throws not_found. */
export function getSchema(base: BaseUrl, types: ResourceTypes, urn: string): object {
  const table = tablesOf(types).find((candidate) => candidate.urn.toLowerCase() === urn.toLowerCase());
  if (!table) throw new AppError('not_found', `There is no schema ${urn}`);
  return describeSchema(base, table);
}
