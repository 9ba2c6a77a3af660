/**
 * Single sign-on: from a connection to a session. SAML and OIDC each verify what their IdP sends and hand over one
 * `Identity`; one pure rule (jit.ts) decides what becomes of it, and settle.ts writes that, roles included.
 */
export { beginAttempt, consumeMessage, newState, takeAttempt } from './attempts.ts';
export type { Identity } from './identity.ts';
export type { SsoDeps } from './protocol.ts';
export { ssoRouter } from './router.ts';
export { settleSignIn } from './settle.ts';
