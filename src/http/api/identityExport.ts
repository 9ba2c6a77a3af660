/** Who may enter a project, for node agents that follow it (PRJ-7). */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { getProject } from '../../access/index.ts';
import { listIdentities, type NamedIdentities, type ProjectIdentity } from '../../provisioning/index.ts';
import type { ReadStore } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import { id, inProject, role, waitFor } from './common.ts';

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

/** How often a waiting request asks whether anything has happened, and looks at the list itself in any case. */
const askEveryMs = 250;
const lookEveryMs = 1_000;

const answer = z.strictObject({
  delta: z.boolean().meta({
    description:
      '`true`: only what has changed since `since`; `false`: the whole list, which takes the place of any other',
  }),
  cursor: z.string().meta({ description: 'stands for the list as it is now: the next `since`' }),
  items: z.array(identity).meta({ description: 'everybody; of a delta who is new or different, in full' }),
  removed: z.array(id).meta({ description: 'of a delta: the account ids of who is on the list no longer' }),
});

type Answer = z.output<typeof answer>;

export const identityExportRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/projects/{project}/identities',
    tag: 'Projects',
    summary: 'Read who may enter the clusters of a project, with SSH public keys',
    description: `Everybody who has \`cluster.ssh\` there, in the order of account ids, with a \`cursor\` that stands for the list. With it as \`since\`, the answer is what has changed: take out whom \`removed\` names, put in \`items\` by their account ids, and the list is whole again. A cursor that is not known (any longer, or to this process) is answered the whole list, with \`delta\` false. With \`wait\` the answer comes once the list is another one, or after that time: then nothing has changed. Who reads the whole list sends its ETag as \`If-None-Match\` instead, and is answered 304 while it is the same. 404 says that the project is gone, and with it all access.`,
    access: 'operator',
    scope: 'identities',
    params: inProject,
    query: z.strictObject({
      since: z
        .string()
        .regex(/^[\w-]{43}$/, 'must be the `cursor` of an answer')
        .optional()
        .meta({ description: '`cursor` of the list that the client has' }),
      wait: waitFor('a change where since, or If-None-Match, names the list as it is'),
    }),
    status: 200,
    etag: true,
    response: answer,
    handle: async ({ params, query, reads, isKnown, renew, isGone }, { isClosing, identityVersions }) => {
      const { since } = query;
      const look = async (): Promise<Answer> => {
        const list = await listIdentities(reads, params.project);
        return present(list, identityVersions.name(params.project, list, since));
      };
      const isSame = (told: Answer) => (since === undefined ? isKnown(told) : told.cursor === since);
      const end = performance.now() + query.wait * 1000;
      let told = await look();
      const follow = await openSignal(reads, params.project);
      while (isSame(told) && performance.now() < end && !isClosing() && !isGone()) {
        await sleep(Math.min(askEveryMs, Math.max(0, end - performance.now())));
        if (!(await follow.isDue()) && performance.now() < end) continue;
        await renew();
        told = await follow.timed(look);
      }
      return told;
    },
  }),
];

function present(list: readonly ProjectIdentity[], { cursor, changes }: NamedIdentities): Answer {
  const { changed, removed } = changes ?? { changed: list, removed: [] };
  return {
    delta: changes !== undefined,
    cursor,
    items: changed.map((one) => ({ ...one, groups: [...one.groups], sshKeys: [...one.sshKeys] })),
    removed: [...removed],
  };
}

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
