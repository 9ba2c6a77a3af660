/**
 * Single sign-on: from a connection to a session. SAML and OIDC each verify what their IdP sends and hand over one
 * `Identity`; one pure rule (jit.ts) decides what becomes of it, and settle.ts writes that, roles included.
 */
export { mailedLinkAddress, oidcAddresses, samlAddresses, startAddress } from './addresses.ts';
export { beginAttempt, consumeMessage, makeTestLink, newState, takeAttempt } from './attempts.ts';
export { describeCertificate } from './certificates.ts';
export { nameClaimGroup } from './claimedGroups.ts';
export { comesBackBySignIn } from './comingBack.ts';
export { askToConfirm, getQuestion } from './confirmations.ts';
export { auditRefusedIdp } from './connectionAudit.ts';
export { deleteConnection } from './connectionEnd.ts';
export { type IdpDeps, resolveOidc, resolveSaml } from './connectionInput.ts';
export { createConnection, getConnection, type Idp, listConnections, updateConnection } from './connections.ts';
export { readSessionCookie } from './cookies.ts';
export {
  type Expiry,
  expiryKinds,
  listExpiries,
  listPlatformExpiries,
  warningDays,
  warningOf,
} from './expiries.ts';
export { approveIdentity, listIdentities, unlinkIdentity } from './identities.ts';
export type { Identity } from './identity.ts';
export { activateKey, addNextKey, findKeys, makeKey, removeKey } from './keys.ts';
export { openSignInLimits, type SignInLimits } from './limits.ts';
export { presetNames } from './presets.ts';

export { findRecords } from './records.ts';
export { ssoRouter } from './router.ts';
export { claimNames, claimNamesOf, type OidcSettings, oidcOf, type SamlSettings, samlOf } from './settings.ts';
export { settleSignIn } from './settle.ts';
export { findStepUpUrl } from './stepUp.ts';
