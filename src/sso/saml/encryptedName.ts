/**
 * Names that only we can read (EncryptedID, SAML Core §2.2.4), in the Subject of an assertion or in a LogoutRequest. They are opened in the
 * same way as encrypted assertions, and only in what a signature covers: by then nobody but the IdP can have us open anything.
 */
import type { Connection } from '../../store/index.ts';
import { openDecryptionKeys } from '../keys.ts';
import { SignInFault, type SsoDeps } from '../protocol.ts';
import { namesIn } from './assertion.ts';
import { openEncrypted } from './decryption.ts';
import { childrenOf, elementsBelow, isNamed } from './dom.ts';
import { readEncryption } from './encryptionShape.ts';
import { assertionNs } from './names.ts';

/**
 * Puts the NameID where its EncryptedID stands in `holder` (XML Encryption §4.4), of which every reader reads on. Several names, and an
 * EncryptedID without content, are left to be refused as what they are. Throws SignInFault `malformed`, `algorithm_refused`, `decryption_failed`,
 * and `subject_invalid` where something else than a NameID was encrypted.
 */
export async function openName(
  { store, sealer }: Pick<SsoDeps, 'store' | 'sealer'>,
  connection: Connection,
  holder: Element | undefined,
): Promise<void> {
  const [encrypted, ...more] = holder ? namesIn(holder) : [];
  if (encrypted?.localName !== 'EncryptedID' || more.length > 0 || childrenOf(encrypted).length === 0) return;
  const encryption = readEncryption(encrypted);
  const keys = await openDecryptionKeys(store.read, sealer, connection);
  const pems = keys.map(({ privateKey }) => privateKey);
  const { document } = openEncrypted(encryption, pems, 'NameID');
  const name = document.documentElement;
  if (!isNamed(name, assertionNs, 'NameID') || elementsBelow(name).length > 0) {
    throw new SignInFault('subject_invalid', 'What was encrypted in the place of the name is not one NameID');
  }
  encrypted.parentNode?.replaceChild(encrypted.ownerDocument.importNode(name, true), encrypted);
}
