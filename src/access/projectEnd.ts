/** The end of a project: refused while something would be lost that nobody named, else all that is its own goes with it. */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import type { Transaction } from '../store/index.ts';
import { findGrants, removeGrants } from './grants.ts';
import { lockProject } from './projects.ts';

export interface RemovedProject {
  readonly resources: number;
  readonly keys: number;
  /** People who had been added or mapped. */
  readonly collaborators: number;
}

/** So many of the mappings that are in the way are named. */
const shownMappings = 20;

/**
 * Deletes a project with its keys, collaborators and, where `force` says so, its registered resources; answers how many.
 * Throws `not_found`, `default_project_protected` (PRJ-2), `mappings_remain` (what becomes of the grants of a mapping has to
 * be said, MAP-3: so each is deleted first), `resources_remain`. Whoever adds something to the project locks it, so that
 * nothing is added to one that goes.
 */
export async function deleteProject(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  { force = false }: { readonly force?: boolean | undefined } = {},
): Promise<RemovedProject> {
  const project = await lockProject(tx, organizationId, projectId);
  if (project.isDefault) {
    throw new AppError('default_project_protected', 'The default project of an organization cannot be deleted');
  }
  await refuseMappings(tx, organizationId, projectId);
  const resources = await tx.resources.count(organizationId, { projectId });
  if (resources > 0 && !force) {
    throw new AppError(
      'resources_remain',
      `The project has ${resources === 1 ? 'a resource' : `${resources} resources`}: remove them first, or ask with force=true`,
      { details: { resources } },
    );
  }
  await tx.resources.remove(organizationId, { projectId });
  const keys = await removeKeys(tx, organizationId, projectId);
  const grants = await findGrants(tx, organizationId, { targetId: projectId });
  await removeGrants(tx, organizationId, grants);
  await tx.projects.remove(organizationId, { _id: projectId });
  const removed = { resources, keys, collaborators: new Set(grants.map(({ accountId }) => accountId)).size };
  await recordAudit(tx, organizationId, {
    type: 'project.deleted',
    targetKind: 'project',
    targetId: projectId,
    before: { name: project.name, archived: project.archivedAt !== undefined },
    after: { ...removed },
  });
  return removed;
}

async function refuseMappings(tx: Transaction, organizationId: string, projectId: string): Promise<void> {
  const mappings = await tx.mappings.find(organizationId, { targetId: projectId });
  if (mappings.length === 0) return;
  throw new AppError(
    'mappings_remain',
    `${mappings.length === 1 ? 'A mapping gives' : `${mappings.length} mappings give`} roles in this project: delete them first, and say what becomes of their grants`,
    { details: { mappingIds: mappings.slice(0, shownMappings).map(({ _id }) => _id) } },
  );
}

async function removeKeys(tx: Transaction, organizationId: string, projectId: string): Promise<number> {
  const keys = await tx.apiKeys.find(organizationId, { projectId });
  for (const { _id, name = '', lastFour } of keys) {
    await recordAudit(tx, organizationId, {
      type: 'key.removed',
      targetKind: 'apiKey',
      targetId: _id,
      before: { projectId, name, lastFour },
    });
  }
  return tx.apiKeys.remove(organizationId, { projectId });
}
