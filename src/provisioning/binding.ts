/** Which group a mapping is bound to: its id, and for the day on which it is made again, its externalId (MAP-1). */
import { recordAudit } from '../events/index.ts';
import { enqueue } from '../queue/index.ts';
import type { DirectoryGroup, Mapping, Transaction } from '../store/index.ts';
import type { Note } from './notes.ts';

/**
 * Called when a group has come, or has another externalId: its own mappings remember the externalId, and mappings of
 * deleted groups of this directory with the same externalId are bound to it. Never by name.
 */
export async function bindMappings(tx: Transaction, group: DirectoryGroup): Promise<readonly Note[]> {
  await rememberExternalId(tx, group);
  const orphans = await findOrphans(tx, group);
  if (orphans.length === 0) return [];
  const notes: Note[] = [];
  for (const mapping of orphans) if (!(await bind(tx, mapping, group))) notes.push('group_not_bound');
  await enqueue(tx, group.organizationId, 'reconcile-groups', { groups: [group._id] });
  return [...new Set(notes)];
}

async function rememberExternalId(tx: Transaction, group: DirectoryGroup): Promise<void> {
  const { organizationId, _id: groupId, externalId } = group;
  for (const mapping of await tx.mappings.find(organizationId, { groupId })) {
    if (mapping.groupExternalId === externalId) continue;
    await tx.mappings.updateOne(
      organizationId,
      { _id: mapping._id },
      externalId === undefined ? { $unset: { groupExternalId: true } } : { $set: { groupExternalId: externalId } },
    );
  }
}

async function findOrphans(tx: Transaction, group: DirectoryGroup): Promise<readonly Mapping[]> {
  const { organizationId, directoryId, externalId } = group;
  if (externalId === undefined) return [];
  const alike = await tx.mappings.find(organizationId, { directoryId, groupExternalId: externalId });
  const orphans: Mapping[] = [];
  for (const mapping of alike) {
    if (mapping.groupId === group._id) continue;
    if (!(await tx.directoryGroups.get(organizationId, mapping.groupId))) orphans.push(mapping);
  }
  return orphans;
}

/** Answers false where the group has a mapping of its own on the same target: one group gives one role on it. */
async function bind(tx: Transaction, mapping: Mapping, group: DirectoryGroup): Promise<boolean> {
  const { organizationId, _id, target, targetId, role } = mapping;
  if (await tx.mappings.findOne(organizationId, { groupId: group._id, targetId })) return false;
  await tx.mappings.updateOne(organizationId, { _id }, { $set: { groupId: group._id } });
  await recordAudit(tx, organizationId, {
    type: 'mapping.bound_again',
    targetKind: 'mapping',
    targetId: _id,
    before: { groupId: mapping.groupId },
    after: { groupId: group._id, target, targetId, role },
  });
  return true;
}
