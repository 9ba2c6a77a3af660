/** OpenID providers dressed as the common makes, on the certified oidc-provider: for tests, the demo, and a browser (DEV-1). */
export { type OidcClient, type OidcIdp, type OidcIdpOptions, openOidcIdp } from './idp.ts';
export { type OidcPerson, type OidcVendor, type OidcVendorName, oidcVendors, simulatedTenant } from './vendors.ts';
