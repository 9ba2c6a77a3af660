/** Both protocols, by the name that a connection has for its own. */
import { beginOidc, verifyOidc } from './oidc/index.ts';
import type { OidcAnswer, Protocol, SamlAnswer } from './protocol.ts';

export interface Protocols {
  readonly saml: Protocol<SamlAnswer> | undefined;
  readonly oidc: Protocol<OidcAnswer>;
}

export const protocols: Protocols = { saml: undefined, oidc: { begin: beginOidc, verify: verifyOidc } };
