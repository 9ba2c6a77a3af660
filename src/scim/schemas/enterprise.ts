import { type AttributeTable, attribute, byName } from '../attributes.ts';

const text = (name: string, description: string) => attribute(name, 'string', description);

/** The Enterprise User extension (RFC 7643 §4.3, §8.7.1). */
export const enterprise: AttributeTable = {
  urn: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: byName([
    text('employeeNumber', 'Identifier given by the organization'),
    text('costCenter', 'Cost center'),
    text('organization', 'Organization'),
    text('division', 'Division'),
    text('department', 'Department'),
    attribute('manager', 'complex', "The person's manager", {}, [
      text('value', 'Id of the manager'),
      attribute('$ref', 'reference', 'URI of the manager', { referenceTypes: ['User'] }),
      attribute('displayName', 'string', 'Name of the manager', { mutability: 'readOnly' }),
    ]),
  ]),
};
