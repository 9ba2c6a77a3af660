/** API keys: how one is found by its secret or its id, and what it is worth (KEY-1, KEY-2). The hottest path of all. */
import { isId } from '../lib/ids.ts';
import { hashSecret, newSecret } from '../lib/secrets.ts';
import { type ApiKey, PLATFORM, type ReadStore } from '../store/index.ts';

/** The recognisable beginning of every API key. */
const apiKeyPrefix = 'ghk_';

/** A new secret, and what its row keeps of it. */
export function mintKey(): { readonly secret: string } & Pick<ApiKey, 'hash' | 'prefix' | 'lastFour'> {
  const secret = newSecret(apiKeyPrefix);
  return { secret, hash: hashSecret(secret), prefix: apiKeyPrefix, lastFour: secret.slice(-4) };
}

/** The key with this secret, also one that has ended: one read by the hash, none for what can be no key. */
export async function findKeyBySecret(reads: ReadStore, secret: string): Promise<ApiKey | undefined> {
  if (!secret.startsWith(apiKeyPrefix)) return undefined;
  return reads.apiKeys.findOne(PLATFORM, { hash: hashSecret(secret) });
}

/** The key with this id, also one that has ended. */
export async function findKeyById(reads: ReadStore, keyId: string): Promise<ApiKey | undefined> {
  return isId('apiKey', keyId) ? reads.apiKeys.get(PLATFORM, keyId) : undefined;
}

/** What a key is worth; anything but `live` is nothing. */
export type KeyState = 'live' | 'revoked' | 'expired' | 'project_archived' | 'organization_closed';

/** What decisions read of a key's row. */
export type KeyRow = Pick<ApiKey, 'projectId' | 'revokedAt' | 'expiresAt' | 'projectArchived' | 'organizationClosed'>;

/** What a key is worth at `now`: its row says it all. */
export function decideKey(key: Omit<KeyRow, 'projectId'>, now: Date): KeyState {
  if (key.revokedAt) return 'revoked';
  if (key.expiresAt && key.expiresAt <= now) return 'expired';
  if (key.organizationClosed) return 'organization_closed';
  return key.projectArchived ? 'project_archived' : 'live';
}

/** Stable codes of what verification answers; all but the first refuse. */
export const keyReasons = [
  'key_of_project',
  'key_of_other_project',
  'key_unknown',
  'key_revoked',
  'key_expired',
  'project_archived',
  'organization_closed',
] as const;

export interface KeyVerdict {
  readonly reason: (typeof keyReasons)[number];
  /** Absent where there is no such key. */
  readonly key?: ApiKey;
}

const refusals = {
  revoked: 'key_revoked',
  expired: 'key_expired',
  project_archived: 'project_archived',
  organization_closed: 'organization_closed',
} as const;

/** Whether this secret is a key that is good at `now`, in this project where one is named (KEY-2). */
export async function verifyKey(
  reads: ReadStore,
  { secret, projectId }: { readonly secret: string; readonly projectId?: string | undefined },
  now: Date,
): Promise<KeyVerdict> {
  const key = await findKeyBySecret(reads, secret);
  if (!key) return { reason: 'key_unknown' };
  const state = decideKey(key, now);
  if (state !== 'live') return { reason: refusals[state], key };
  const foreign = projectId !== undefined && projectId !== key.projectId;
  return { reason: foreign ? 'key_of_other_project' : 'key_of_project', key };
}
