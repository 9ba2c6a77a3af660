/** Searches over decisions (AuthZEN 1.0, section 8): what an evaluation would allow, and nothing else. */
import { z } from 'zod';
import {
  type Decision,
  decideForNobody,
  findAccountsThatMay,
  findActions,
  findKeysThatMay,
  findRegisteredThat,
  findResources,
  findSession,
  idAt,
  isHopeless,
  isResourceType,
  prepareDecisions,
  type ResourceRef,
} from '../../access/index.ts';
import type { Session } from '../../store/index.ts';
import { type Route, route } from '../route.ts';
import {
  type Asking,
  action,
  askingOf,
  context,
  entity,
  isDecision,
  isKind,
  nobody,
  noSession,
  noSuchType,
  nowhere,
  prepareQuestion,
  properties,
  reason,
  resolveResource,
  resolveSubject,
  text,
} from './asking.ts';
import { mostResults, pageInput, pageOutput, readPlace, takePage } from './paging.ts';

/** An entity that is looked for: an id is passed over, as the specification asks. */
const wanted = z.object({ type: text, properties });

const answerOf = <S extends z.ZodType>(result: S) =>
  z.strictObject({
    page: pageOutput,
    context: z.strictObject({ reason }).optional().meta({ description: 'why nothing can be found' }),
    results: z.array(result),
  });

const found = z.strictObject({ type: z.string(), id: z.string() });

/** The answer where the question itself has none. */
const nothing = ({ reason: code, message }: Decision) => ({
  page: { next_token: '', count: 0 },
  context: { reason: { code, message } },
  results: [],
});

const beyond = (names: readonly string[], after: string) => names.filter((name) => name > after);

const pages = `The answer has at most ${mostResults} results; \`page.next_token\` leads to the next ones and is empty at the end. The question must stay the same from page to page. Whatever is found is allowed by an evaluation, and whatever an evaluation allows is found.`;

const paths = '/access/v1/search';

export const searchRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: `${paths}/subject`,
    tag: 'Decisions',
    summary: 'Find who may do something here',
    description: `AuthZEN 1.0. \`subject.type\` is \`user\` (accounts) or \`api_key\`. ${pages}`,
    access: 'operator',
    scope: 'evaluate',
    readOnly: true,
    body: z.object({ subject: wanted, action, resource: entity, context, page: pageInput }),
    status: 200,
    response: answerOf(found),
    handle: async ({ body, reads }, deps) => {
      const { page, ...question } = body;
      const place = readPlace(page, question);
      const { type } = question.subject;
      if (type !== 'user' && type !== 'api_key') return nothing(noSuchSubject);
      const asking = askingOf(reads, deps);
      const { name } = question.action;
      const resource = await resolveResource(asking, question.resource);
      const where = isDecision(resource) ? nowhere : resource;
      const whatever = (await prepareDecisions(reads, nobody, where))(name);
      const session = await findAskingSession(asking, type, body.context);
      if (session && isDecision(session)) return nothing(session);
      const all = findSubjects(asking, name, where, { type, after: place.after, session });
      const taken = await takePage(all, place);
      if (isDecision(resource)) return nothing(resource);
      if (isHopeless(whatever)) return nothing(whatever);
      return { page: taken.page, results: taken.names.map((id) => ({ type, id })) };
    },
  }),
  route({
    method: 'post',
    path: `${paths}/resource`,
    tag: 'Decisions',
    summary: 'Find where somebody may do something',
    description: `AuthZEN 1.0. \`resource.type\` is \`organization\`, \`project\`, or a type of what is registered in projects, such as \`cluster\`. ${pages}`,
    access: 'operator',
    scope: 'evaluate',
    readOnly: true,
    body: z.object({ subject: entity, action, resource: wanted, context, page: pageInput }),
    status: 200,
    response: answerOf(found),
    handle: async ({ body, reads }, deps) => {
      const { page, ...question } = body;
      const place = readPlace(page, question);
      const { type } = question.resource;
      if (!isKind(type) && !isResourceType(type)) return nothing(noSuchType);
      const subject = await resolveSubject(askingOf(reads, deps), question.subject, question.context);
      if (isDecision(subject)) return nothing(subject);
      const { name } = question.action;
      const whatever = decideForNobody(isKind(type) ? { kind: type } : { kind: 'project', registered: type }, name);
      if (isHopeless(whatever)) return nothing(whatever);
      const all = isKind(type)
        ? beyond(await findResources(reads, subject, name, type), place.after)
        : findRegisteredThat(reads, subject, name, type, place.after);
      const taken = await takePage(all, place);
      return { page: taken.page, results: taken.names.map((at) => ({ type, id: idAt(at) })) };
    },
  }),
  route({
    method: 'post',
    path: `${paths}/action`,
    tag: 'Decisions',
    summary: 'Find what somebody may do here',
    description: `AuthZEN 1.0. The results are the names of permissions, sorted. ${pages}`,
    access: 'operator',
    scope: 'evaluate',
    readOnly: true,
    body: z.object({ subject: entity, resource: entity, context, page: pageInput }),
    status: 200,
    response: answerOf(z.strictObject({ name: z.string() })),
    handle: async ({ body, reads }, deps) => {
      const { page, ...question } = body;
      const place = readPlace(page, question);
      const asking = askingOf(reads, deps);
      const { resource, decide } = await prepareQuestion(asking, question);
      const all = findActions(resource.kind, decide);
      if (all.actions.length === 0) return nothing(all.why);
      const taken = await takePage(beyond(all.actions, place.after), place);
      return { page: taken.page, results: taken.names.map((name) => ({ name })) };
    },
  }),
];

const noSuchSubject: Decision = {
  allowed: false,
  reason: 'unknown_subject',
  message: 'Subjects are of the type "user" or "api_key"',
};

/** The session that the question names, if any, which counts as its use; a key has none. */
async function findAskingSession(
  { reads, now, noteUse }: Asking,
  type: 'user' | 'api_key',
  around: z.output<typeof context>,
): Promise<Session | Decision | undefined> {
  if (around?.sessionId === undefined) return undefined;
  const session = type === 'user' ? await findSession(reads, around.sessionId, now) : undefined;
  if (!session) return noSession;
  noteUse(session);
  return session;
}

interface SubjectSearch {
  readonly type: 'user' | 'api_key';
  readonly after: string;
  readonly session: Session | undefined;
}

/** Accounts or keys; where a session asks, nobody but its person can be meant. */
async function* findSubjects(
  { reads, now }: Asking,
  permission: string,
  resource: ResourceRef,
  { type, after, session }: SubjectSearch,
): AsyncGenerator<string> {
  if (session) {
    const { accountId } = session;
    const decide = await prepareDecisions(reads, { kind: 'account', accountId, session }, resource);
    if (accountId > after && decide(permission).allowed) yield accountId;
  } else if (type === 'user') {
    yield* findAccountsThatMay(reads, permission, resource, after);
  } else {
    yield* findKeysThatMay(reads, permission, resource, { after, at: now });
  }
}
