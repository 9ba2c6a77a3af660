/** The story's end: what an IdP cannot do, what a mapping cannot lose, and who has which role where and why. */
import { z } from 'zod';
import { ScimFailure } from '../scimClient.ts';
import { groupNamed, idOf } from './beginning.ts';
import { expectMay, watch } from './checks.ts';
import { alice, olivia, type Scene } from './scene.ts';

const auditEvent = z.looseObject({ type: z.string(), outcome: z.string() });
const mapping = z.looseObject({ id: z.string(), groupId: z.string(), projectId: z.string().optional() });

/** The IdP tries to deactivate the Owner. */
export async function touchTheOwner(scene: Scene): Promise<void> {
  const { stage, okta, tenant, platform } = scene;
  stage.chapter('Okta tries to deactivate the Owner');
  scene.showWire(true);
  const refusal = await okta.deactivate(idOf(okta, olivia)).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ScimFailure) return error;
      throw error;
    },
  );
  scene.showWire(false);
  if (refusal) stage.quote(`${refusal.status} ${refusal.detail}`);
  stage.expect(
    'Refused with 403 and a text that says why (OWN-2)',
    refusal?.status === 403 && refusal.detail.length > 20,
    refusal?.message ?? 'accepted',
  );
  await expectMay(
    scene,
    'Olivia may still change the organization',
    olivia.email,
    'organization.update',
    tenant.organization,
    true,
  );
  const member = await tenant.memberOf(olivia.email);
  stage.expect(
    'She is the Owner, an active Admin',
    member?.isOwner === true && member.status === 'active' && member.role === 'admin',
    JSON.stringify(member),
  );
  const events = await platform.all(auditEvent, `/api/v1/organizations/${tenant.id}/audit`);
  stage.expect(
    'The attempt is in the audit trail',
    events.some(({ type, outcome }) => type === 'owner.deprovision_refused' && outcome === 'refused'),
  );
  await okta.removeFromGroup(groupNamed(okta, 'everyone'), [idOf(okta, olivia)]);
  await expectMay(
    scene,
    'Taken out of a group, she is Owner as before',
    olivia.email,
    'organization.update',
    tenant.organization,
    true,
  );
}

/** Where a role comes from decides who can take it away. */
export async function keepProvenance(scene: Scene): Promise<void> {
  const { stage, okta, platform, tenant, projects } = scene;
  stage.chapter('A role remembers where it comes from');
  const project = `/api/v1/projects/${projects.production.id}`;
  const admin = await tenant.memberOf(alice.email);
  const demotion = await platform.refusal('PATCH', `${project}/collaborators/${admin?.accountId}`, { role: 'member' });
  if (demotion) stage.quote(`${demotion.status} ${demotion.code}: ${demotion.detail}`);
  stage.expect(
    'An admin cannot demote Alice behind the mapping: a conflict that names it (MAP-2)',
    demotion?.code === 'role_from_mapping',
    demotion?.message ?? 'accepted',
  );
  const mappings = await platform.all(mapping, `/api/v1/organizations/${tenant.id}/mappings`);
  const production = mappings.find(({ groupId }) => groupId === okta.scimId(groupNamed(okta, 'gpu-production-users')));
  const path = `/api/v1/organizations/${tenant.id}/mappings/${production?.id}`;
  const silent = await platform.refusal('DELETE', path);
  if (silent) stage.quote(`${silent.status} ${silent.code}: ${silent.detail}`);
  stage.expect(
    'A mapping is not deleted without a word on what it gave (MAP-3)',
    silent?.code === 'grants_choice_required',
    silent?.message ?? 'accepted',
  );
  await watch(
    scene,
    'Out of the admins, Alice is Member again by her other group',
    [
      {
        who: 'Alice',
        email: alice.email,
        permission: 'cluster.create',
        place: 'production',
        resource: projects.production,
        expected: false,
      },
      {
        who: 'Alice',
        email: alice.email,
        permission: 'cluster.submit-job',
        place: 'production',
        resource: projects.production,
        expected: true,
      },
    ],
    () => okta.removeFromGroup(groupNamed(okta, 'production-operators'), [idOf(okta, alice)]),
  );
}

/** Who has which role where and why: the collaborator lists with their sources, people of one reason in one row. */
export async function showRoles(scene: Scene): Promise<void> {
  const { stage, tenant, projects, okta, entra } = scene;
  stage.chapter('Who has which role where, and why');
  const names = new Map([
    ...okta.groups.map((g) => [okta.scimId(g.id), g.name] as const),
    ...entra.groups.map((g) => [entra.scimId(g.id), g.name] as const),
  ]);
  const rows: string[][] = [];
  for (const [place, resource] of [...Object.entries(projects), ['default', tenant.defaultProject] as const]) {
    const reasons = new Map<string, string[]>();
    for (const { email, accountId, role, sources } of await tenant.collaborators(resource)) {
      const why = sources.map((source) => reasonOf(source, names)).join(' + ');
      const key = JSON.stringify([role ?? '—', why]);
      reasons.set(key, [...(reasons.get(key) ?? []), (email ?? accountId).replace(/@.*/, '')]);
    }
    for (const [key, people] of [...reasons].sort()) {
      const [role, why]: [string, string] = JSON.parse(key);
      const [first = '', ...others] = people;
      const who = others.length === 0 ? first : `${first} +${others.length}`;
      rows.push([place, role === 'admin' ? 'Admin' : role === 'member' ? 'Member' : role, who, why]);
    }
  }
  stage.table(['project', 'role', 'who', 'why'], rows);
}

function reasonOf(
  { source, groupId }: { source: string; groupId?: string | undefined },
  names: ReadonlyMap<string, string>,
): string {
  if (source === 'mapping') return `group ${names.get(groupId ?? '') ?? groupId}`;
  const words: Readonly<Record<string, string>> = {
    manual: 'by hand',
    creator: 'made it',
    owner: 'Owner',
    organization_role: 'organization Admin',
    default_project: 'every member',
  };
  return words[source] ?? source;
}

/** How long changes took, all told. */
export function showTimings({ stage, timings, okta, entra }: Scene): void {
  const sorted = [...timings].sort((a, b) => a - b);
  const at = (share: number) =>
    `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)} ms`;
  stage.tell(
    `\n${okta.sent + entra.sent} SCIM requests. From the SCIM response to the changed permission check: ` +
      `p50 ${at(0.5)}, p99 ${at(0.99)} over ${sorted.length} changes.`,
  );
}
