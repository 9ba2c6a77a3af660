/** Keys of projects: made, listed and revoked by any collaborator; they outlive whoever made them (KEY-1, KEY-3). */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import type { ApiKey, Page, PageOptions, ReadStore, Transaction } from '../store/index.ts';
import { mintKey } from './apiKeys.ts';
import { lockOpenProject } from './projects.ts';

export interface NewKey {
  readonly name: string;
  /** Without an end where absent. */
  readonly expiresAt?: Date | undefined;
}

/**
 * Makes a key of a project; its secret is answered this once, and only its hash is kept. Throws `not_found` (no such
 * project here), `project_archived`, `invalid_request` (an end that has passed).
 */
export async function createKey(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  { name, expiresAt }: NewKey,
): Promise<{ readonly key: ApiKey; readonly secret: string }> {
  await lockOpenProject(tx, organizationId, projectId);
  if (expiresAt && expiresAt <= tx.at) {
    throw new AppError('invalid_request', 'expiresAt lies in the past: the key would never be valid');
  }
  const { secret, ...kept } = mintKey();
  const { actor, onBehalfOf } = tx.cause;
  const key = await tx.apiKeys.insert(organizationId, {
    _id: newId('apiKey'),
    organizationId,
    projectId,
    kind: 'project',
    name,
    ...kept,
    createdBy: actor,
    ...(onBehalfOf !== undefined && { onBehalfOf }),
    ...(expiresAt && { expiresAt }),
  });
  await recordAudit(tx, organizationId, {
    type: 'key.created',
    targetKind: 'apiKey',
    targetId: key._id,
    after: described(key),
  });
  return { key, secret };
}

/** The keys of a project in the order of making, those that have ended too. */
export function listKeys(
  reads: ReadStore,
  organizationId: string,
  projectId: string,
  page: PageOptions,
): Promise<Page<ApiKey>> {
  return reads.apiKeys.page(organizationId, { projectId }, page);
}

/**
 * Ends a key at once; one that is revoked already keeps the time of its first revocation. Throws `not_found` (the project
 * has no such key), `default_key_protected` (KEY-3).
 */
export async function revokeKey(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  keyId: string,
): Promise<ApiKey> {
  const key = await tx.apiKeys.get(organizationId, keyId);
  if (key?.projectId !== projectId) throw new AppError('not_found', `The project has no key ${keyId}`);
  if (key.kind === 'default') {
    throw new AppError(
      'default_key_protected',
      'The Organization Default Key cannot be revoked: its Owner can regenerate it',
    );
  }
  if (key.revokedAt) return key;
  const revoked = await tx.apiKeys.updateOne(organizationId, { _id: keyId }, { $set: { revokedAt: tx.at } });
  await recordAudit(tx, organizationId, {
    type: 'key.revoked',
    targetKind: 'apiKey',
    targetId: keyId,
    before: described(key),
  });
  return revoked ?? key;
}

/** What the audit says of a key. */
const described = ({ projectId, name, lastFour, expiresAt }: ApiKey) => ({
  projectId,
  ...(name !== undefined && { name }),
  lastFour,
  ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
});
