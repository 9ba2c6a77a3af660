/** OAuth 2.0 for SCIM: clients of a directory, what they prove themselves with, and the access tokens that they get. */
export * from './accessTokens.ts';
export * from './authenticate.ts';
export * from './clients.ts';
export * from './issuerKeys.ts';
export * from './issuers.ts';
export * from './keys.ts';
export * from './secrets.ts';
