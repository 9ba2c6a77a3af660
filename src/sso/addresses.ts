/** The addresses of ours that an IdP is told, all made from the configured base URL and the connection's id. */

/** What an Admin types in at a SAML IdP. The entity id is a connection's own: one IdP may know several of them. */
export const samlAddresses = (baseUrl: string, connectionId: string) => ({
  entityId: `${baseUrl}/sso/saml/${connectionId}/metadata`,
  metadataUrl: `${baseUrl}/sso/saml/${connectionId}/metadata`,
  acsUrl: `${baseUrl}/sso/saml/${connectionId}/acs`,
  sloUrl: `${baseUrl}/sso/saml/${connectionId}/slo`,
});

/** The one of all connections whose providers announce `iss` in their answers (RFC 9207). */
export const sharedCallback = '/sso/oidc/callback';

/** A connection's own: with no `iss` in the answer, the address is what tells one provider's answer from another's (RFC 9700 §4.4.2.2). */
export const ownCallback = (connectionId: string): string => `/sso/oidc/${connectionId}/callback`;

/** What an Admin types in at an OpenID provider. */
export const oidcAddresses = (
  baseUrl: string,
  connectionId: string,
  { announcesIss }: { readonly announcesIss?: boolean | undefined },
) => ({
  redirectUri: `${baseUrl}${announcesIss ? sharedCallback : ownCallback(connectionId)}`,
  backchannelLogoutUri: `${baseUrl}/sso/oidc/backchannel-logout/${connectionId}`,
  postLogoutRedirectUri: signInAddress(baseUrl),
  jwksUri: `${baseUrl}/sso/oidc/${connectionId}/jwks.json`,
});

/** Our sign-in page: where a provider sends the browser back to after a log-out that began here. */
export const signInAddress = (baseUrl: string): string => `${baseUrl}/sign-in`;

/** Our sign-in page with nothing but the mailed link: for who has to show that a mailbox is theirs (OWN-4, ACC-4). */
export const mailedLinkAddress = (baseUrl: string): string => `${signInAddress(baseUrl)}?by=link`;

/** Where a sign-in through this connection begins: for a bookmark, or as the IdP's "initiate login" address. */
export const startAddress = (baseUrl: string, connectionId: string): string =>
  `${baseUrl}/sso/start?connection=${connectionId}`;
