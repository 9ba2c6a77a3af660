/** Permission decisions by the OpenID AuthZEN Authorization API 1.0 (PERM-5). */
import { z } from 'zod';
import { type Decision, deny, evaluate, findAccount, findSession } from '../access/index.ts';
import { isId } from '../lib/ids.ts';
import type { ReadStore, Session } from '../store/index.ts';
import { parseInput } from './input.ts';
import { type ApiDeps, type Route, route } from './route.ts';
import { noteUse } from './sessionUse.ts';

const evaluationLimit = 200;

// AuthZEN lets a request say more than we look at: unknown members are passed over here, unlike everywhere else.
const properties = z.looseObject({}).optional();
const text = z.string().min(1).max(320);
const entity = z.object({ type: text, id: text, properties });
const action = z.object({ name: text, properties });
const context = z
  .looseObject({
    sessionId: text.optional().meta({
      description:
        'as introspection answers it: the session through which the person asks, whose worth then counts too; it counts as use of the session',
    }),
  })
  .optional();
const question = z.object({ subject: entity, action, resource: entity, context });

type Question = z.output<typeof question>;

interface Asking {
  readonly reads: ReadStore;
  readonly now: Date;
  /** The person is at work with this session. */
  readonly noteUse: (session: Session) => void;
}

/** One request's questions; a session that several of them name is noted once. */
function askingOf(reads: ReadStore, deps: ApiDeps): Asking {
  const noted = new Set<string>();
  return {
    reads,
    now: deps.clock.now(),
    noteUse: (session) => {
      if (noted.has(session._id)) return;
      noted.add(session._id);
      noteUse(session, deps);
    },
  };
}

const decision = z
  .strictObject({
    decision: z.boolean(),
    context: z.strictObject({
      reason: z.strictObject({ code: z.string(), message: z.string() }),
      role: z.enum(['admin', 'member']).optional(),
      via: z.enum(['owner', 'organization_role', 'default_project', 'grant', 'external']).optional(),
    }),
  })
  .meta({ id: 'Decision' });

type Answer = z.output<typeof decision>;

const present = ({ allowed, reason, message, role, via }: Decision): Answer => ({
  decision: allowed,
  context: { reason: { code: reason, message }, ...(role && { role }), ...(via && { via }) },
});

/** Decides one question; whatever is unknown is denied with its own reason. A session that is named must live (SSO-5). */
async function decide(
  { reads, now, noteUse: note }: Asking,
  { subject, action: asked, resource, context: around }: Question,
): Promise<Decision> {
  if (subject.type !== 'user') return deny('unknown_subject', 'Subjects are of the type "user"');
  const account = isId('account', subject.id) ? { _id: subject.id } : await findAccount(reads, subject.id);
  if (!account) return deny('unknown_subject', 'There is no account with this id or proven email');
  const { type: kind, id } = resource;
  if (kind !== 'organization' && kind !== 'project') {
    return deny('unknown_resource', 'Resources are of the type "organization" or "project"');
  }
  const asking = { accountId: account._id, permission: asked.name, resource: { kind, id } as const };
  if (around?.sessionId === undefined) return evaluate(reads, asking);
  const session = await findSession(reads, around.sessionId, now);
  if (session?.accountId !== account._id) return deny('session_ended', 'The person has no such session, or no longer');
  note(session);
  return evaluate(reads, { ...asking, session });
}

const semantics = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const;

/** Told to readers, not checked: what is wrong in it is an error of the evaluations that it goes into, not of all. */
function described(schema: z.ZodType) {
  const { $schema: _, ...told } = z.toJSONSchema(schema, { io: 'input' });
  return z.unknown().meta(told).optional();
}

const batch = z.object({
  subject: described(entity),
  action: described(action),
  resource: described(entity),
  context: described(context),
  evaluations: z.array(described(question.partial())).max(evaluationLimit).optional(),
  options: z.object({ evaluations_semantic: z.enum(semantics).default('execute_all') }).optional(),
});

type Batch = z.output<typeof batch>;

const item = z.looseObject({});

/** One evaluation of several, with the defaults of the top level; one that cannot be read is denied and says why. */
async function answerItem(asking: Asking, defaults: Batch, given: unknown): Promise<Answer> {
  const own = item.safeParse(given);
  const { subject, action: asked, resource, context: shared } = defaults;
  if (!own.success) return unreadable(own.error);
  const whole = question.safeParse({ subject, action: asked, resource, context: shared, ...own.data });
  return whole.success ? present(await decide(asking, whole.data)) : unreadable(whole.error);
}

function unreadable({ issues }: z.ZodError): Answer {
  const faults = issues.map(({ path, message }) => [...path, message].join(': '));
  const message = `This evaluation cannot be read: ${faults.join('; ')}`;
  return { decision: false, context: { reason: { code: 'invalid_request', message } } };
}

/** Answers until the semantic says that the rest no longer matters; what was not asked has no answer. */
async function answerInTurn(asking: Asking, body: Batch, items: readonly unknown[]): Promise<Answer[]> {
  const semantic = body.options?.evaluations_semantic ?? 'execute_all';
  if (semantic === 'execute_all') return Promise.all(items.map((given) => answerItem(asking, body, given)));
  const last = semantic === 'permit_on_first_permit';
  const answers: Answer[] = [];
  for (const given of items) {
    const answer = await answerItem(asking, body, given);
    answers.push(answer);
    if (answer.decision === last) break;
  }
  return answers;
}

export const decisionRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/access/v1/evaluation',
    tag: 'Decisions',
    summary: 'Ask whether a person may do something',
    description:
      'AuthZEN 1.0. The subject is `{"type":"user","id":…}` with an account id or a proven email, the action names a permission, the resource is an organization or a project. The reason is in the `context`.',
    access: 'operator',
    scope: 'evaluate',
    readOnly: true,
    body: question,
    status: 200,
    response: decision,
    handle: async ({ body, reads }, deps) => present(await decide(askingOf(reads, deps), body)),
  }),
  route({
    method: 'post',
    path: '/access/v1/evaluations',
    tag: 'Decisions',
    summary: 'Ask several such questions at once',
    description: `AuthZEN 1.0, at most ${evaluationLimit} at once. Top-level members are defaults of every evaluation; without \`evaluations\` it is a single one. One that is incomplete or malformed is denied with the reason \`invalid_request\`; the others are answered.`,
    access: 'operator',
    scope: 'evaluate',
    readOnly: true,
    body: batch,
    status: 200,
    response: z.union([z.strictObject({ evaluations: z.array(decision) }), decision]),
    handle: async ({ body, reads }, deps) => {
      const { evaluations = [] } = body;
      const asking = askingOf(reads, deps);
      if (evaluations.length === 0) return present(await decide(asking, parseInput(question, body, 'body')));
      return { evaluations: await answerInTurn(asking, body, evaluations) };
    },
  }),
  route({
    method: 'get',
    path: '/.well-known/authzen-configuration',
    tag: 'Decisions',
    summary: 'Read the configuration of the decision point',
    access: 'public',
    status: 200,
    response: z.strictObject({
      policy_decision_point: z.string(),
      access_evaluation_endpoint: z.string(),
      access_evaluations_endpoint: z.string(),
    }),
    handle: async (_call, { baseUrl }) => ({
      policy_decision_point: baseUrl,
      access_evaluation_endpoint: `${baseUrl}/access/v1/evaluation`,
      access_evaluations_endpoint: `${baseUrl}/access/v1/evaluations`,
    }),
  }),
];
