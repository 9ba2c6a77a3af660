/** Both protocols, by the name that a connection has for its own. */
import { beginOidc, verifyOidc } from './oidc/index.ts';
import type { OidcAnswer, Protocol, SamlAnswer } from './protocol.ts';
import { beginSaml, verifySaml } from './saml/index.ts';

export interface Protocols {
  readonly saml: Protocol<SamlAnswer>;
  readonly oidc: Protocol<OidcAnswer>;
}

export const protocols: Protocols = {
  saml: { begin: beginSaml, verify: verifySaml },
  oidc: { begin: beginOidc, verify: verifyOidc },
};
