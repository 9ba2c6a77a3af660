import { type Attribute, attribute } from '../attributes.ts';

/** Attributes that every resource has (RFC 7643 §3.1); they belong to no schema, whichever of them /Schemas lists. */
export const common: readonly Attribute[] = [
  attribute('schemas', 'reference', 'URNs of the schemas that are present in the resource', {
    multiValued: true,
    required: true,
    mutability: 'readOnly',
    returned: 'always',
    home: { in: 'nowhere' },
  }),
  attribute('id', 'string', 'Identifier of the resource, given by the service provider; it never changes', {
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
    home: { in: 'column', column: '_id' },
  }),
  attribute('externalId', 'string', 'Identifier of the resource as the identity provider knows it', {
    caseExact: true,
    home: { in: 'column', column: 'externalId' },
  }),
  attribute(
    'meta',
    'complex',
    'What the service provider knows about the resource',
    { mutability: 'readOnly', home: { in: 'nowhere' } },
    [
      attribute('resourceType', 'string', 'Name of the resource type', {
        caseExact: true,
        mutability: 'readOnly',
        home: { in: 'nowhere' },
      }),
      attribute('created', 'dateTime', 'When the resource was made', {
        mutability: 'readOnly',
        home: { in: 'column', column: 'createdAt' },
      }),
      attribute('lastModified', 'dateTime', 'When the resource last changed', {
        mutability: 'readOnly',
        home: { in: 'column', column: 'updatedAt' },
      }),
      attribute('location', 'reference', 'URI of the resource', { mutability: 'readOnly', home: { in: 'nowhere' } }),
      attribute('version', 'string', 'Version of the resource, as in the ETag header', {
        caseExact: true,
        mutability: 'readOnly',
        home: { in: 'nowhere' },
      }),
    ],
  ),
];
