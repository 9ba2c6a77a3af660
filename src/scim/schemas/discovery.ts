/** What discovery answers, as schemas themselves: ServiceProviderConfig, ResourceType, Schema (RFC 7643 §5 to §7, §8.7.2). */
import { type Attribute, type AttributeTable, type AttributeType, attribute, byName } from '../attributes.ts';

type Traits = NonNullable<Parameters<typeof attribute>[3]>;

/** Discovery is read only. */
const told = (
  name: string,
  type: AttributeType,
  description: string,
  traits: Traits = {},
  subAttributes?: readonly Attribute[],
): Attribute => attribute(name, type, description, { mutability: 'readOnly', ...traits }, subAttributes);

const required = { required: true };
const uri = { referenceTypes: ['uri'] };
const external = { referenceTypes: ['external'] };

const supported = told('supported', 'boolean', 'Whether the operation is supported', required);
const operation = (name: string, description: string, more: readonly Attribute[] = []) =>
  told(name, 'complex', description, required, [supported, ...more]);

const serviceProviderConfig: AttributeTable = {
  urn: 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig',
  name: 'ServiceProviderConfig',
  description: 'What the service provider can do',
  attributes: byName([
    told('documentationUri', 'reference', 'Documentation for people', external),
    operation('patch', 'PATCH'),
    operation('bulk', 'Bulk', [
      told('maxOperations', 'integer', 'Most operations in one request', required),
      told('maxPayloadSize', 'integer', 'Largest request, in bytes', required),
    ]),
    operation('filter', 'Filters', [told('maxResults', 'integer', 'Most resources in one answer', required)]),
    operation('changePassword', 'Changes of passwords'),
    operation('sort', 'Sorting'),
    operation('etag', 'Versions of resources as entity tags'),
    told('pagination', 'complex', 'Ways of paging (RFC 9865)', {}, [
      told('cursor', 'boolean', 'Whether pages are found by cursor', required),
      told('index', 'boolean', 'Whether pages are found by index', required),
      told('defaultPaginationMethod', 'string', 'How pages are found where the client does not say', {
        canonicalValues: ['cursor', 'index'],
      }),
      told('defaultPageSize', 'integer', 'Resources on a page where the client does not say'),
      told('maxPageSize', 'integer', 'Most resources on a page'),
      told('cursorTimeout', 'integer', 'How long a cursor is good, in seconds'),
    ]),
    told('authenticationSchemes', 'complex', 'Ways to authenticate', { ...required, multiValued: true }, [
      told('type', 'string', 'Kind of the scheme', {
        ...required,
        canonicalValues: ['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest'],
      }),
      told('name', 'string', 'Name for people', required),
      told('description', 'string', 'Description of the scheme', required),
      told('specUri', 'reference', 'Specification of the scheme', external),
      told('documentationUri', 'reference', 'Documentation for people', external),
      told('primary', 'boolean', 'Whether this is the preferred scheme'),
    ]),
  ]),
};

const resourceType: AttributeTable = {
  urn: 'urn:ietf:params:scim:schemas:core:2.0:ResourceType',
  name: 'ResourceType',
  description: 'A type of resources',
  attributes: byName([
    told('id', 'string', 'The name again'),
    told('name', 'string', 'Name of the type', required),
    told('description', 'string', 'Description of the type'),
    told('endpoint', 'reference', 'Address of the type, relative to the base URL', { ...required, ...uri }),
    told('schema', 'reference', 'URN of its core schema', { ...required, ...uri, caseExact: true }),
    told('schemaExtensions', 'complex', 'Extensions of the core schema', { multiValued: true }, [
      told('schema', 'reference', 'URN of the extension', { ...required, ...uri, caseExact: true }),
      told('required', 'boolean', 'Whether every resource must have it', required),
    ]),
  ]),
};

const describesAttribute = (subAttributes: readonly Attribute[] = []): readonly Attribute[] => [
  told('name', 'string', 'Name of the attribute', { ...required, caseExact: true }),
  told('type', 'string', 'Type of its values', {
    ...required,
    canonicalValues: ['string', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary', 'complex'],
  }),
  told('multiValued', 'boolean', 'Whether it has several values', required),
  told('description', 'string', 'Description for people'),
  told('required', 'boolean', 'Whether it must have a value'),
  told('canonicalValues', 'string', 'Values that are suggested', { multiValued: true, caseExact: true }),
  told('caseExact', 'boolean', 'Whether its texts compare with case'),
  told('mutability', 'string', 'Whether it can be changed', {
    caseExact: true,
    canonicalValues: ['readOnly', 'readWrite', 'immutable', 'writeOnly'],
  }),
  told('returned', 'string', 'When it is answered', {
    caseExact: true,
    canonicalValues: ['always', 'never', 'default', 'request'],
  }),
  told('uniqueness', 'string', 'Among which resources a value is unique', {
    caseExact: true,
    canonicalValues: ['none', 'server', 'global'],
  }),
  told('referenceTypes', 'string', 'What a reference may lead to', { multiValued: true, caseExact: true }),
  ...subAttributes,
];

const schema: AttributeTable = {
  urn: 'urn:ietf:params:scim:schemas:core:2.0:Schema',
  name: 'Schema',
  description: 'A schema',
  attributes: byName([
    told('id', 'string', 'URN of the schema', { ...required, caseExact: true }),
    told('name', 'string', 'Name for people', required),
    told('description', 'string', 'Description for people'),
    told(
      'attributes',
      'complex',
      'Attributes of the schema',
      { ...required, multiValued: true },
      describesAttribute([
        told('subAttributes', 'complex', 'Parts of a complex attribute', { multiValued: true }, describesAttribute()),
      ]),
    ),
  ]),
};

export const discoverySchemas: readonly AttributeTable[] = [serviceProviderConfig, resourceType, schema];
