/** Who may enter a project, for node agents that follow it (PRJ-7). */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { getProject } from '../../access/index.ts';
import { listIdentities } from '../../provisioning/index.ts';
import type { ReadStore } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, inProject, role } from './common.ts';

const identity = z
  .strictObject({
    accountId: id,
    email: z.string().optional().meta({ description: 'the first proven address' }),
    name: z.string().optional(),
    role,
    external: z.boolean(),
    groups: z.array(z.strictObject({ id, name: z.string() })).meta({
      description: 'directory groups that hold the person, nested ones too',
    }),
    sshKeys: z.array(z.strictObject({ fingerprint: z.string(), publicKey: z.string(), name: z.string() })),
  })
  .meta({ id: 'ProjectIdentity' });

const mostSeconds = 30;

/** How often a waiting request asks whether anything has happened, and looks at the list itself in any case. */
const askEveryMs = 250;
const lookEveryMs = 1_000;

export const identityExportRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/projects/{project}/identities',
    tag: 'Projects',
    summary: 'Read who may enter the clusters of a project, with SSH public keys',
    description: `Everybody who has \`cluster.ssh\` there, whole, in the order of account ids. The ETag stands for the list: a node agent sends it as \`If-None-Match\` with \`wait\`, and is answered when the list is another one, or 304 after that time.`,
    access: 'operator',
    scope: 'identities',
    params: inProject,
    query: z.strictObject({
      wait: z.coerce
        .number()
        .int()
        .min(0)
        .max(mostSeconds)
        .default(0)
        .meta({
          description: `seconds to wait for a change, up to ${mostSeconds}, where If-None-Match names the list as it is`,
        }),
    }),
    status: 200,
    etag: true,
    response: z.strictObject({ items: z.array(identity) }),
    handle: async ({ params, query, reads, isKnown, renew }, { isClosing }) => {
      const look = async () => ({ items: present(await listIdentities(reads, params.project)) });
      const end = performance.now() + query.wait * 1000;
      let list = await look();
      const follow = await openSignal(reads, params.project);
      while (isKnown(list) && performance.now() < end && !isClosing()) {
        await sleep(Math.min(askEveryMs, Math.max(0, end - performance.now())));
        if (!(await follow.isDue()) && performance.now() < end) continue;
        await renew();
        list = await follow.timed(look);
      }
      return list;
    },
  }),
];

const present = (items: Awaited<ReturnType<typeof listIdentities>>): z.output<typeof identity>[] =>
  items.map((one) => ({ ...one, groups: [...one.groups], sshKeys: [...one.sshKeys] }));

/**
 * When the list is worth another look: once the organization's trail or a push has gone on, and from time to time whatever
 * happens, since another process's events may come in another order. A list that takes long to make is looked at seldom.
 */
async function openSignal(reads: ReadStore, projectId: string) {
  const { organizationId } = await getProject(reads, projectId);
  const newest = { sort: { _id: -1 } } as const;
  const read = async () => {
    const [event, push] = await Promise.all([
      reads.auditEvents.findOne(organizationId, {}, newest),
      reads.provisioningLog.findOne(organizationId, {}, newest),
    ]);
    return `${event?._id} ${push?._id}`;
  };
  // What happened before the first look has been seen by it, or is seen by the next.
  let seen = '';
  let lookedAt = performance.now();
  let tookMs = 0;
  return {
    async isDue(): Promise<boolean> {
      const since = performance.now() - lookedAt;
      if (since > Math.max(lookEveryMs, 20 * tookMs)) return true;
      if (since < 2 * tookMs) return false;
      const now = await read();
      const moved = now !== seen;
      seen = now;
      return moved;
    },
    async timed<T>(look: () => Promise<T>): Promise<T> {
      const start = performance.now();
      const result = await look();
      lookedAt = performance.now();
      tookMs = lookedAt - start;
      return result;
    },
  };
}
