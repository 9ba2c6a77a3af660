/** The story's middle: people join, move, leave and come back; names change. */
import { z } from 'zod';
import { inParallel } from '../parallel.ts';
import { groupNamed, idOf, scimIdOf } from './beginning.ts';
import { expectMay, watch } from './checks.ts';
import { alice, cast, dora, emil, fay, labDomain, olivia, type Scene } from './scene.ts';

const session = z.looseObject({ token: z.string() });
const introspection = z.looseObject({ active: z.boolean() });

/** Somebody joins a group. */
export async function join(scene: Scene): Promise<void> {
  const { stage, okta, projects } = scene;
  stage.chapter('Alice joins the admins of production');
  const asAlice = { who: 'Alice', email: alice.email, place: 'production', resource: projects.production };
  await watch(
    scene,
    'The role is there within a second of the answer to Okta',
    [
      { ...asAlice, permission: 'cluster.create', expected: true },
      { ...asAlice, permission: 'cluster.submit-job', expected: true },
    ],
    () => okta.addToGroup(groupNamed(okta, 'gpu-production-admins'), [idOf(okta, alice)]),
  );
}

/** Many join at once, as on the day of a reorganisation. */
export async function joinTogether(scene: Scene): Promise<void> {
  const { stage, platform, okta, projects, timings, promptMs } = scene;
  const group = groupNamed(okta, 'research-scientists');
  const { members } = okta.group(group);
  const joining = okta.people
    .filter(({ id, profile }) => !members.has(id) && profile.userName !== olivia.userName)
    .slice(0, 60);
  stage.chapter(`${joining.length} people join a team at once`);
  const progress = stage.progress('One PATCH each, its check watched');
  const late: string[] = [];
  let done = 0;
  await inParallel(joining, 5, async ({ id, profile }) => {
    await okta.addToGroup(group, [id]);
    const ms = await platform.settle(profile.email, 'project.read', projects.research, true);
    if (ms === undefined || ms > promptMs) late.push(profile.userName);
    else timings.push(ms);
    done += 1;
    progress.update(done, joining.length);
  });
  progress.done(`${joining.length} people`);
  stage.expect('Each has the role within a second of the answer to Okta (MAP-5)', late.length === 0, late.join(', '));
}

/** Somebody moves from one group to another. */
export async function move(scene: Scene): Promise<void> {
  const { stage, entra, projects } = scene;
  stage.chapter('Emil moves from research to inference');
  stage.tell('Entra takes him out of one group and puts him into another, in its own spelling: Remove, Add.');
  const asEmil = { who: 'Emil', email: emil.email, permission: 'cluster.submit-job' };
  await watch(
    scene,
    'Emil has the new role and no longer the old one',
    [
      { ...asEmil, place: 'research', resource: projects.research, expected: false },
      { ...asEmil, place: 'inference', resource: projects.inference, expected: true },
    ],
    async () => {
      await entra.removeFromGroup(groupNamed(entra, 'LAB-Researchers'), [idOf(entra, emil)]);
      await entra.addToGroup(groupNamed(entra, 'LAB-Inference'), [idOf(entra, emil)]);
    },
  );
  await entra.pushGroupNow(groupNamed(entra, 'LAB-Inference'));
  const collaborators = await scene.tenant.collaborators(projects.inference);
  const rows = collaborators.filter(({ email }) => email === emil.email);
  stage.expect(
    'Provisioning restarted, Entra adds everybody once more: nobody is doubled',
    rows.length === 1 && rows[0]?.sources.length === 1,
    JSON.stringify(rows),
  );
}

/** Somebody leaves, and comes back. */
export async function leaveAndReturn(scene: Scene): Promise<void> {
  const { stage, platform, okta, tenant, projects } = scene;
  stage.chapter('Alice leaves, and comes back');
  const { token } = await platform.call(session, 'POST', '/api/v1/sessions', { email: alice.email });
  const isAlive = async () =>
    (await platform.call(introspection, 'POST', '/api/v1/sessions/introspect', { token })).active;
  const alive = await isAlive();
  const asAlice = { who: 'Alice', email: alice.email };
  const everywhere = (expected: boolean) => [
    { ...asAlice, permission: 'cluster.create', place: 'production', resource: projects.production, expected },
    { ...asAlice, permission: 'project.read', place: 'default', resource: tenant.defaultProject, expected },
  ];
  await watch(
    scene,
    'Denied everywhere in the very response, whatever groups still say (MEM-5)',
    everywhere(false),
    () => okta.deactivate(idOf(okta, alice)),
    { inResponse: true },
  );
  stage.expect('Her session was alive, and died with it', alive && !(await isAlive()));
  await watch(
    scene,
    'Reactivated: membership and mapped roles are back',
    everywhere(true),
    () => okta.reactivate(idOf(okta, alice)),
    { inResponse: true },
  );
  stage.expect('The old session stays dead', !(await isAlive()));
}

/** Entra's soft delete and hard delete, and a new hire who gets the free userName. */
export async function leaveForGood(scene: Scene): Promise<void> {
  const { stage, entra, projects, tenant, platform } = scene;
  stage.chapter('Fay leaves for good; a new Fay Adler is hired');
  await tenant.addCollaborator(projects.production, fay.email, 'admin');
  const asFay = { who: 'Fay', email: fay.email, permission: 'project.read' };
  await watch(
    scene,
    'Soft delete ("active": "False", a text): denied in the very response',
    [{ ...asFay, place: 'production', resource: projects.production, expected: false }],
    () => entra.deactivate(idOf(entra, fay)),
    { inResponse: true },
  );
  scene.showWire(true);
  await entra.remove(idOf(entra, fay));
  await entra.assign(entra.hire([fay]));
  scene.showWire(false);
  const before = await platform.may(fay.email, 'project.read', projects.production);
  stage.expect(
    'Her userName, given to a new hire with another Entra id, inherits nothing (SCIM-3)',
    !before.decision,
    before.context.reason.message,
  );
}

/** Renames: a group's, which its mapping survives, and a person's. */
export async function rename(scene: Scene): Promise<void> {
  const { stage, okta, entra, projects, tenant } = scene;
  stage.chapter('A group and a person get new names');
  const id = groupNamed(okta, 'gpu-production-admins');
  const mapped = scimIdOf(okta, 'gpu-production-admins');
  await watch(
    scene,
    'The group is called otherwise; its mapping goes by id and holds',
    [
      {
        who: 'Alice',
        email: alice.email,
        permission: 'cluster.create',
        place: 'production',
        resource: projects.production,
        expected: true,
      },
    ],
    () => okta.renameGroup(id, 'production-operators'),
  );
  const sources =
    (await tenant.collaborators(projects.production)).find(({ email }) => email === alice.email)?.sources ?? [];
  stage.expect(
    "Alice's Admin still names that group as its source",
    sources.some(({ groupId, role }) => groupId === mapped && role === 'admin'),
  );
  const before = await tenant.memberOf(dora.email);
  const married = cast('Dora', 'Holm', labDomain, 'Research');
  scene.showWire(true);
  await entra.update(idOf(entra, dora), married);
  scene.showWire(false);
  const after = await tenant.memberOf(married.email);
  stage.expect(
    'Dora Lindqvist is Dora Holm now: another userName and address, the same member',
    before !== undefined && before.id === after?.id,
    JSON.stringify(after),
  );
  await expectMay(
    scene,
    'and Admin of research as before',
    after?.accountId ?? '',
    'cluster.create',
    projects.research,
    true,
  );
}
