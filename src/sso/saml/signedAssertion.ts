/**
 * The one use of node-saml for what comes in: it verifies signatures, opens what is encrypted, and answers the bytes
 * that are signed. What those say is for checks.ts to judge, by our clock, with an explanation for the admin.
 */
import { type Profile, SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { SignInFault } from '../protocol.ts';
import type { Message } from './message.ts';

export interface VerificationInput {
  readonly message: Message;
  /** PEM, of the IdP: those that have signed (signer.ts). */
  readonly signers: readonly string[];
  /** Which of the two carry a signature: each that does must be valid, and one at least there is. */
  readonly signed: { readonly response: boolean; readonly assertion: boolean };
  /** PEM: opens the assertion where it is encrypted. */
  readonly decryptionKey?: string | undefined;
}

/** Stops where node-saml would begin to read the assertion itself. */
class SignatureVerifier extends SAML {
  protected override async processValidlySignedAssertionAsync(
    xml: string,
  ): Promise<{ profile: Profile; loggedOut: boolean }> {
    return { profile: { issuer: '', nameID: '', nameIDFormat: '', getAssertionXml: () => xml }, loggedOut: false };
  }
}

/** The assertion of a response as its signature covers it. Throws SignInFault `signature_invalid`. */
export async function verifiedAssertion(input: VerificationInput): Promise<string> {
  const verifier = new SignatureVerifier({
    // Read by nothing that runs here.
    issuer: 'unused',
    callbackUrl: 'https://unused.invalid',
    audience: false,
    validateInResponseTo: ValidateInResponseTo.never,
    idpCert: [...input.signers],
    wantAuthnResponseSigned: input.signed.response,
    wantAssertionsSigned: input.signed.assertion,
    ...(input.decryptionKey !== undefined && { decryptionPvk: input.decryptionKey }),
  });
  const SAMLResponse = Buffer.from(input.message.text, 'utf8').toString('base64');
  let xml: string | undefined;
  try {
    const { profile } = await verifier.validatePostResponseAsync({ SAMLResponse });
    xml = profile?.getAssertionXml?.();
  } catch (cause) {
    throw invalid(input, cause);
  }
  if (xml === undefined) throw invalid(input, new Error('there is no signed assertion'));
  return xml;
}

const invalid = ({ signed }: VerificationInput, cause: unknown): SignInFault => {
  const what = [signed.response && 'response', signed.assertion && 'assertion'].filter(Boolean).join(' or of the ');
  return new SignInFault('signature_invalid', `The signature of the ${what} is not valid`, { cause });
};
