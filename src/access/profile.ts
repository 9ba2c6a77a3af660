/** What people say of themselves: a name for display, and the SSH public keys by which they enter clusters (ACC-5). */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { parseSshPublicKey } from '../lib/sshPublicKey.ts';
import { cut } from '../lib/text.ts';
import { type Account, PLATFORM, type ReadStore, type Session, type SshKey, type Transaction } from '../store/index.ts';
import { getAccount } from './accounts.ts';
import { findLiveOrganizationIds } from './sessions.ts';
import { type Proof, proofsOf, worthIn, writeProofs } from './sessionWorth.ts';

/** So many keys one person may have. */
const maxSshKeys = 50;
/** A key of 16,384 bits has about 2,800 characters; a comment may follow. */
export const maxSshKeyLength = 4096;

/** Changes the name by which an account shows; null takes it away. Throws `not_found`. */
export async function updateProfile(
  tx: Transaction,
  accountId: string,
  { name }: { readonly name: string | null },
): Promise<Account> {
  const account = await getAccount(tx, accountId);
  if ((account.name ?? null) === name) return account;
  const change = name === null ? { $unset: { name: true as const } } : { $set: { name } };
  return (await tx.accounts.updateOne(PLATFORM, { _id: accountId }, change)) ?? account;
}

/** An account's SSH keys, in the order of adding. */
export function findSshKeys(reads: ReadStore, accountId: string): Promise<readonly SshKey[]> {
  return reads.sshKeys.find(PLATFORM, { accountId });
}

/** By an IdP's word, or a letter of an invitation, an organization speaks for itself alone. */
const isBound = (proof: Proof): boolean =>
  proof.kind === 'connection' || (proof.kind === 'mailbox' && proof.invitedTo !== undefined);

/**
 * Where a key of this session opens clusters: everywhere (undefined) where the person has shown their own mailbox, or the operator acts
 * for them; else in the organization whose invitation began the session, and where it counts by an IdP's word now. Neither opens another
 * organization's clusters (SSO-5, PRJ-7).
 */
async function findReach(
  reads: ReadStore,
  accountId: string,
  session: Session | undefined,
): Promise<readonly string[] | undefined> {
  if (session === undefined) return undefined;
  const proofs = proofsOf(session);
  if (!proofs.every(isBound)) return undefined;
  const invitedTo = proofs.flatMap((proof) => (proof.kind === 'mailbox' ? (proof.invitedTo ?? []) : []));
  const byIdP = { ...session, proofs: writeProofs(proofs.filter(({ kind }) => kind === 'connection')) };
  const ids = await findLiveOrganizationIds(reads, accountId);
  const organizations = await reads.organizations.find(PLATFORM, { _id: { $in: ids } });
  const members = await reads.members.find(PLATFORM, { accountId });
  return organizations
    .filter((one) => {
      const member = members.find(({ organizationId }) => organizationId === one._id);
      return worthIn(invitedTo.includes(one._id) ? session : byIdP, one, member) === 'counts';
    })
    .map(({ _id }) => _id);
}

/**
 * Adds a public key to an account, in `session`. Without a name its comment names it, or else its fingerprint. Throws `ssh_key_invalid`
 * (says why, and never repeats what was sent), `ssh_key_exists`, `too_many_ssh_keys`, `not_found`.
 */
export async function addSshKey(
  tx: Transaction,
  accountId: string,
  session: Session | undefined,
  input: { readonly publicKey: string; readonly name?: string | undefined },
): Promise<SshKey> {
  const parsed = parseSshPublicKey(input.publicKey);
  if ('fault' in parsed)
    throw new AppError('ssh_key_invalid', `This is no SSH public key that is taken: ${parsed.fault}`);
  await getAccount(tx, accountId);
  // of two keys at once, one waits for the other: both count
  await tx.accounts.lock(PLATFORM, accountId);
  const keys = await findSshKeys(tx, accountId);
  const same = keys.find(({ fingerprint }) => fingerprint === parsed.fingerprint);
  if (same) {
    throw new AppError('ssh_key_exists', `The account has this key already, as ${JSON.stringify(same.name)}`, {
      details: { sshKeyId: same._id },
    });
  }
  if (keys.length >= maxSshKeys) {
    throw new AppError('too_many_ssh_keys', `An account has at most ${maxSshKeys} SSH keys: remove one first`);
  }
  const onlyIn = await findReach(tx, accountId, session);
  const key = await tx.sshKeys.insert(PLATFORM, {
    _id: newId('sshKey'),
    accountId,
    name: input.name ?? (cut(parsed.comment ?? '', 200) || parsed.fingerprint),
    type: parsed.type,
    publicKey: parsed.line,
    fingerprint: parsed.fingerprint,
    ...(onlyIn && { onlyIn: [...onlyIn] }),
  });
  await tellOrganizations(tx, key, 'ssh_key.added');
  return key;
}

/** Takes a public key off an account, which no longer opens anything for it. Throws `not_found`. */
export async function removeSshKey(tx: Transaction, accountId: string, sshKeyId: string): Promise<void> {
  const key = await tx.sshKeys.get(PLATFORM, sshKeyId);
  if (key?.accountId !== accountId) throw new AppError('not_found', `There is no SSH key ${sshKeyId}`);
  await tx.sshKeys.remove(PLATFORM, { _id: sshKeyId });
  await tellOrganizations(tx, key, 'ssh_key.removed');
}

/** A key opens the clusters of every organization that the person belongs to: the audit of each tells of it (AUD-1). */
async function tellOrganizations(
  tx: Transaction,
  { _id, accountId, name, fingerprint }: SshKey,
  type: 'ssh_key.added' | 'ssh_key.removed',
): Promise<void> {
  const said = { sshKeyId: _id, name, fingerprint };
  for (const organizationId of await findLiveOrganizationIds(tx, accountId)) {
    await recordAudit(tx, organizationId, {
      type,
      targetKind: 'account',
      targetId: accountId,
      ...(type === 'ssh_key.added' ? { after: said } : { before: said }),
    });
  }
}
