/** OpenID Connect: sign-in by the code flow, log-out from both sides. Speaks the protocol and decides nothing about people. */
export { expectedIssuer, type IssuerSettings, issuerFault } from './issuer.ts';
export { findConnectionOfToken, type LoggedOut, verifyLogoutToken } from './logoutToken.ts';
export { discover } from './provider.ts';
export { beginOidc, verifyOidc } from './signIn.ts';
export { oidcSignOutAddress } from './signOut.ts';
