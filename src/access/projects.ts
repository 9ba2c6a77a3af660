/** Projects: isolated workspaces of one organization, one of them the default (PRJ-1, PRJ-2, PRJ-3, PRJ-8). */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { caseKey } from '../lib/text.ts';
import { PLATFORM, type Project, type ReadStore, type Transaction } from '../store/index.ts';
import { insertGrant } from './grants.ts';
import { findMember } from './members.ts';

/** The name of the project that every organization is made with. */
export const defaultProjectName = 'Default';

/** The project; throws `not_found`. Whether somebody may know of it is for the caller to ask. */
export async function getProject(reads: ReadStore, projectId: string): Promise<Project> {
  const project = await reads.projects.get(PLATFORM, projectId);
  if (!project) throw noProject(projectId);
  return project;
}

const noProject = (projectId: string) => new AppError('not_found', `There is no project ${projectId}`);

/** The default project of an organization (PRJ-2); throws `not_found`. */
export async function getDefaultProject(reads: ReadStore, organizationId: string): Promise<Project> {
  const project = await reads.projects.findOne(organizationId, { isDefault: true });
  if (!project) throw new AppError('not_found', 'There is no such organization');
  return project;
}

/**
 * Makes a project. With `creatorId`, that member becomes its Admin (PRJ-3); the operator leaves it out.
 * Throws `multi_project_off` (PRJ-8), `project_name_taken` (compared without case), `not_found` (no such organization),
 * `not_organization_member` (the creator is no active member).
 */
export async function createProject(
  tx: Transaction,
  organizationId: string,
  input: { readonly name: string; readonly creatorId?: string | undefined },
): Promise<Project> {
  const organization = await tx.organizations.lock(organizationId, organizationId);
  if (!organization) throw new AppError('not_found', `There is no organization ${organizationId}`);
  if (!organization.settings.multiProject) {
    throw new AppError('multi_project_off', 'This organization has only its default project: multiProject is off');
  }
  await refuseTakenName(tx, organizationId, input.name);
  const project = await insertProject(tx, organizationId, { name: input.name });
  if (input.creatorId) await makeCreatorAdmin(tx, project, input.creatorId);
  return project;
}

async function makeCreatorAdmin(tx: Transaction, project: Project, accountId: string): Promise<void> {
  const { organizationId } = project;
  const member = await findMember(tx, organizationId, accountId);
  if (member?.status !== 'active') {
    throw new AppError('not_organization_member', 'Only an active member of the organization can create a project');
  }
  await tx.members.lock(organizationId, member._id);
  await insertGrant(tx, organizationId, {
    accountId,
    target: 'project',
    targetId: project._id,
    role: 'admin',
    source: 'creator',
    grantedBy: tx.cause.actor,
  });
}

/** Writes the row of a project whose name is free. */
export async function insertProject(
  tx: Transaction,
  organizationId: string,
  input: { readonly name: string; readonly isDefault?: true },
): Promise<Project> {
  const { name, isDefault } = input;
  const project = await tx.projects.insert(organizationId, {
    _id: newId('project'),
    organizationId,
    name,
    nameKey: caseKey(name),
    ...(isDefault && { isDefault }),
  });
  await recordAudit(tx, organizationId, {
    type: 'project.created',
    targetKind: 'project',
    targetId: project._id,
    after: { name, isDefault: isDefault === true },
  });
  return project;
}

async function refuseTakenName(tx: Transaction, organizationId: string, name: string, except?: string): Promise<void> {
  const holder = await tx.projects.findOne(organizationId, { nameKey: caseKey(name) });
  if (!holder || holder._id === except) return;
  throw new AppError(
    'project_name_taken',
    `The organization has a project named ${JSON.stringify(holder.name)} already`,
  );
}

/** Renames a project. Throws `not_found`, `project_name_taken`. */
export async function updateProject(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  change: { readonly name?: string | undefined },
): Promise<Project> {
  const project = await tx.projects.get(organizationId, projectId);
  if (!project) throw noProject(projectId);
  const { name } = change;
  if (name === undefined || name === project.name) return project;
  await refuseTakenName(tx, organizationId, name, projectId);
  const changed = await tx.projects.updateOne(
    organizationId,
    { _id: projectId },
    { $set: { name, nameKey: caseKey(name) } },
  );
  await recordAudit(tx, organizationId, {
    type: 'project.updated',
    targetKind: 'project',
    targetId: projectId,
    before: { name: project.name },
    after: { name },
  });
  return changed ?? project;
}

/** Every project of an organization, in the order of making: the operator's view. */
export function listProjects(reads: ReadStore, organizationId: string): Promise<readonly Project[]> {
  return reads.projects.find(organizationId, {});
}
