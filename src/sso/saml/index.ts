/**
 * SAML 2.0, as a service provider: requests, responses, metadata, log-out. node-saml writes what we
 * send, xml-crypto canonicalizes what is signed; what a message may be made of before that, and what it must say after, is here (docs/sso-threats.md, A and B).
 */
export { beginSaml } from './begin.ts';
export { answerSamlLogout, beginSamlLogout, stateOfId } from './logout.ts';
export { type LogoutInput, type LogoutRequest, readLogout } from './logoutMessage.ts';
export { writeSpMetadata } from './spMetadata.ts';
export { verifySaml } from './verify.ts';
