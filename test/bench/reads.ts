/** Reads over SCIM and permission checks, beside bare reads. */
import { type Bench, figuresOf, must, ok } from './bench.ts';
import { type Line, rateLine } from './report.ts';
import { operatorToken } from './servers.ts';
import { person } from './world.ts';

/** What every member may do. */
const permissions = ['organization.read', 'billing.read', 'project.list', 'member.list'] as const;

export async function reads(bench: Bench): Promise<Line[]> {
  const { world, client, full } = bench;
  const stored = await full.send({ method: 'POST', path: '/people', body: person('stored') });
  const { id } = JSON.parse(stored.body) as { id: string };
  const pages = Math.min(50, Math.floor(world.people.length / 100));
  const pick = (index: number) => must(world.people, index % world.people.length);
  const ask = (path: string, index: number, more: object) => ({
    method: 'POST',
    path: `/access/v1/${path}`,
    headers: { Authorization: `Bearer ${operatorToken}` },
    body: { subject: { type: 'user', id: pick(index).accountId }, ...more },
  });
  const action = { name: 'organization.read' };
  const resource = { type: 'organization', id: world.organizationId };
  const subjects = (index: number) =>
    Array.from({ length: 50 }, (_, at) => ({ subject: { type: 'user', id: pick(50 * index + at).accountId } }));
  const actions = Array.from({ length: 50 }, (_, at) => ({ action: { name: permissions[at % permissions.length] } }));
  const byName = (name: string) => `/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`;
  const yes = /"decision":true/g;
  const figures = await figuresOf(bench, [
    { client, next: (index) => world.scim('GET', `/Users/${pick(index).id}`), expect: ok },
    {
      client,
      next: (index) => world.scim('GET', byName(pick(index).userName)),
      expect: ({ body }) => body.includes('"totalResults":1'),
    },
    {
      client,
      next: (index) => ask('evaluation', index, { action, resource }),
      expect: ({ body }) => body.includes('"decision":true'),
    },
    { client: full, next: () => ({ method: 'GET', path: `/people/${id}` }), expect: ok },
    { client: full, next: () => ({ method: 'POST', path: '/checks', body: { id } }), expect: ok },
    {
      client,
      next: (index) => ask('evaluations', index, { action, resource, evaluations: subjects(index) }),
      expect: ({ body }) => body.match(yes)?.length === 50,
    },
    {
      client,
      next: (index) => world.scim('GET', `/Users?startIndex=${(index % pages) * 100 + 1}&count=100`),
      expect: ({ body }) => body.includes('"itemsPerPage":100'),
    },
    { client, next: () => world.scim('GET', `/Groups/${world.groups.get(100)}`), expect: ok },
    {
      client,
      next: (index) => ask('evaluations', index, { resource, evaluations: actions }),
      expect: ({ body }) => body.match(yes)?.length === 50,
    },
  ]);
  const beside = { figure: must(figures, 3), what: 'indexed read' };
  const check = { figure: must(figures, 4), what: 'JSON body, indexed read' };
  return [
    rateLine('SCIM read', must(figures, 0), beside),
    rateLine('SCIM filter by userName', must(figures, 1), beside),
    rateLine('SCIM list, 100 a page', must(figures, 6)),
    rateLine('SCIM read, group of 100', must(figures, 7)),
    rateLine('AuthZEN evaluation', must(figures, 2), check),
    rateLine('AuthZEN evaluations, 50 people at once', must(figures, 5), check),
    rateLine('AuthZEN evaluations, 50 of one person at once', must(figures, 8), check),
  ];
}
