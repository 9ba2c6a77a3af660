/** What the platform's services ask on every request: whether a key is good; and what a person with many projects sees. */
import { type Bench, figuresOf, must, ok } from './bench.ts';
import { type Line, rateLine } from './report.ts';
import { inParallel, person } from './world.ts';

const keyCount = 500;
const projectCount = 200;
const clustersPerProject = 5;
const page = 50;

export async function keysAndResources(bench: Bench): Promise<Line[]> {
  const { world, client, full } = bench;
  const { operator, organizationId } = world;
  const ask = async <T>(path: string, body: unknown): Promise<T> => {
    const answer = await client.send(operator('POST', path, body));
    if (answer.status >= 300) throw new Error(`POST ${path} answered ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body) as T;
  };
  const keys = await inParallel(keyCount, 16, (index) =>
    ask<{ projectId: string; secret: string }>(`/organizations/${organizationId}/keys`, { name: `key ${index}` }),
  );
  const email = 'busy@partner.example';
  await ask('/accounts', { email });
  await inParallel(projectCount, 16, async (index) => {
    const { id } = await ask<{ id: string }>(`/organizations/${organizationId}/projects`, { name: `Busy ${index}` });
    await ask(`/projects/${id}/collaborators`, { email, external: true });
    for (let at = 0; at < clustersPerProject; at += 1) {
      await ask(`/projects/${id}/resources`, { type: 'cluster', name: `cluster ${at}` });
    }
  });
  const { token } = await ask<{ token: string }>('/sessions', { email });
  const stored = await full.send({ method: 'POST', path: '/people', body: person('beside-keys') });
  const { id } = JSON.parse(stored.body) as { id: string };

  const figures = await figuresOf(bench, [
    {
      client,
      next: (index) => {
        const { secret, projectId } = must(keys, index % keys.length);
        return operator('POST', '/keys/verify', { key: secret, project: projectId });
      },
      expect: ({ body }) => body.includes('"valid":true'),
    },
    {
      client,
      next: () => ({
        method: 'GET',
        path: `/api/v1/me/resources?type=cluster&limit=${page}`,
        headers: { Authorization: `Bearer ${token}` },
      }),
      expect: ({ body }) => body.includes('"nextCursor"'),
    },
    { client: full, next: () => ({ method: 'POST', path: '/checks', body: { id } }), expect: ok },
    { client: full, next: () => ({ method: 'GET', path: `/people/${id}` }), expect: ok },
  ]);
  return [
    rateLine('API key verification', must(figures, 0), { figure: must(figures, 2), what: 'JSON body, indexed read' }),
    rateLine(`clusters of a person in ${projectCount} projects, ${page} a page`, must(figures, 1), {
      figure: must(figures, 3),
      what: 'indexed read',
    }),
  ];
}
