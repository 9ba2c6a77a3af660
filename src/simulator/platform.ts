/** Gatehouse's public API as the demo and the journeys use it: answers are parsed, refusals are values. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

const problem = z.looseObject({
  code: z.string().optional(),
  detail: z.string().optional(),
  title: z.string().optional(),
});

/** An answer of the API outside 2xx. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: string | undefined;
  readonly detail: string;

  constructor(request: string, status: number, body: unknown) {
    const { code, detail, title } = problem.safeParse(body).data ?? {};
    const text = detail ?? title ?? 'no detail';
    super(`${request} answered ${status}${code ? ` ${code}` : ''}: ${text}`);
    this.name = 'ApiRefusal';
    this.status = status;
    this.code = code;
    this.detail = text;
  }
}

const decision = z.looseObject({
  decision: z.boolean(),
  context: z.looseObject({
    reason: z.object({ code: z.string(), message: z.string() }),
    role: z.enum(['admin', 'member']).optional(),
    via: z.string().optional(),
  }),
});

export type PermissionAnswer = z.output<typeof decision>;

export interface Resource {
  readonly type: 'organization' | 'project';
  readonly id: string;
}

export interface Platform {
  readonly baseUrl: string;
  /** Sends with the operator's token (with `actAs`, in that account's place) and answers the body as `shape` reads it. Throws ApiRefusal. */
  call<S extends z.ZodType>(
    shape: S,
    method: string,
    path: string,
    body?: unknown,
    actAs?: string,
  ): Promise<z.output<S>>;
  /** The refusal that this request gets, undefined where it is granted. */
  refusal(method: string, path: string, body?: unknown, actAs?: string): Promise<ApiRefusal | undefined>;
  /** All items of a list, page after page. */
  all<S extends z.ZodType>(shape: S, path: string): Promise<readonly z.output<S>[]>;
  /** Whether this person (account id or proven email) has the permission there (AuthZEN). */
  may(subject: string, permission: string, resource: Resource): Promise<PermissionAnswer>;
  /**
   * Asks again and again until the answer is `expected`; the milliseconds that this took, undefined where it did not
   * come about within `limitMs`.
   */
  settle(
    subject: string,
    permission: string,
    resource: Resource,
    expected: boolean,
    limitMs?: number,
  ): Promise<number | undefined>;
}

/** `baseUrl` without a slash at the end. */
export function openPlatform(baseUrl: string, operatorToken: string): Platform {
  const request = async (method: string, path: string, body?: unknown, actAs?: string): Promise<unknown> => {
    const response = await fetch(baseUrl + path, {
      method,
      headers: {
        Authorization: `Bearer ${operatorToken}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(actAs !== undefined && { 'Gatehouse-Act-As': actAs }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    if (!response.ok) throw new ApiRefusal(`${method} ${path}`, response.status, parsed);
    return parsed;
  };
  const may: Platform['may'] = async (subject, permission, resource) =>
    decision.parse(
      await request('POST', '/access/v1/evaluation', {
        subject: { type: 'user', id: subject },
        action: { name: permission },
        resource,
      }),
    );
  return {
    baseUrl,
    may,
    call: async (shape, method, path, body, actAs) => shape.parse(await request(method, path, body, actAs)),
    refusal: (method, path, body, actAs) =>
      request(method, path, body, actAs).then(
        () => undefined,
        (error: unknown) => {
          if (error instanceof ApiRefusal) return error;
          throw error;
        },
      ),
    async all(shape, path) {
      const page = z.object({ items: z.array(shape), nextCursor: z.string().optional() });
      const items: z.output<typeof shape>[] = [];
      let cursor: string | undefined;
      do {
        const separator = path.includes('?') ? '&' : '?';
        const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const answer = page.parse(await request('GET', `${path}${separator}limit=200${query}`));
        items.push(...answer.items);
        cursor = answer.nextCursor;
      } while (cursor !== undefined);
      return items;
    },
    async settle(subject, permission, resource, expected, limitMs = 5000) {
      const begun = performance.now();
      for (;;) {
        const answer = await may(subject, permission, resource);
        const elapsed = performance.now() - begun;
        if (answer.decision === expected) return elapsed;
        if (elapsed > limitMs) return undefined;
        await sleep(3);
      }
    },
  };
}
