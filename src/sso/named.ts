/** Whom an IdP means by its own name for a person, in the log-outs of either protocol (SSO-2). */
import { findAccountsOfNameId } from '../access/index.ts';
import type { Connection, ReadStore } from '../store/index.ts';
import { findIdentity } from './facts.ts';
import { claimNamesOf } from './settings.ts';

/**
 * The accounts that a NameID or a `sub` is. It is the subject, unless the connection takes that from an attribute, whose values may be the same
 * text for somebody else: then by the sessions that it has signed in.
 */
export async function findNamed(reads: ReadStore, connection: Connection, name: string): Promise<readonly string[]> {
  if (claimNamesOf(connection).subject !== undefined) return findAccountsOfNameId(reads, connection, name);
  const identity = await findIdentity(reads, connection, name);
  return identity?.link === 'linked' ? [identity.accountId] : [];
}
