/** Issuers: which texts name one, and whose tokens an organization's connection takes where many tenants share an issuer. */
import type { OidcSettings } from '../settings.ts';

/** What decides which issuer a connection's is, whatever is chosen beside it. */
export type IssuerSettings = Readonly<Pick<OidcSettings, 'issuer' | 'clientId'>> & {
  readonly tenantId?: string | undefined;
};

/** Entra's names for "whichever tenant"; only a pinned tenant makes them mean one. */
const anyTenant = /(?<=\/)(common|organizations|consumers|\{tenantid\})(?=\/|$)/i;
const tenantName = /^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$/;
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const microsoftHosts =
  /^(login\.microsoftonline\.(com|us)|login\.partner\.microsoftonline\.cn|sts\.windows\.net|[a-z0-9-]+\.ciamlogin\.com)$/;

/**
 * Why a text is no issuer that can be discovered; undefined for one that is (OpenID Connect Discovery §2). Plain http is left
 * to the guarded client, which knows whether this installation may use it.
 */
export function issuerFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) return 'an issuer is an https:// address';
  if (/[\s\\]/.test(text)) return 'an issuer holds no blanks or backslashes';
  if (/[?#]/.test(text)) return 'an issuer has no query and no fragment';
  if (url.username !== '' || url.password !== '') return 'an issuer holds no user name and no password';
  if (/\/(\.|%2e)well-known(\/|$)/i.test(text)) return 'give the issuer itself, without /.well-known/…';
  return undefined;
}

/** Where the metadata of an issuer is (OpenID Connect Discovery §4). */
export function discoveryAddress({ issuer, tenantId }: IssuerSettings): string {
  const base = tenantId === undefined ? issuer : issuer.replace(/\{tenantid\}/i, () => tenantId);
  return `${base.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/**
 * The one `iss` that tokens of this connection must have, exactly; undefined where the metadata is another issuer's. Entra's
 * metadata of `common` and `organizations` says `{tenantid}`: it is filled with the pinned tenant, never with what a token says.
 */
export function expectedIssuer({ issuer, tenantId }: IssuerSettings, named: string): string | undefined {
  if (!URL.canParse(named)) return undefined;
  if (tenantId === undefined) return sameAddress(named, issuer) && !/\{tenantid\}/i.test(named) ? named : undefined;
  if (!tenantName.test(tenantId)) return undefined;
  const tenant = inOneCase(tenantId);
  const fill = (text: string) => text.replace(anyTenant, () => tenant);
  return sameAddress(fill(named), fill(issuer)) ? fill(named) : undefined;
}

/** A tenant's id is the same in any case; Entra's tokens and metadata write it in lower case, whatever an admin has typed. */
const inOneCase = (text: string): string => (guid.test(text) ? text.toLowerCase() : text);

/**
 * `https://idp.example` and `https://idp.example/` are one issuer to an admin; its tokens say it as its metadata does. So are the
 * spellings of a tenant's id in the address.
 */
function sameAddress(a: string, b: string): boolean {
  if (!URL.canParse(b)) return false;
  const plain = (text: string) => new URL(text).href.split('/').map(inOneCase).join('/');
  return plain(a) === plain(b);
}

/** How the settings of a connection may spell the issuer that a token names: to look it up by. */
export function issuerSpellings(iss: string): readonly string[] {
  const parts = iss.split('/');
  const tenant = tenantInIssuer(iss);
  const tenants =
    tenant === undefined ? [] : ['common', 'organizations', 'consumers', '{tenantid}', tenant.toUpperCase()];
  const spelled = [iss, ...tenants.map((other) => parts.map((part) => (part === tenant ? other : part)).join('/'))];
  return spelled.flatMap((text) => [text, text.endsWith('/') ? text.slice(0, -1) : `${text}/`]);
}

/** Whether Microsoft's rules apply: `tid` says which tenant, and an email is worth something with `xms_edov` only. */
export function isEntra(preset: string, { issuer, tenantId }: OidcSettings): boolean {
  if (preset === 'entra' || tenantId !== undefined) return true;
  return URL.canParse(issuer) && microsoftHosts.test(new URL(issuer).hostname);
}

/** The tenant that an Entra issuer names in its address, where it does. */
export function tenantInIssuer(issuer: string): string | undefined {
  return issuer.split('/').find((part) => guid.test(part));
}
