/** The form of the addresses that people and the operator name (ACC-2). What directories tell is taken as it is told. */
import { normalizeDomain } from './domainNames.ts';

/** A local part without quotes, comments, routes, blanks, and characters that cannot be seen. */
const localPart = /^[^<>()[\]@,;:\\"\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]{1,64}$/u;
const domainPart = /^[\p{L}\p{M}\p{N}-]+(?:\.[\p{L}\p{M}\p{N}-]+)+$/u;
const invisible = /\p{Default_Ignorable_Code_Point}/u;

/**
 * Whether a text is one bare address: `local@domain` of at most 254 characters (RFC 5321 §4.5.3.1), the domain a name of
 * at least two labels, not an IP address. `Jane <jane@acme.example>` and quoted local parts are none.
 */
export function isEmailAddress(text: string): boolean {
  const [local = '', domain = '', ...more] = text.split('@');
  if (text.length > 254 || more.length > 0 || !localPart.test(local)) return false;
  return domainPart.test(domain) && !invisible.test(domain) && normalizeDomain(domain) !== undefined;
}
