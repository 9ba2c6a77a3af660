/**
 * Attributes that only we can read (EncryptedAttribute, SAML Core §2.7.3.2). They are opened as encrypted names are, and only in what a signature
 * covers. To pass over one would read "no such attribute" into it: a person without an address, or groups that nobody has spoken of (SSO-8).
 */
import type { Connection } from '../../store/index.ts';
import { openDecryptionKeys } from '../keys.ts';
import { SignInFault, type SsoDeps } from '../protocol.ts';
import { openEncrypted } from './decryption.ts';
import { childrenNamed, isNamed } from './dom.ts';
import { readEncryption } from './encryptionShape.ts';
import { assertionNs } from './names.ts';

/** Each costs a private key's work, by every key of the connection. IdPs that encrypt attributes encrypt a few. */
const ENCRYPTED_LIMIT = 64;

/**
 * Puts each Attribute where its EncryptedAttribute stands in the assertion. Throws SignInFault `malformed`, `too_large`, `algorithm_refused` and
 * `decryption_failed`.
 */
export async function openAttributes(
  { store, sealer }: Pick<SsoDeps, 'store' | 'sealer'>,
  connection: Connection,
  assertion: Element,
): Promise<void> {
  const encrypted = childrenNamed(assertion, assertionNs, 'AttributeStatement').flatMap((statement) =>
    childrenNamed(statement, assertionNs, 'EncryptedAttribute'),
  );
  if (encrypted.length === 0) return;
  if (encrypted.length > ENCRYPTED_LIMIT) {
    const found = `The assertion has ${encrypted.length} encrypted attributes; ${ENCRYPTED_LIMIT} are allowed`;
    throw new SignInFault('too_large', found);
  }
  const keys = await openDecryptionKeys(store.read, sealer, connection);
  const pems = keys.map(({ privateKey }) => privateKey);
  for (const element of encrypted) {
    const { document } = openEncrypted(readEncryption(element), pems, 'attribute');
    const attribute = document.documentElement;
    if (!isNamed(attribute, assertionNs, 'Attribute')) {
      throw new SignInFault('malformed', 'What was encrypted in the place of an attribute is not one Attribute');
    }
    element.parentNode?.replaceChild(element.ownerDocument.importNode(attribute, true), element);
  }
}
