/** Grants: one source's gift of one role to one account (MAP-2). Rows and their audit; who may grant is decided elsewhere. */
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { type Grant, PLATFORM, type ReadStore, type Transaction } from '../store/index.ts';
import { higherRole, type Role } from './permissions.ts';

/** What a role is given on. */
export interface GrantTarget {
  readonly target: 'organization' | 'project';
  readonly targetId: string;
}

export interface NewGrant extends GrantTarget {
  readonly accountId: string;
  readonly role: Role;
  readonly source: Grant['source'];
  /** The mapping's id; left out for a manual or a creator's grant, of which there is one per account and target. */
  readonly sourceId?: string;
  /** Who gave it: the actor, or `group:<id>` for a mapping's grant. */
  readonly grantedBy: string;
}

/** What people give each other, as opposed to what a mapping gives. */
export const isByHand = ({ source }: Pick<Grant, 'source'>): boolean => source !== 'mapping';

/** The grants of an account, or on a target, or both, in the order of giving. */
export function findGrants(
  reads: ReadStore,
  organizationId: string,
  of: { readonly accountId?: string; readonly targetId?: string },
): Promise<readonly Grant[]> {
  const { accountId, targetId } = of;
  return reads.grants.find(organizationId, { ...(accountId && { accountId }), ...(targetId && { targetId }) });
}

/** An account's grants in all organizations. */
export function findGrantsEverywhere(reads: ReadStore, accountId: string): Promise<readonly Grant[]> {
  return reads.grants.find(PLATFORM, { accountId });
}

/** Gives a role. The caller has locked what the grant relies on, and has seen that this source gives none yet. */
export async function insertGrant(tx: Transaction, organizationId: string, grant: NewGrant): Promise<Grant> {
  const row = await tx.grants.insert(organizationId, {
    _id: newId('grant'),
    organizationId,
    accountId: grant.accountId,
    target: grant.target,
    targetId: grant.targetId,
    role: grant.role,
    source: grant.source,
    sourceId: grant.sourceId ?? grant.source,
    grantedBy: grant.grantedBy,
  });
  const others = await highestOther(tx, row);
  await recordAudit(tx, organizationId, {
    type: 'grant.added',
    targetKind: 'account',
    targetId: row.accountId,
    ...(others && { before: { projectRole: others } }),
    after: { ...described(row), ...projectRole(row, others) },
  });
  return row;
}

/** Takes these grants away, each with its own audit event; those that are gone already are passed over. */
export async function removeGrants(tx: Transaction, organizationId: string, grants: readonly Grant[]): Promise<void> {
  for (const grant of grants) {
    if ((await tx.grants.remove(organizationId, { _id: grant._id })) === 0) continue;
    const others = await highestOther(tx, grant);
    await recordAudit(tx, organizationId, {
      type: 'grant.removed',
      targetKind: 'account',
      targetId: grant.accountId,
      before: { ...described(grant), ...projectRole(grant, others) },
      ...(others && { after: { projectRole: others } }),
    });
  }
}

/** Changes the role of a grant; its source stays. `grantedBy`: who is to stand for it from now on, where that changes. */
export async function changeGrantRole(
  tx: Transaction,
  organizationId: string,
  grant: Grant,
  role: Role,
  grantedBy: string = grant.grantedBy,
): Promise<Grant> {
  if (grant.role === role) return grant;
  return changeGrant(tx, organizationId, grant, { role, grantedBy });
}

/**
 * Turns mapped grants into manual ones (MAP-3, `keep`), so that they no longer depend on the mapping. Where there is a
 * manual one on the same target already, that one keeps the higher role.
 */
export async function keepAsManual(tx: Transaction, organizationId: string, grants: readonly Grant[]): Promise<void> {
  for (const grant of grants) {
    const { accountId, targetId } = grant;
    const manual = await tx.grants.findOne(organizationId, { accountId, targetId, source: 'manual' });
    if (!manual) {
      const source = { source: 'manual', sourceId: 'manual', grantedBy: tx.cause.actor } as const;
      await changeGrant(tx, organizationId, grant, source);
      continue;
    }
    // first the one that stays, so that nobody is told of a role which goes and comes back
    if (grant.role === 'admin') await changeGrantRole(tx, organizationId, manual, 'admin');
    await removeGrants(tx, organizationId, [grant]);
  }
}

async function changeGrant(
  tx: Transaction,
  organizationId: string,
  grant: Grant,
  change: Partial<Pick<Grant, 'role' | 'source' | 'sourceId' | 'grantedBy'>>,
): Promise<Grant> {
  const changed = await tx.grants.updateOne(organizationId, { _id: grant._id }, { $set: change });
  if (!changed) return grant;
  const others = await highestOther(tx, grant);
  await recordAudit(tx, organizationId, {
    type: 'grant.changed',
    targetKind: 'account',
    targetId: grant.accountId,
    before: { ...described(grant), ...projectRole(grant, others) },
    after: { ...described(changed), ...projectRole(changed, others) },
  });
  return changed;
}

/** On a project: the highest role that the account's other grants there give, if any. The member's row says so of the organization. */
async function highestOther(tx: Transaction, grant: Grant): Promise<Role | undefined> {
  if (grant.target !== 'project') return undefined;
  const { organizationId, accountId, targetId } = grant;
  const given = await findGrants(tx, organizationId, { accountId, targetId });
  return given
    .filter(({ _id }) => _id !== grant._id)
    .reduce<Role | undefined>((best, { role }) => higherRole(best, role), undefined);
}

/** What all the account's grants on the project come to, this one among them: from it subscribers see who gained or lost what (EVT-1). */
const projectRole = ({ target, role }: Grant, others: Role | undefined) =>
  target === 'project' ? { projectRole: higherRole(role, others) ?? role } : {};

/** What the audit says of a grant. */
const described = ({ target, targetId, role, source, sourceId, grantedBy }: Grant) => ({
  target,
  targetId,
  role,
  source,
  sourceId,
  grantedBy,
});
