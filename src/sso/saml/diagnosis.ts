/** What an admin is shown of a response: who sent it, how it was signed, how the clocks differ, what it claims (SSO-1). */
import { createHash, X509Certificate } from 'node:crypto';
import { shortened } from '../../lib/text.ts';
import type { JsonObject } from '../../store/index.ts';
import type { Assertion } from './assertion.ts';
import type { ResponseShape } from './responseShape.ts';
import type { SignatureShape } from './signatureShape.ts';

const ATTRIBUTE_LIMIT = 100;
const VALUE_LIMIT = 50;
const TEXT_LIMIT = 256;

/** Its beginning, with a mark where there was more. */
const shown = (text: string): string => shortened(text, TEXT_LIMIT + 1);

/** What the message itself shows, whether it is believed or not. `known`: certificates of the connection (PEM). */
export function describeShape(shape: ResponseShape, known: readonly string[]): JsonObject {
  const { signature, assertion, encrypted } = shape;
  return {
    ...(signature && { responseSignature: describeSignature(signature, known) }),
    ...(assertion?.signature && { assertionSignature: describeSignature(assertion.signature, known) }),
    encrypted: encrypted !== undefined,
  };
}

export function describeSignature(
  { algorithm, digest, certificate }: SignatureShape,
  known: readonly string[],
): JsonObject {
  return {
    algorithm,
    digest,
    ...(certificate !== undefined && { certificate: describeCertificate(certificate, known) }),
  };
}

/** The certificate that came along with the signature: a wrong one is the most frequent mistake of all. */
function describeCertificate(base64: string, known: readonly string[]): JsonObject {
  const bytes = Buffer.from(base64, 'base64');
  const fingerprint = createHash('sha256').update(bytes).digest('hex');
  const configured = known.some((pem) => readCertificate(pem)?.raw.equals(bytes) === true);
  const certificate = readCertificate(bytes);
  return {
    sha256: fingerprint,
    configured,
    ...(certificate && {
      subject: shown(certificate.subject),
      expiresAt: new Date(certificate.validTo).toISOString(),
    }),
  };
}

function readCertificate(source: string | Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(source);
  } catch {
    return undefined;
  }
}

/** What the IdP says in the bytes that it has signed. `clockDifferenceSeconds`: how far its clock is ahead of ours. */
export function describeAssertion(assertion: Assertion, now: Date): JsonObject {
  const { issuer, nameId, conditions, claims, statements, issueInstant } = assertion;
  return {
    issuer: shown(issuer.value),
    ...(nameId && {
      nameId: {
        value: shown(nameId.value),
        ...(nameId.format !== undefined && { format: shown(nameId.format) }),
      },
    }),
    audiences: (conditions?.audiences.flat() ?? []).slice(0, VALUE_LIMIT).map(shown),
    issuedAt: issueInstant.toISOString(),
    clockDifferenceSeconds: Math.round((issueInstant.getTime() - now.getTime()) / 1000),
    ...(statements[0]?.sessionIndex !== undefined && { sessionIndex: shown(statements[0].sessionIndex) }),
    // As a list: names of attributes hold dots, which keys of rows must not.
    attributes: [...claims].slice(0, ATTRIBUTE_LIMIT).map(([name, values]) => ({
      name: shown(name),
      count: values.length,
      values: values.slice(0, VALUE_LIMIT).map(shown),
    })),
  };
}
