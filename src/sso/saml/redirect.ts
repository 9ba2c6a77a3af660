/** The redirect binding, for log-out only (SAML Bindings §3.4): a deflated message in the address, its signature beside it. */
import { inflateRawSync } from 'node:zlib';
import { SignInFault } from '../protocol.ts';
import { type Message, parseText } from './message.ts';
import { signatureAlgorithms, verifiesWith } from './schemes.ts';

/** No log-out message is longer; the binding itself sets no bound, and inflating has none. */
const INFLATED_LIMIT = 64 * 1024;

const malformed = (detail: string) => new SignInFault('malformed', detail);

/** A message of an address, and the RelayState that its signature covers: no other one is the IdP's. */
export interface RedirectMessage {
  readonly message: Message;
  readonly relayState: string | undefined;
}

/**
 * The message of an address whose signature is valid. `query` is as it came: the signature covers its very escapes. Throws
 * SignInFault `unsigned`, `algorithm_refused`, `signature_invalid`, `malformed`.
 */
export function readRedirect(query: string, certificates: readonly string[]): RedirectMessage {
  const parts = splitQuery(query);
  const name = parts.has('SAMLRequest') ? 'SAMLRequest' : 'SAMLResponse';
  const [raw, algorithm, signature] = [parts.get(name), parts.get('SigAlg'), parts.get('Signature')];
  if (raw === undefined || (parts.has('SAMLRequest') && parts.has('SAMLResponse'))) {
    throw malformed('The address must hold one SAMLRequest or one SAMLResponse');
  }
  if (algorithm === undefined || signature === undefined)
    throw new SignInFault('unsigned', 'The address is not signed');
  const scheme = decode(algorithm);
  if (!signatureAlgorithms.includes(scheme)) {
    throw new SignInFault('algorithm_refused', `The signature algorithm ${scheme} is not accepted`);
  }
  const state = parts.get('RelayState');
  const material = [
    `${name}=${raw}`,
    ...(state === undefined ? [] : [`RelayState=${state}`]),
    `SigAlg=${algorithm}`,
  ].join('&');
  const value = Buffer.from(decode(signature), 'base64');
  if (!certificates.some((pem) => verifiesWith(pem, Buffer.from(material, 'utf8'), value, scheme))) {
    throw new SignInFault(
      'signature_invalid',
      'The signature of the address does not verify with a certificate of this connection',
    );
  }
  return { message: parseText(inflate(decode(raw))), relayState: state === undefined ? undefined : decode(state) };
}

/** Each parameter once: what is signed and what is read must not be two. */
function splitQuery(query: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  for (const pair of query.split('&')) {
    const at = pair.indexOf('=');
    const name = at < 0 ? pair : pair.slice(0, at);
    if (parts.has(name)) throw malformed('The address has a parameter twice');
    parts.set(name, at < 0 ? '' : pair.slice(at + 1));
  }
  return parts;
}

function decode(raw: string): string {
  try {
    return decodeURIComponent(raw.replaceAll('+', '%20'));
  } catch (cause) {
    throw new SignInFault('malformed', 'The address holds escapes that are none', { cause });
  }
}

function inflate(field: string): Buffer {
  try {
    return inflateRawSync(Buffer.from(field, 'base64'), { maxOutputLength: INFLATED_LIMIT });
  } catch (cause) {
    throw new SignInFault('malformed', 'The message cannot be inflated, or is too long', { cause });
  }
}
