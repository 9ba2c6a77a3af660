/** OpenID providers dressed as the common makes, on the certified oidc-provider: for tests, the demo, and a browser (DEV-1). */
export { describeOidcConnection, simulatedClient } from './connect.ts';
export { type OidcIdp, openOidcIdp } from './idp.ts';
export { type OidcPerson, type OidcVendorName, simulatedTenant } from './vendors.ts';
