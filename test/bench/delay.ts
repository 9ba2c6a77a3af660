/** How long a changed membership takes to reach a permission check (MAP-5). */
import { type Bench, must, ok, patchSchemas } from './bench.ts';
import { quantile } from './measure.ts';
import { type Line, plainLine } from './report.ts';
import { operatorToken } from './servers.ts';
import { person } from './world.ts';

/** From the response of a membership PATCH to the evaluation that sees the mapped role, while others create people. */
export async function delayToCheck({ world, client, connections, quick }: Bench): Promise<Line> {
  const delays: number[] = [];
  let busy = true;
  let made = 0;
  const started = performance.now();
  const load = Promise.all(
    Array.from({ length: connections / 2 }, async () => {
      while (busy) await client.send(world.scim('POST', '/Users', person(`load${made++}`)));
    }),
  );
  // It is awaited at the end: a server that is lost before is not an unhandled rejection, which would end the bench unprinted.
  load.catch(() => undefined);
  for (let index = 0; index < (quick ? 100 : 400); index += 1) {
    const subject = must(world.people, world.people.length - 1 - index);
    const check = {
      method: 'POST',
      path: '/access/v1/evaluation',
      headers: { Authorization: `Bearer ${operatorToken}` },
      body: {
        subject: { type: 'user', id: subject.accountId },
        action: { name: 'project.read' },
        resource: { type: 'project', id: world.projectId },
      },
    };
    const patched = await client.send(
      world.scim('PATCH', `/Groups/${world.mappedGroupId}`, {
        schemas: patchSchemas,
        Operations: [{ op: 'add', path: 'members', value: [{ value: subject.id }] }],
      }),
    );
    if (!ok(patched)) throw new Error(`the membership PATCH answered ${patched.status} ${patched.body}`);
    const answered = performance.now();
    while (!(await client.send(check)).body.includes('"decision":true')) {
      if (performance.now() - answered > 10_000) throw new Error('the mapped role did not arrive within ten seconds');
    }
    delays.push(performance.now() - answered);
  }
  busy = false;
  await load;
  const seconds = (performance.now() - started) / 1000;
  const shown = (q: number) => `${quantile(delays, q).toFixed(1)} ms`;
  return plainLine(
    'SCIM response → changed check, under load',
    `p50 ${shown(0.5)}, p99 ${shown(0.99)}`,
    `${Math.round(made / seconds)}/s creates beside it`,
  );
}
