import { type AttributeTable, attribute, byName, type ResourceType } from '../attributes.ts';
import { common } from './common.ts';
import { enterprise } from './enterprise.ts';

const display = attribute('display', 'string', 'Name of the entry for people to read');
const primary = attribute('primary', 'boolean', 'Whether this is the preferred entry; true on one at most');
const kind = (...canonicalValues: string[]) =>
  attribute('type', 'string', 'What the entry is used for', canonicalValues.length ? { canonicalValues } : {});

/** A multi-valued attribute with the usual sub-attributes (RFC 7643 §2.4). */
const plural = (
  name: string,
  description: string,
  kinds: readonly string[],
  value = attribute('value', 'string', description),
) => attribute(name, 'complex', description, { multiValued: true }, [value, display, kind(...kinds), primary]);

const text = (name: string, description: string) => attribute(name, 'string', description);

/** The core User schema (RFC 7643 §4.1, §8.7.1). */
export const user: AttributeTable = {
  urn: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'User Account',
  attributes: byName([
    ...common,
    attribute(
      'userName',
      'string',
      'Name under which the identity provider knows the person; unique, compared without case',
      {
        required: true,
        uniqueness: 'server',
        home: { in: 'column', column: 'userName', key: 'userNameKey' },
      },
    ),
    attribute('name', 'complex', "Components of the person's name", {}, [
      text('formatted', 'Full name, formatted for display'),
      text('familyName', 'Family name'),
      text('givenName', 'Given name'),
      text('middleName', 'Middle names'),
      text('honorificPrefix', 'Title before the name'),
      text('honorificSuffix', 'Suffix after the name'),
    ]),
    attribute('displayName', 'string', 'Name of the person for display', {
      home: { in: 'column', column: 'displayName', key: 'displayNameKey' },
    }),
    text('nickName', 'Casual name'),
    attribute('profileUrl', 'reference', "URI of the person's profile page", { referenceTypes: ['external'] }),
    text('title', 'Job title'),
    text('userType', 'Relation of the person to the organization'),
    text('preferredLanguage', 'Preferred written or spoken language'),
    text('locale', 'Locale for dates, numbers and currency'),
    text('timezone', 'Time zone in the form of the Olson database'),
    attribute('active', 'boolean', 'Whether the person may use the service', {
      home: { in: 'column', column: 'active' },
    }),
    attribute('password', 'string', 'Accepted and not kept: people sign in through the identity provider', {
      caseExact: true,
      mutability: 'writeOnly',
      returned: 'never',
      home: { in: 'nowhere' },
    }),
    {
      ...plural('emails', 'Email addresses', ['work', 'home', 'other']),
      home: { in: 'rows' },
    },
    plural('phoneNumbers', 'Phone numbers', ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
    plural('ims', 'Instant messaging addresses', ['aim', 'gtalk', 'icq', 'xmpp', 'msn', 'skype', 'qq', 'yahoo']),
    plural(
      'photos',
      'URIs of photos',
      ['photo', 'thumbnail'],
      attribute('value', 'reference', 'URI of the photo', { referenceTypes: ['external'] }),
    ),
    attribute('addresses', 'complex', 'Postal addresses', { multiValued: true }, [
      text('formatted', 'Full address, formatted for display'),
      text('streetAddress', 'Street, house number'),
      text('locality', 'City'),
      text('region', 'State or region'),
      text('postalCode', 'Postal code'),
      text('country', 'Country'),
      kind('work', 'home', 'other'),
      primary,
    ]),
    attribute(
      'groups',
      'complex',
      'Groups that the person is a member of, directly or through other groups; changed through Groups only',
      { multiValued: true, mutability: 'readOnly', home: { in: 'edges' } },
      [
        attribute('value', 'string', 'Id of the group', {
          caseExact: true,
          mutability: 'readOnly',
          home: { in: 'edges' },
        }),
        attribute('$ref', 'reference', 'URI of the group', {
          mutability: 'readOnly',
          referenceTypes: ['Group'],
          home: { in: 'nowhere' },
        }),
        attribute('display', 'string', 'Name of the group', { mutability: 'readOnly', home: { in: 'nowhere' } }),
        attribute('type', 'string', 'How the person is a member', {
          mutability: 'readOnly',
          canonicalValues: ['direct', 'indirect'],
          home: { in: 'nowhere' },
        }),
      ],
    ),
    plural('entitlements', 'Entitlements', []),
    plural('roles', 'Roles', []),
    plural('x509Certificates', 'Certificates', [], attribute('value', 'binary', 'DER-encoded certificate, base64')),
  ]),
};

export const userType: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  description: 'User Account',
  core: user,
  extensions: [enterprise],
  unknown: 'keep',
};
