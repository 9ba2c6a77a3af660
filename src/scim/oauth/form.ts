/** The request to the token endpoint: a form in the body (RFC 6749 §4.4.2), and who sends it. */
import { isUtf8 } from 'node:buffer';
import express, { type Request, type Response } from 'express';
import { AppError } from '../../errors.ts';

const BODY_LIMIT = 16 * 1024;
const readBytes = express.raw({ limit: BODY_LIMIT, type: () => true, inflate: false });

export const invalidRequest = (message: string): AppError => new AppError('oauth_invalid_request', message);
const invalidClient = (message: string): AppError => new AppError('oauth_invalid_client', message);

export type Form = ReadonlyMap<string, string>;

/**
 * Reads the form. A parameter without a value counts as absent, one that is given twice is refused (RFC 6749 §3.2), and
 * parameters in the address are (§2.3.1: secrets must not be there). Throws AppError oauth_invalid_request.
 */
export async function readForm(request: Request, response: Response): Promise<Form> {
  if (request.url.includes('?')) throw invalidRequest('Send the parameters in the body, none in the address');
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type)) {
    throw invalidRequest('Send the parameters as application/x-www-form-urlencoded');
  }
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    readBytes(request, response, (error?: unknown) => {
      if (error === undefined) resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
      else reject(invalidRequest(`The body cannot be read, or is larger than ${BODY_LIMIT} bytes`));
    });
  });
  if (!isUtf8(bytes)) throw invalidRequest('The body is not valid UTF-8');
  const form = new Map<string, string>();
  for (const pair of bytes.toString('utf8').split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals), invalidRequest);
    const value = equals < 0 ? '' : decoded(pair.slice(equals + 1), invalidRequest);
    if (form.has(name)) throw invalidRequest('A parameter is given twice');
    form.set(name, value);
  }
  for (const [name, value] of form) if (value === '') form.delete(name);
  return form;
}

function decoded(text: string, refuse: (message: string) => AppError): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw refuse('A text is not encoded as application/x-www-form-urlencoded asks');
  }
}

/** How the client authenticates. */
export type Proof =
  | { readonly kind: 'secret'; readonly clientId: string; readonly secret: string }
  | { readonly kind: 'assertion'; readonly clientId: string | undefined; readonly assertion: string };

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * The one way in which the client authenticates: client_secret_basic, client_secret_post, private_key_jwt.
 * Throws AppError oauth_invalid_request where there is more than one (RFC 6749 §2.3), oauth_invalid_client where there is
 * none, or a header that cannot be read.
 */
export function readProof(authorization: string | undefined, form: Form): Proof {
  const [clientId, secret] = [form.get('client_id'), form.get('client_secret')];
  const [assertion, type] = [form.get('client_assertion'), form.get('client_assertion_type')];
  const ways = [authorization, secret, assertion ?? type].filter((way) => way !== undefined);
  if (ways.length > 1) throw invalidRequest('The client authenticates in more than one way');
  if (authorization !== undefined) {
    const basic = readBasic(authorization);
    if (clientId !== undefined && clientId !== basic.clientId) {
      throw invalidRequest('client_id is another than that of the Authorization header');
    }
    return basic;
  }
  if (secret !== undefined && clientId !== undefined) return { kind: 'secret', clientId, secret };
  if (assertion !== undefined && type === ASSERTION_TYPE) return { kind: 'assertion', clientId, assertion };
  if (assertion !== undefined || type !== undefined) {
    throw invalidRequest(`Send a client_assertion with the client_assertion_type ${ASSERTION_TYPE}`);
  }
  throw invalidClient('The client does not authenticate: send its id and secret, or an assertion');
}

/** Both parts are encoded as in a form before they are joined (RFC 6749 §2.3.1). */
function readBasic(header: string): Extract<Proof, { kind: 'secret' }> {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header)?.[1];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw invalidClient('The Authorization header is not that of Basic authentication');
  const [clientId, secret] = [text.slice(0, colon), text.slice(colon + 1)].map((part) => decoded(part, invalidClient));
  return { kind: 'secret', clientId: clientId ?? '', secret: secret ?? '' };
}
