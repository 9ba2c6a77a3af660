/** Mappings: the members of a directory group get a role, in a project or in the organization (MAP-1, MAP-2, MAP-3). */
import { keepAsManual, refreshMemberRole } from '../access/index.ts';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { enqueue } from '../queue/index.ts';
import type { Grant, Mapping, Page, PageOptions, ReadStore, Transaction } from '../store/index.ts';
import { findAccountsIn } from './concerned.ts';

type Role = 'admin' | 'member';

export interface NewMapping {
  readonly groupId: string;
  readonly target: 'organization' | 'project';
  /** The project's id, or the organization's. */
  readonly targetId: string;
  readonly role: Role;
}

/** What becomes of the grants that a mapping has given, where it ends or gives less (MAP-3): there is no default. */
export type GrantsChoice = 'revoke' | 'keep';

/**
 * Gives a group's members a role from now on. Throws `not_found` (group or project), `default_project_protected`
 * (PRJ-2: there the role follows the organization's), `invalid_request` (an organization mapping gives Admin only),
 * `mapping_exists` (the group has one on this target).
 */
export async function createMapping(tx: Transaction, organizationId: string, input: NewMapping): Promise<Mapping> {
  const { groupId, target, targetId, role } = input;
  const group = await tx.directoryGroups.lock(organizationId, groupId);
  if (!group) throw new AppError('not_found', `There is no group ${groupId} in this organization's directories`);
  await verifyTarget(tx, organizationId, input);
  const existing = await tx.mappings.findOne(organizationId, { groupId, targetId });
  if (existing) {
    throw new AppError('mapping_exists', `Mapping ${existing._id} gives this group a role there: change that one`, {
      details: { mappingId: existing._id },
    });
  }
  const mapping = await tx.mappings.insert(organizationId, {
    _id: newId('mapping'),
    organizationId,
    directoryId: group.directoryId,
    groupId,
    ...(group.externalId !== undefined && { groupExternalId: group.externalId }),
    target,
    targetId,
    role,
  });
  await recordAudit(tx, organizationId, {
    type: 'mapping.created',
    targetKind: 'mapping',
    targetId: mapping._id,
    after: described(mapping),
  });
  await enqueue(tx, organizationId, 'reconcile-groups', { groups: [groupId] });
  return mapping;
}

async function verifyTarget(tx: Transaction, organizationId: string, input: NewMapping): Promise<void> {
  if (input.target === 'organization') {
    if (input.targetId !== organizationId)
      throw new AppError('not_found', `There is no organization ${input.targetId}`);
    refuseOrganizationMember(input.role);
    return;
  }
  const project = await tx.projects.lock(organizationId, input.targetId);
  if (!project) throw new AppError('not_found', `There is no project ${input.targetId} in this organization`);
  if (project.archivedAt) throw new AppError('project_archived', 'The project is archived: open it again first');
  if (project.isDefault) {
    throw new AppError('default_project_protected', 'In the default project everybody has their organization role');
  }
}

function refuseOrganizationMember(role: Role): void {
  if (role === 'admin') return;
  throw new AppError('invalid_request', 'A mapping on the organization gives the role admin: every member has member');
}

/** The organization's mappings, in the order of making. */
export function listMappings(reads: ReadStore, organizationId: string, page: PageOptions): Promise<Page<Mapping>> {
  return reads.mappings.page(organizationId, {}, page);
}

/** The mapping; throws `not_found`. */
export async function getMapping(reads: ReadStore, organizationId: string, mappingId: string): Promise<Mapping> {
  const mapping = await reads.mappings.get(organizationId, mappingId);
  if (!mapping) throw new AppError('not_found', `There is no mapping ${mappingId} in this organization`);
  return mapping;
}

/**
 * Changes the role that a mapping gives. From Admin to Member it narrows, and `grants` must say whether those who have
 * Admin by it keep that as a manual grant. Throws `not_found`, `grants_choice_required`, `invalid_request`.
 */
export async function changeMapping(
  tx: Transaction,
  organizationId: string,
  mappingId: string,
  change: { readonly role?: Role | undefined; readonly grants?: GrantsChoice | undefined },
): Promise<Mapping> {
  const mapping = await getMapping(tx, organizationId, mappingId);
  const { role, grants } = change;
  if (role === undefined || role === mapping.role) return mapping;
  if (mapping.target === 'organization') refuseOrganizationMember(role);
  if (role === 'member') await applyChoice(tx, mapping, grants);
  const changed = await tx.mappings.updateOne(
    organizationId,
    { _id: mappingId, version: mapping.version },
    { $set: { role } },
  );
  if (!changed) throw changedMeanwhile();
  await recordAudit(tx, organizationId, {
    type: 'mapping.changed',
    targetKind: 'mapping',
    targetId: mappingId,
    before: described(mapping),
    after: { ...described(changed), ...(grants && { grants }) },
  });
  await reconcileMapping(tx, mapping);
  return changed;
}

/** Ends a mapping. Throws `not_found`, `grants_choice_required` where nobody said what becomes of its grants (MAP-3). */
export async function deleteMapping(
  tx: Transaction,
  organizationId: string,
  mappingId: string,
  grants: GrantsChoice | undefined,
): Promise<void> {
  const mapping = await getMapping(tx, organizationId, mappingId);
  const choice = await applyChoice(tx, mapping, grants);
  if ((await tx.mappings.remove(organizationId, { _id: mappingId, version: mapping.version })) === 0) {
    throw changedMeanwhile();
  }
  await recordAudit(tx, organizationId, {
    type: 'mapping.deleted',
    targetKind: 'mapping',
    targetId: mappingId,
    before: described(mapping),
    after: { grants: choice },
  });
  await reconcileMapping(tx, mapping);
}

/**
 * `keep` turns the grants of those who are in the group now into manual ones; what is left, reconciliation takes back.
 * A grant of somebody who has left the group a moment ago is not kept.
 */
async function applyChoice(tx: Transaction, mapping: Mapping, choice: GrantsChoice | undefined): Promise<GrantsChoice> {
  if (choice === undefined) {
    throw new AppError(
      'grants_choice_required',
      'Say what becomes of the grants of this mapping: ?grants=revoke or ?grants=keep',
      {
        details: { choices: ['revoke', 'keep'] },
      },
    );
  }
  if (choice === 'revoke') return choice;
  const { organizationId, _id, groupId, target } = mapping;
  const entitled = new Set(await findAccountsIn(tx, organizationId, [groupId]));
  const given = await tx.grants.find(organizationId, { sourceId: _id, source: 'mapping' });
  const kept: readonly Grant[] = given.filter(({ accountId }) => entitled.has(accountId));
  await keepAsManual(tx, organizationId, kept);
  if (target === 'organization') {
    for (const { accountId } of kept) await refreshMemberRole(tx, organizationId, accountId);
  }
  return choice;
}

/** Whoever is in the group, and whoever has a grant by the mapping, in whatever order changes of both commit. */
async function reconcileMapping(tx: Transaction, { organizationId, _id, groupId }: Mapping): Promise<void> {
  await enqueue(tx, organizationId, 'reconcile-groups', { groups: [groupId], mappings: [_id] });
}

const changedMeanwhile = () => new AppError('stale', 'The mapping was changed by somebody else meanwhile: try again');

const described = ({ groupId, target, targetId, role }: Mapping) => ({ groupId, target, targetId, role });
