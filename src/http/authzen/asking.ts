/** Who and what a question is about: AuthZEN's entities, and what they are here. */
import { z } from 'zod';
import {
  type Decision,
  deny,
  findHolder,
  findKeyById,
  findRegistered,
  findSession,
  isResourceType,
  prepareDecisions,
  type ResourceRef,
  resourceTypes,
  type Subject,
} from '../../access/index.ts';
import { isId } from '../../lib/ids.ts';
import type { ReadStore, Session } from '../../store/index.ts';
import type { ApiDeps } from '../route.ts';
import { noteUse } from '../sessionUse.ts';

// AuthZEN lets a request say more than we look at: unknown members are passed over here, unlike everywhere else.
export const properties = z.looseObject({}).optional();
export const text = z.string().min(1).max(320);
export const entity = z.object({ type: text, id: text, properties });
export const action = z.object({ name: text, properties });
export const context = z
  .looseObject({
    sessionId: text.optional().meta({
      description:
        'as introspection answers it: the session through which the person asks, whose worth then counts too; it counts as use of the session',
    }),
  })
  .optional();

export const reason = z.strictObject({ code: z.string(), message: z.string() });

type Entity = z.output<typeof entity>;
type Context = z.output<typeof context>;

export interface Asking {
  readonly reads: ReadStore;
  readonly now: Date;
  /** By whom and what they are about, the questions that were prepared: those of one request share their look-ups. */
  readonly prepared: Map<string, Promise<PreparedQuestion>>;
  /** The person is at work with this session. */
  readonly noteUse: (session: Session) => void;
}

/** One request's questions; a session that several of them name is noted once, and what several are about is looked up once. */
export function askingOf(reads: ReadStore, deps: ApiDeps): Asking {
  const noted = new Set<string>();
  return {
    reads,
    now: deps.clock.now(),
    prepared: new Map(),
    noteUse: (session) => {
      if (noted.has(session._id)) return;
      noted.add(session._id);
      noteUse(session, deps);
    },
  };
}

/**
 * Who this is: an account by id or proven email, or an API key by its id, never by its secret. A session that is named must
 * live and be the person's (SSO-5). Answers why there is nobody where there is nobody.
 */
export async function resolveSubject(
  asking: Asking,
  { type, id }: Entity,
  around: Context,
): Promise<Subject | Decision> {
  const { reads, now } = asking;
  const sessionId = around?.sessionId;
  if (type === 'api_key') {
    const key = await findKeyById(reads, id);
    if (!key) return deny('unknown_subject', 'There is no API key with this id');
    return sessionId === undefined ? { kind: 'key', key, at: now } : noSession;
  }
  if (type !== 'user') return deny('unknown_subject', 'Subjects are of the type "user" or "api_key"');
  const accountId = isId('account', id) ? id : await findHolder(reads, id);
  if (accountId === undefined) return deny('unknown_subject', 'There is no account with this id or proven email');
  const subject = { kind: 'account', accountId } as const;
  if (sessionId === undefined) return subject;
  const session = await findSession(reads, sessionId, now);
  if (session?.accountId !== accountId) return noSession;
  asking.noteUse(session);
  return { ...subject, session };
}

export const noSession = deny('session_ended', 'The person has no such session, or no longer');

/** What this is, or why there is no such thing. What is registered in a project must be of the type that is named (RES-1). */
export async function resolveResource({ reads }: Asking, { type, id }: Entity): Promise<ResourceRef | Decision> {
  if (isKind(type)) return { kind: type, id };
  if (!isResourceType(type)) return noSuchType;
  return (await findRegistered(reads, type, id)) ?? deny('unknown_resource', `There is no ${type} with this id`);
}

/** Whether decisions are made on things of this type by themselves. */
export const isKind = (type: string): type is ResourceRef['kind'] => type === 'organization' || type === 'project';

export const noSuchType = deny(
  'unknown_resource',
  `Resources are of the types ${['organization', 'project', ...resourceTypes].map((type) => `"${type}"`).join(', ')}`,
);

/** In the place of a subject that is not there: nobody who asks could tell it by the time that the answer takes (PRJ-1). */
export const nobody = { kind: 'account', accountId: 'acc-00000000000000000000000000' } as const;
const noKey = { projectId: 'prj-00000000000000000000000000' };

/** The same in the place of a thing. */
export const nowhere: ResourceRef = { kind: 'project', id: noKey.projectId };

/** Whom and what a question is about. */
interface About {
  readonly subject: Entity;
  readonly resource: Entity;
  readonly context?: Context;
}

interface PreparedQuestion {
  readonly resource: ResourceRef;
  readonly decide: (permission: string) => Decision;
}

/**
 * Who is asked about what, and how permissions are decided there. What is not there is looked up as what is another's would be;
 * then the answer is why, whatever the permission.
 */
export function prepareQuestion(asking: Asking, about: About): Promise<PreparedQuestion> {
  const { subject, resource, context: around } = about;
  const key = JSON.stringify([subject.type, subject.id, resource.type, resource.id, around?.sessionId]);
  const known = asking.prepared.get(key);
  if (known) return known;
  const prepared = prepare(asking, about);
  asking.prepared.set(key, prepared);
  return prepared;
}

async function prepare(asking: Asking, { subject, resource, context: around }: About): Promise<PreparedQuestion> {
  const { reads, now } = asking;
  const who = await resolveSubject(asking, subject, around);
  const what = await resolveResource(asking, resource);
  const standIn = subject.type === 'api_key' ? ({ kind: 'key', key: noKey, at: now } as const) : nobody;
  const where = isDecision(what) ? nowhere : what;
  const decide = await prepareDecisions(reads, isDecision(who) ? standIn : who, where);
  const settled = isDecision(who) ? who : isDecision(what) ? what : undefined;
  return { resource: where, decide: settled ? () => settled : decide };
}

/** Tells an answer that settles the question from what a question is about. */
export const isDecision = (resolved: Subject | ResourceRef | Session | Decision): resolved is Decision =>
  'allowed' in resolved;
