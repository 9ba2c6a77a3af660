/** Permission decisions, one or several at once (AuthZEN 1.0, sections 6 and 7). */
import { z } from 'zod';
import type { Decision } from '../../access/index.ts';
import { parseInput } from '../input.ts';
import { type Route, route } from '../route.ts';
import { type Asking, action, askingOf, context, entity, prepareQuestion, reason } from './asking.ts';

const evaluationLimit = 200;

const question = z.object({ subject: entity, action, resource: entity, context });

type Question = z.output<typeof question>;

const decision = z
  .strictObject({
    decision: z.boolean(),
    context: z.strictObject({
      reason,
      role: z.enum(['admin', 'member']).optional(),
      via: z.enum(['owner', 'organization_role', 'default_project', 'grant', 'external', 'key']).optional(),
    }),
  })
  .meta({ id: 'Decision' });

type Answer = z.output<typeof decision>;

const present = ({ allowed, reason: code, message, role, via }: Decision): Answer => ({
  decision: allowed,
  context: { reason: { code, message }, ...(role && { role }), ...(via && { via }) },
});

/** Decides one question; whatever is unknown is denied with its own reason. */
const decide = async (asking: Asking, { action: { name }, ...about }: Question): Promise<Decision> =>
  (await prepareQuestion(asking, about)).decide(name);

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

export const evaluationRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/access/v1/evaluation',
    tag: 'Decisions',
    summary: 'Ask whether a person or an API key may do something',
    description:
      'AuthZEN 1.0. The subject is `{"type":"user","id":…}` with an account id or a proven email, or `{"type":"api_key","id":…}` with the id that verification answers; the action names a permission, the resource is an organization, a project, or what is registered in one, by its type (`cluster`, `volume`, …) and id: access to it is that to its project, and only permissions of its type are asked on it. The reason is in the `context`.',
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
];
