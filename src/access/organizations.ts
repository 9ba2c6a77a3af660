/** Organizations: the paying entities, each made with its Owner, its default project and its Default Key (ORG-1, ORG-2). */
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../errors.ts';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import type { Sealer } from '../lib/secrets.ts';
import {
  type Member,
  type Organization,
  type Page,
  PLATFORM,
  type Project,
  type ReadStore,
  type Transaction,
} from '../store/index.ts';
import { createAccount, findAccountByProvenEmail, lockAccount } from './accounts.ts';
import { insertDefaultKey } from './defaultKey.ts';
import { findGrantsEverywhere } from './grants.ts';
import { defaultProjectName, insertProject } from './projects.ts';
import { deriveSlug, isSlug, slugCandidates } from './slug.ts';

export interface NewOrganization {
  readonly name: string;
  /** Derived from the name where absent. */
  readonly slug?: string | undefined;
  /** The account with this address proven, or a new one whose address the operator proves. */
  readonly owner: { readonly email: string; readonly name?: string | undefined };
}

export interface CreatedOrganization {
  readonly organization: Organization;
  readonly owner: Member;
  readonly defaultProject: Project;
}

/**
 * Makes an organization with its Owner, default project and Default Key, all or nothing (ORG-2).
 * Throws `slug_taken`, `invalid_request` (a slug that is none).
 */
export async function createOrganization(
  tx: Transaction,
  sealer: Sealer,
  input: NewOrganization,
): Promise<CreatedOrganization> {
  const { name } = input;
  const slug = await chooseSlug(tx, input);
  const { email, name: ownerName } = input.owner;
  const account =
    (await findAccountByProvenEmail(tx, email)) ??
    (await createAccount(tx, { email, name: ownerName, provenBy: 'operator' }));
  await lockAccount(tx, account._id);
  const organizationId = newId('organization');
  const settings = { multiProject: true, adminAccess: 'all', membershipPolicy: 'invitations' } as const;
  const organization = await tx.organizations.insert(organizationId, {
    _id: organizationId,
    organizationId,
    name,
    slug,
    settings,
  });
  await recordAudit(tx, organizationId, {
    type: 'organization.created',
    targetKind: 'organization',
    targetId: organizationId,
    after: { name, slug, settings: { ...settings } },
  });
  const owner = await insertOwner(tx, organizationId, account._id);
  const defaultProject = await insertProject(tx, organizationId, { name: defaultProjectName, isDefault: true });
  await insertDefaultKey(tx, sealer, organizationId, defaultProject._id);
  return { organization, owner, defaultProject };
}

async function insertOwner(tx: Transaction, organizationId: string, accountId: string): Promise<Member> {
  const owner = await tx.members.insert(organizationId, {
    _id: newId('member'),
    organizationId,
    accountId,
    role: 'admin',
    status: 'active',
    source: 'owner',
    owner: true,
  });
  await recordAudit(tx, organizationId, {
    type: 'member.added',
    targetKind: 'member',
    targetId: owner._id,
    after: { accountId, role: 'admin', status: 'active', source: 'owner', owner: true },
  });
  return owner;
}

async function chooseSlug(tx: Transaction, input: NewOrganization): Promise<string> {
  if (input.slug === undefined) return freeSlug(tx, deriveSlug(input.name));
  if (!isSlug(input.slug)) {
    throw new AppError('invalid_request', 'A slug is 1 to 63 lower-case letters, digits and inner hyphens');
  }
  if (await findOrganizationBySlug(tx, input.slug)) {
    throw new AppError('slug_taken', `There is an organization with the slug ${input.slug} already`);
  }
  return input.slug;
}

async function freeSlug(tx: Transaction, base: string): Promise<string> {
  for (const candidates of slugCandidates(base)) {
    const rows = await tx.organizations.find(PLATFORM, { slug: { $in: candidates } });
    const taken = new Set(rows.map((row) => row.slug));
    const free = candidates.find((candidate) => !taken.has(candidate));
    if (free) return free;
  }
  throw new AppError('slug_taken', `All slugs like ${base} are taken: choose one`);
}

/** The organization; throws `not_found`. */
export async function getOrganization(reads: ReadStore, organizationId: string): Promise<Organization> {
  const organization = await reads.organizations.get(organizationId, organizationId);
  if (!organization) throw new AppError('not_found', `There is no organization ${organizationId}`);
  return organization;
}

export function findOrganizationBySlug(reads: ReadStore, slug: string): Promise<Organization | undefined> {
  return reads.organizations.findOne(PLATFORM, { slug });
}

/** A page of all organizations, in the order of making. */
export function listOrganizations(
  reads: ReadStore,
  options: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<Organization>> {
  return reads.organizations.page(PLATFORM, {}, options);
}

/** What may be changed of an organization. `multiProject` is the operator's to change (PRJ-8): the caller sees to it. */
export interface OrganizationChange {
  readonly name?: string | undefined;
  /** Where bills go; null takes it away. */
  readonly billingContact?: string | null | undefined;
  readonly settings?: { readonly [K in keyof Organization['settings']]?: Organization['settings'][K] | undefined };
}

/**
 * Changes name, billing contact and settings; what is absent stays, and what is as it was is no change.
 * Throws `not_found`, `projects_remain` where multiProject is to be switched off while there are projects besides the default
 * one (PRJ-8), and `no_active_connection` where SSO is to be enforced that nobody could come through (SSO-5).
 */
export async function updateOrganization(
  tx: Transaction,
  organizationId: string,
  change: OrganizationChange,
): Promise<Organization> {
  const organization = await getOrganization(tx, organizationId);
  const settings = changeSettings(organization.settings, change.settings ?? {});
  if (settings.ssoEnforced && !organization.settings.ssoEnforced) await requireActiveConnection(tx, organizationId);
  if (organization.settings.multiProject && !settings.multiProject) await requireOnlyDefault(tx, organizationId);
  const name = change.name ?? organization.name;
  const billingContact = change.billingContact === undefined ? organization.billingContact : change.billingContact;
  const [before, after] = [toAudit(organization), toAudit({ name, settings, billingContact })];
  if (isDeepStrictEqual(before, after)) return organization;
  const changed = await tx.organizations.updateOne(
    organizationId,
    { _id: organizationId },
    {
      $set: { name, settings, ...(billingContact && { billingContact }) },
      ...(billingContact === null && { $unset: { billingContact: true } }),
    },
  );
  await recordAudit(tx, organizationId, {
    type: 'organization.updated',
    targetKind: 'organization',
    targetId: organizationId,
    before,
    after,
  });
  return changed ?? organization;
}

const toAudit = ({
  name,
  settings,
  billingContact,
}: Pick<Organization, 'name' | 'settings'> & { readonly billingContact?: string | null | undefined }) => ({
  name,
  settings: { ...settings },
  ...(billingContact && { billingContact }),
});

/** The settings with those of `change` that are given. */
function changeSettings(
  settings: Organization['settings'],
  change: NonNullable<OrganizationChange['settings']>,
): Organization['settings'] {
  return { ...settings, ...Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) };
}

async function requireActiveConnection(tx: Transaction, organizationId: string): Promise<void> {
  if (await tx.connections.findOne(organizationId, { status: 'active' })) return;
  throw new AppError('no_active_connection', 'SSO can be enforced once a connection is active: activate one first');
}

/**
 * Makes sure that enforced SSO keeps a way in when one connection is no longer active: another one, or the enforcement ends
 * first (SSO-5). The organization is held, so that nobody enforces it meanwhile. Throws `no_active_connection`.
 */
export async function keepWayIn(tx: Transaction, organizationId: string, leavingId: string): Promise<void> {
  await tx.organizations.lock(organizationId, organizationId);
  const { settings } = await getOrganization(tx, organizationId);
  if (!settings.ssoEnforced) return;
  if (await tx.connections.findOne(organizationId, { status: 'active', _id: { $ne: leavingId } })) return;
  throw new AppError(
    'no_active_connection',
    'SSO is enforced, and this is the last active connection: nobody but the Owner could come in. End the enforcement first',
  );
}

async function requireOnlyDefault(tx: Transaction, organizationId: string): Promise<void> {
  if ((await tx.projects.count(organizationId, { isDefault: { $ne: true } })) === 0) return;
  throw new AppError('projects_remain', 'The organization has projects besides the default one: remove them first');
}

/** An organization that an account belongs to: as a member, or as an External Collaborator of some project. */
export interface Belonging {
  readonly organization: Organization;
  readonly member?: Member;
  readonly external: boolean;
}

/** The organizations of an account; those where it is suspended are among them, with the member's status, closed ones are not. */
export async function findOrganizationsOf(reads: ReadStore, accountId: string): Promise<readonly Belonging[]> {
  const members = await reads.members.find(PLATFORM, { accountId });
  const grants = await findGrantsEverywhere(reads, accountId);
  const byOrganization = new Map(members.map((member) => [member.organizationId, member]));
  const external = grants.filter(({ source }) => source === 'manual').map(({ organizationId }) => organizationId);
  const ids = [...new Set([...byOrganization.keys(), ...external])];
  const organizations = await reads.organizations.find(PLATFORM, { _id: { $in: ids } });
  const open = organizations.filter(({ closedAt }) => closedAt === undefined);
  return open.map((organization) => {
    const member = byOrganization.get(organization._id);
    return { organization, external: !member, ...(member && { member }) };
  });
}
