/** The story's beginning: an organization, its people, its groups, and what those are worth. */
import type { Idp } from '../idp.ts';
import type { Profile } from '../population.ts';
import { expectMay } from './checks.ts';
import {
  alice,
  ben,
  chen,
  dora,
  emil,
  everybody,
  fay,
  labDomain,
  mainDomain,
  olivia,
  personOf,
  type Scene,
} from './scene.ts';

/** People before any IdP: the Owner, and somebody who was added by hand. */
export async function foundOrganization(scene: Scene): Promise<void> {
  const { stage, tenant, projects, platform } = scene;
  stage.chapter('An organization, before any push');
  stage.tell(
    'Northwind has an Owner (Olivia), three projects, two verified domains, and two directories that wait for their ' +
      'IdPs. Ben was made a member by hand, with the role Member in production.',
  );
  await tenant.addMember({ email: ben.email, name: ben.displayName });
  await tenant.addCollaborator(projects.production, ben.email);
  await expectMay(
    scene,
    'The Owner may change the organization',
    olivia.email,
    'organization.update',
    tenant.organization,
    true,
  );
  await expectMay(
    scene,
    'Ben may submit jobs on production: added by hand',
    ben.email,
    'cluster.submit-job',
    projects.production,
    true,
  );
  const stranger = await platform.may(alice.email, 'project.read', tenant.defaultProject);
  stage.expect(
    'Alice is nobody yet',
    stranger.context.reason.code === 'unknown_subject',
    stranger.context.reason.message,
  );
}

/** Both IdPs push everybody. */
export async function pushPeople(
  scene: Scene,
  sizes: { readonly okta: number; readonly entra: number },
): Promise<void> {
  const { stage, okta, entra, tenant, projects } = scene;
  stage.chapter(`${sizes.okta + sizes.entra} people arrive`);
  stage.tell('Each IdP looks every person up (userName eq …), finds nobody, and creates them, in its own dialect.');
  await assign(scene, 'Okta ', okta, everybody(mainDomain, [olivia, alice, ben, chen], sizes.okta, 7));
  await assign(scene, 'Entra', entra, everybody(labDomain, [dora, emil, fay], sizes.entra, 8));
  const members = await tenant.members();
  const total = sizes.okta + sizes.entra;
  stage.expect(
    `${total} members: Olivia and Ben, who were there already, were adopted and not doubled`,
    members.length === total && members.every(({ status }) => status === 'active'),
    `${members.length} members`,
  );
  const owners = members.filter(({ isOwner }) => isOwner);
  stage.expect(
    'One Owner, an active Admin',
    owners.length === 1 && owners[0]?.role === 'admin' && owners[0]?.status === 'active',
  );
  await expectMay(
    scene,
    "Ben's role in production, given by hand, is still there",
    ben.email,
    'cluster.submit-job',
    projects.production,
    true,
  );
  await expectMay(
    scene,
    'Alice may use the default project, as every member',
    alice.email,
    'cluster.submit-job',
    tenant.defaultProject,
    true,
  );
  await expectMay(
    scene,
    'Alice may not even look at production',
    alice.email,
    'project.read',
    projects.production,
    false,
  );
}

async function assign({ stage }: Scene, label: string, idp: Idp, profiles: readonly Profile[]): Promise<void> {
  const begun = performance.now();
  const before = idp.sent;
  const progress = stage.progress(label);
  await idp.assign(idp.hire(profiles), progress.update);
  const seconds = (performance.now() - begun) / 1000;
  progress.done(`${profiles.length} people, ${idp.sent - before} requests, ${seconds.toFixed(1)} s`);
}

/** The groups of each IdP, by name, with whom they hold. */
const oktaGroups: readonly (readonly [string, (department: string | undefined, profile: Profile) => boolean])[] = [
  ['gpu-production-admins', (_, { userName }) => userName === chen.userName || userName === olivia.userName],
  ['gpu-production-users', (department) => department === 'Engineering'],
  ['research-scientists', (department) => department === 'Research'],
  ['platform-team', (_, { title }) => title === 'Site Reliability Engineer'],
  ['support', (department) => department === 'Support'],
  ['finance', (department) => department === 'Finance'],
  ['everyone', () => true],
];
const entraGroups: typeof oktaGroups = [
  ['LAB-GPU-Admins', (_, { userName }) => userName === dora.userName],
  ['LAB-Researchers', (department) => department === 'Research'],
  ['LAB-Inference', (department) => department === 'Engineering' || department === 'Support'],
  ['LAB-Evaluations', (department) => department === 'Support'],
  ['LAB-All', () => true],
];

/** Both IdPs push their groups, which means nothing until somebody maps them. */
export async function pushGroups(scene: Scene): Promise<void> {
  const { stage, okta, entra, projects } = scene;
  stage.chapter(`${oktaGroups.length + entraGroups.length} groups arrive`);
  stage.tell('Okta creates a group with its members; Entra creates it empty and adds them by PATCH.');
  const progress = stage.progress('Groups');
  let done = 0;
  for (const [idp, groups] of [
    [okta, oktaGroups],
    [entra, entraGroups],
  ] as const) {
    for (const [name, holds] of groups) {
      const members = idp.people.filter(({ profile }) => holds(profile.department, profile));
      await idp.pushGroup(
        name,
        members.map(({ id }) => id),
      );
      done += 1;
      progress.update(done, oktaGroups.length + entraGroups.length);
    }
  }
  const memberships = [...okta.groups, ...entra.groups].reduce((sum, { members }) => sum + members.size, 0);
  progress.done(`${done} groups, ${memberships} memberships`);
  await expectMay(
    scene,
    'A group alone gives nothing: Chen may not read production',
    chen.email,
    'project.read',
    projects.production,
    false,
  );
}

/** Mappings turn groups into roles. */
export async function mapGroups(scene: Scene): Promise<void> {
  const { stage, tenant, projects, platform, okta, entra } = scene;
  stage.chapter('Mappings turn groups into roles');
  const wanted = [
    [okta, 'gpu-production-admins', projects.production, 'admin'],
    [okta, 'gpu-production-users', projects.production, 'member'],
    [okta, 'research-scientists', projects.research, 'member'],
    [okta, 'platform-team', tenant.organization, 'admin'],
    [okta, 'support', projects.inference, 'member'],
    [entra, 'LAB-GPU-Admins', projects.research, 'admin'],
    [entra, 'LAB-Researchers', projects.research, 'member'],
    [entra, 'LAB-Inference', projects.inference, 'member'],
  ] as const;
  const begun = performance.now();
  for (const [idp, name, target, role] of wanted) await tenant.map(scimIdOf(idp, name), target, role);
  await platform.settle(emil.email, 'project.read', projects.research, true);
  await platform.settle(chen.email, 'cluster.create', projects.production, true);
  stage.tell(
    `${wanted.length} mappings, all roles in place ${Math.round(performance.now() - begun)} ms after the first was asked for.`,
  );
  await expectMay(
    scene,
    'Chen is Admin of production: may create clusters',
    chen.email,
    'cluster.create',
    projects.production,
    true,
  );
  await expectMay(
    scene,
    'Alice is Member of production: may submit jobs …',
    alice.email,
    'cluster.submit-job',
    projects.production,
    true,
  );
  await expectMay(scene, '… but not create clusters', alice.email, 'cluster.create', projects.production, false);
  await expectMay(
    scene,
    'Dora is Admin of research, through Entra',
    dora.email,
    'cluster.create',
    projects.research,
    true,
  );
  await expectMay(
    scene,
    'Nothing leaks: Dora may not read production',
    dora.email,
    'project.read',
    projects.production,
    false,
  );
}

/** The SCIM id of this IdP's group of this name. */
export const scimIdOf = (idp: Idp, name: string): string => idp.scimId(groupNamed(idp, name));

/** The IdP's id of its group of this name. */
export function groupNamed(idp: Idp, name: string): string {
  const group = idp.groups.find((one) => one.name === name);
  if (!group) throw new Error(`the IdP has no group ${name}`);
  return group.id;
}

/** The IdP's id of this person. */
export const idOf = (idp: Idp, profile: Profile): string => personOf(idp, profile).id;
