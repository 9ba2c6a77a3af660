/** SAML IdPs of the common makes, which really sign: for tests, the demo, and a browser (DEV-1). */
export { connectSamlIdp } from './connect.ts';
export * from './idp.ts';
export { makeSamlKey, type SamlKey } from './key.ts';
export { type LogoutFacts, signForm, signRedirect, writeLogoutRequest, writeLogoutResponse } from './logout.ts';
export { type ResponseFacts, writeAssertion, writeResponse } from './message.ts';
export { readSamlRequest, type SamlRequest } from './request.ts';
export { openSamlIdpServer, type SamlIdpServer } from './server.ts';
export {
  type EncryptionOptions,
  encryptAssertion,
  encryptAttribute,
  encryptName,
  type SigningOptions,
  signXml,
} from './sign.ts';
export { type SamlPerson, type SamlVendor, type SamlVendorName, samlVendors } from './vendors.ts';
