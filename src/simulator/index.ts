/** The built-in IdP simulator (DEV-1): plays Okta and Entra ID against a Gatehouse, over nothing but HTTP. */
/** It knows the vendors' dialects and the public API, and none of the areas behind it. */
export type { IdpPerson } from './dialect.ts';
export * from './idp.ts';
export * from './oidc/index.ts';
export * from './parallel.ts';
export * from './platform.ts';
export * from './population.ts';
export * from './random.ts';
export * from './saml/index.ts';
export { type Exchange, ScimFailure } from './scimClient.ts';
export * from './tenant.ts';
