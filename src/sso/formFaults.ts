/** Forms of an IdP's message that the parser of forms refuses before anybody has read them: they are told of as what they hold would be. */
import { SignInFault } from './protocol.ts';

export interface FormFault {
  /** What the page answers with. */
  readonly status: number;
  readonly fault: SignInFault;
}

/** What Express's parser of forms has found wrong; undefined for every other error. */
export function formFaultOf(error: unknown): FormFault | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  switch (error.status) {
    case 413:
      return {
        status: 413,
        fault: new SignInFault('too_large', 'The form is larger, or has more fields, than any message has'),
      };
    case 415:
      return {
        status: 415,
        fault: new SignInFault('malformed', 'The form is not in UTF-8, or compressed by something unknown'),
      };
    case 400:
      return { status: 400, fault: new SignInFault('malformed', 'The form cannot be read') };
    default:
      return undefined;
  }
}
