import { type AttributeTable, attribute, byName, type ResourceType } from '../attributes.ts';
import { common } from './common.ts';

/** The core Group schema (RFC 7643 §4.2, §8.7.1). */
export const group: AttributeTable = {
  urn: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'Group',
  attributes: byName([
    ...common,
    attribute('displayName', 'string', 'Name of the group for display', {
      required: true,
      home: { in: 'column', column: 'displayName', key: 'displayNameKey' },
    }),
    attribute(
      'members',
      'complex',
      'Members of the group: users, and groups of the same directory',
      { multiValued: true, home: { in: 'edges' } },
      [
        attribute('value', 'string', 'Id of the member', {
          caseExact: true,
          mutability: 'immutable',
          home: { in: 'edges' },
        }),
        attribute('$ref', 'reference', 'URI of the member', {
          mutability: 'immutable',
          referenceTypes: ['User', 'Group'],
          home: { in: 'nowhere' },
        }),
        attribute('type', 'string', 'Type of the member', {
          mutability: 'immutable',
          canonicalValues: ['User', 'Group'],
          home: { in: 'edges' },
        }),
        attribute('display', 'string', 'Name of the member', { mutability: 'immutable', home: { in: 'nowhere' } }),
      ],
    ),
  ]),
};

export const groupType: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  description: 'Group',
  core: group,
  extensions: [],
  unknown: 'keep',
};
