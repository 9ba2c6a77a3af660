/** Projects: isolated workspaces of one organization, one of them the default (PRJ-1, PRJ-2, PRJ-3, PRJ-8). */
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { caseKey } from '../lib/text.ts';
import { type Change, PLATFORM, type Project, type ReadStore, type Transaction } from '../store/index.ts';
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

/** Keeps a project from changing or vanishing while something is done in it; throws `not_found`. */
export async function lockProject(tx: Transaction, organizationId: string, projectId: string): Promise<Project> {
  const project = await tx.projects.lock(organizationId, projectId);
  if (!project) throw noProject(projectId);
  return project;
}

/** The same where something is to be added; throws `project_archived` too. */
export async function lockOpenProject(tx: Transaction, organizationId: string, projectId: string): Promise<Project> {
  const project = await lockProject(tx, organizationId, projectId);
  if (project.archivedAt) throw projectArchived(project);
  return project;
}

const projectArchived = ({ name }: Project) =>
  new AppError(
    'project_archived',
    `The project ${JSON.stringify(name)} is archived: nothing is added to it or changed`,
  );

/**
 * Makes a project. With `creatorId`, that member becomes its Admin (PRJ-3); the operator leaves it out.
 * Throws `multi_project_off` (PRJ-8), `project_name_taken` (compared without case), `not_found` (no such organization),
 * `not_organization_member` (the creator is no active member).
 */
export async function createProject(
  tx: Transaction,
  organizationId: string,
  input: {
    readonly name: string;
    readonly description?: string | undefined;
    readonly creatorId?: string | undefined;
  },
): Promise<Project> {
  const { name, description, creatorId } = input;
  const organization = await tx.organizations.lock(organizationId, organizationId);
  if (!organization) throw new AppError('not_found', `There is no organization ${organizationId}`);
  if (!organization.settings.multiProject) {
    throw new AppError('multi_project_off', 'This organization has only its default project: multiProject is off');
  }
  await refuseTakenName(tx, organizationId, name);
  const project = await insertProject(tx, organizationId, { name, description });
  if (creatorId) await makeCreatorAdmin(tx, project, creatorId);
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
  input: { readonly name: string; readonly description?: string | undefined; readonly isDefault?: true },
): Promise<Project> {
  const { name, description, isDefault } = input;
  const project = await tx.projects.insert(organizationId, {
    _id: newId('project'),
    organizationId,
    name,
    nameKey: caseKey(name),
    ...(description !== undefined && { description }),
    ...(isDefault && { isDefault }),
  });
  await recordAudit(tx, organizationId, {
    type: 'project.created',
    targetKind: 'project',
    targetId: project._id,
    after: { ...described(project), isDefault: isDefault === true },
  });
  return project;
}

async function refuseTakenName(tx: Transaction, organizationId: string, name: string, except?: string): Promise<void> {
  const holder = await tx.projects.findOne(organizationId, { nameKey: caseKey(name) });
  if (!holder || holder._id === except) return;
  // Whoever asks may not know of the project that has it (PRJ-1): neither how it is spelt there is told, nor what has become of it.
  throw new AppError('project_name_taken', 'This name cannot be used in the organization: choose another one');
}

/** What may be changed of a project; a `description` of null takes it away. */
export interface ProjectChange {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
}

/** Renames a project, or describes it otherwise. Throws `not_found`, `project_archived`, `project_name_taken`. */
export async function updateProject(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  change: ProjectChange,
): Promise<Project> {
  const project = await tx.projects.get(organizationId, projectId);
  if (!project) throw noProject(projectId);
  const { name = project.name } = change;
  const description = change.description === undefined ? project.description : (change.description ?? undefined);
  if (name === project.name && description === project.description) return project;
  if (project.archivedAt) throw projectArchived(project);
  if (name !== project.name) await refuseTakenName(tx, organizationId, name, projectId);
  const changed = await changeProject(tx, project, {
    $set: { name, nameKey: caseKey(name), ...(description !== undefined && { description }) },
    ...(description === undefined && { $unset: { description: true } }),
  });
  await recordAudit(tx, organizationId, {
    type: 'project.updated',
    targetKind: 'project',
    targetId: projectId,
    before: described(project),
    after: described(changed),
  });
  return changed;
}

/**
 * Archives a project, or opens it again. Its keys are good for nothing while it is archived: that stands on their rows, so
 * that verification asks nothing else. Said again it changes nothing. Throws `not_found`, `default_project_protected`.
 */
export async function archiveProject(
  tx: Transaction,
  organizationId: string,
  projectId: string,
  archived: boolean,
): Promise<Project> {
  const project = await tx.projects.get(organizationId, projectId);
  if (!project) throw noProject(projectId);
  if (project.isDefault && archived) {
    throw new AppError('default_project_protected', 'The default project of an organization cannot be archived');
  }
  if ((project.archivedAt !== undefined) === archived) return project;
  const changed = await changeProject(
    tx,
    project,
    archived ? { $set: { archivedAt: tx.at } } : { $unset: { archivedAt: true } },
  );
  await tx.apiKeys.update(
    organizationId,
    { projectId },
    archived ? { $set: { projectArchived: true } } : { $unset: { projectArchived: true } },
  );
  await recordAudit(tx, organizationId, {
    type: archived ? 'project.archived' : 'project.unarchived',
    targetKind: 'project',
    targetId: projectId,
    after: described(changed),
  });
  return changed;
}

async function changeProject(tx: Transaction, project: Project, change: Change<Project>): Promise<Project> {
  return (await tx.projects.updateOne(project.organizationId, { _id: project._id }, change)) ?? project;
}

/** Every project of an organization, in the order of making: the operator's view. */
export function listProjects(reads: ReadStore, organizationId: string): Promise<readonly Project[]> {
  return reads.projects.find(organizationId, {});
}

/** What the audit says of a project. */
const described = ({ name, description }: Project) => ({ name, ...(description !== undefined && { description }) });
