/** The signature scheme of Standard Webhooks (symmetric, `v1`): whoever has the secret sees that an event is ours, whole and of now. */
import { createHmac, randomBytes } from 'node:crypto';

const prefix = 'whsec_';

/** A new secret: 256 random bits, in the form that its libraries take. */
export const newWebhookSecret = (): string => prefix + randomBytes(32).toString('base64');

/** What is signed: the id, the time of this attempt in seconds since 1970, and the body, to the byte. */
export interface Signed {
  readonly id: string;
  readonly timestamp: number;
  readonly body: string;
}

/** The headers of one attempt; while a secret is followed by the next one, signed with both. */
export function signatureHeaders(secrets: readonly string[], { id, timestamp, body }: Signed): Record<string, string> {
  const content = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), 'base64');
    return `v1,${createHmac('sha256', key).update(content, 'utf8').digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') };
}
