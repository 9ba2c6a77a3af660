/** What holds for every route, walked over the table that is mounted: a new route is in it by being declared. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { apiRoutes } from '../../src/http/api/index.ts';
import type { Route } from '../../src/http/route.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { bodies, nameOf, pathIn } from './samples.ts';
import { buildWorld, type World } from './world.ts';

let gatehouse: TestGatehouse;
let acme: World;
let rival: World;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ rehearse: false });
  acme = await buildWorld(gatehouse, 'acme');
  rival = await buildWorld(gatehouse, 'rival');
});

const table = (routes: readonly Route[]) => routes.map((route) => [nameOf(route), route] as const);
const closed = apiRoutes.filter(({ access }) => access !== 'public');
const permitted = apiRoutes.filter(({ access }) => typeof access === 'object');
const withBody = apiRoutes.filter(({ body }) => body !== undefined);

function expectProblem(
  answer: { status: number; body: unknown; headers: unknown },
  status: number,
  code: string,
): void {
  expect(answer.body).toMatchObject({ status, code, requestId: expect.any(String), title: expect.any(String) });
  expect(answer.status).toBe(status);
  expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json; charset=utf-8' });
}

describe.each(table(closed))('%s', (_name, route) => {
  test('asks for a token', async () => {
    const answer = await gatehouse.request[route.method](pathIn(route, acme));
    expectProblem(answer, 401, 'authentication_required');
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="gatehouse"');
  });

  test.each(['wrong', 'ghs_0000000000000000000000000000000000000000000000000000000000000000'])(
    'refuses the unknown token %s',
    async (token) => {
      const answer = await gatehouse.bearer(token, route.method, pathIn(route, acme));
      expectProblem(answer, 401, 'token_invalid');
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    },
  );

  test('refuses the token of a directory', async () => {
    const answer = await gatehouse.bearer(acme.directoryToken.secret, route.method, pathIn(route, acme));
    expectProblem(answer, 401, 'token_invalid');
  });

  test('refuses query parameters that it does not declare', async () => {
    const access = route.access === 'self' ? acme.member.email : undefined;
    const asked = gatehouse.operator(route.method, pathIn(route, acme), access).query({ nonsense: '1' });
    const answer = await asked.send(bodies[nameOf(route)]?.(acme));
    expectProblem(answer, 400, 'invalid_request');
  });
});

describe.each(table(permitted))('%s', (name, route) => {
  test("shows nothing of an organization to another one's Owner: 404 (PRJ-1)", async () => {
    const asked = gatehouse.bearer(rival.owner.token, route.method, pathIn(route, acme));
    expectProblem(await asked.send(bodies[name]?.(acme)), 404, 'not_found');
  });

  test("shows nothing of an organization to another one's Owner in whose place the operator asks (PRJ-1)", async () => {
    const asked = gatehouse.operator(route.method, pathIn(route, acme), rival.owner.accountId);
    expectProblem(await asked.send(bodies[name]?.(acme)), 404, 'not_found');
  });

  test('answers 404 for what does not exist, to the operator too', async () => {
    const none = { organizationId: 'org-00000000000000000000000000', projectId: 'prj-00000000000000000000000000' };
    const asked = gatehouse.operator(route.method, pathIn(route, { ...acme, ...none }));
    expectProblem(await asked.send(bodies[name]?.(acme)), 404, 'not_found');
  });
});

const nested = permitted.filter(({ path }) => (path.match(/\{/g)?.length ?? 0) > 1);

describe.each(table(nested))('%s', (name, route) => {
  test("finds nothing of another organization's below one's own (PRJ-1)", async () => {
    const { organizationId, projectId } = rival;
    const asked = gatehouse.bearer(
      rival.owner.token,
      route.method,
      pathIn(route, { ...acme, organizationId, projectId }),
    );
    const query = name.startsWith('DELETE') && name.includes('mappings') ? { grants: 'revoke' } : {};
    expectProblem(await asked.query(query).send(bodies[name]?.(acme)), 404, 'not_found');
  });

  test('answers 404 for ids that cannot be any', async () => {
    const path = route.path.replace('{org}', rival.organizationId).replace('{project}', rival.projectId);
    const answer = await gatehouse.operator(route.method, path.replace(/\{\w+\}/g, '%00$ne'));
    expectProblem(answer, 404, 'not_found');
  });
});

describe.each(table(apiRoutes.filter(({ access }) => access === 'operator')))('%s', (name, route) => {
  test('is for the operator only, also where the operator acts as an Owner', async () => {
    const asOwner = gatehouse.bearer(acme.owner.token, route.method, pathIn(route, acme));
    expectProblem(await asOwner.send(bodies[name]?.(acme)), 403, 'operator_only');
    const inPlace = gatehouse.operator(route.method, pathIn(route, acme), acme.owner.email);
    expectProblem(await inPlace.send(bodies[name]?.(acme)), 403, 'operator_only');
  });
});

/** Every place of a text in a body, with the body that has something else there. */
function* withoutTexts(value: unknown, replacement: unknown): Generator<unknown> {
  if (typeof value === 'string') yield replacement;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      for (const changed of withoutTexts(item, replacement)) yield value.with(index, changed);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      for (const changed of withoutTexts(item, replacement)) yield { ...value, [key]: changed };
    }
  }
}

describe.each(table(withBody))('%s', (name, route) => {
  const body = (): object => bodies[name]?.(acme) ?? {};
  const person = () => (route.access === 'self' ? acme.member.email : undefined);
  const ask = () => gatehouse.operator(route.method, pathIn(route, acme), person());
  const sendText = (text: string, type = 'application/json') => ask().set('Content-Type', type).send(text);

  test('has a sample body', () => {
    expect(bodies[name]).toBeDefined();
  });

  test('refuses malformed JSON and says nothing of its text', async () => {
    const answer = await sendText('{"password": "hunter2", x');
    expectProblem(answer, 400, 'malformed_json');
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
  });

  test.each([
    ['null', 'null'],
    ['"text"', 'a string'],
    ['1', 'a number'],
    ['true', 'a boolean'],
    ['[]', 'a list'],
  ])('refuses %s, and says that an object is expected (OPS-1)', async (text, found) => {
    const answer = await sendText(text);
    expectProblem(answer, 400, 'invalid_request');
    expect(answer.body.errors).toEqual([{ in: 'body', field: '', message: `must be a JSON object, not ${found}` }]);
  });

  const needless = route.body?.safeParse({}).success ?? false;
  test(needless ? 'takes a missing body as an empty one' : 'refuses a missing body', async () => {
    const answer = await ask();
    if (!needless) expectProblem(answer, 400, 'invalid_request');
    else expect({ ...(await ask().send({})).body, requestId: answer.body.requestId }).toEqual(answer.body);
  });

  // What cannot be read is 400 in AuthZEN, which knows no 415.
  const unreadable: readonly [number, string] = name.includes('/access/v1/')
    ? [400, 'invalid_request']
    : [415, 'unsupported_content_type'];

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json5'])('refuses %s', async (type) => {
    expectProblem(await sendText(JSON.stringify(body()), type), ...unreadable);
  });

  test('refuses another character set and another compression', async () => {
    const text = JSON.stringify(body());
    expectProblem(await sendText(text, 'application/json; charset=utf-16'), ...unreadable);
    const pressed = ask().set('Content-Type', 'application/json').set('Content-Encoding', 'compress').send(text);
    expectProblem(await pressed, ...unreadable);
  });

  test('refuses an oversized body', async () => {
    expectProblem(await ask().send({ ...body(), filler: 'x'.repeat(300_000) }), 413, 'body_too_large');
  });

  test.each(['__proto__', 'constructor', 'prototype'])('refuses the key %s anywhere', async (key) => {
    const text = JSON.stringify(body());
    for (const poisoned of [
      text.replace('{', `{"${key}":{"isAdmin":true},`),
      text.replace('{', `{"extra":[{"deep":{"${key}":1}}],`),
    ]) {
      const answer = await sendText(poisoned);
      expectProblem(answer, 400, 'invalid_request');
      expect(answer.body.errors[0].field).toContain(key);
    }
  });

  test('refuses NUL characters and halves of characters in every text', async () => {
    for (const bad of ['a\0b', 'a\ud800b']) {
      for (const changed of withoutTexts(body(), bad))
        expectProblem(await ask().send(changed as object), 400, 'invalid_request');
    }
  });

  test('refuses operators of the store where a text is expected', async () => {
    for (const changed of withoutTexts(body(), { $ne: '' })) {
      const answer = await ask().send(changed as object);
      // Of several evaluations the one that is malformed is denied, not all refused (AuthZEN).
      if (name !== 'POST /access/v1/evaluations') expectProblem(answer, 400, 'invalid_request');
      else expect(JSON.stringify(answer.body)).toContain('invalid_request');
    }
  });

  test('refuses endless nesting', async () => {
    const answer = await sendText(`{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    expectProblem(answer, 400, 'invalid_request');
  });

  const strict = !name.includes('/access/v1/');
  test(
    strict ? 'refuses fields that it does not know' : 'passes over fields that it does not know, as AuthZEN does',
    async () => {
      const answer = await ask().send({ ...body(), surprise: 1 });
      if (!strict) expect(answer.status).toBe(200);
      else {
        expectProblem(answer, 400, 'invalid_request');
        expect(answer.body.errors).toContainEqual({ in: 'body', field: 'surprise', message: 'is not a known field' });
      }
    },
  );
});

const paths = [...new Set(apiRoutes.map(({ path }) => path))];

test.each(paths)('%s names its methods to the others: 405', async (path) => {
  const siblings = apiRoutes.filter((route) => route.path === path);
  const [first] = siblings;
  if (!first) throw new Error('no route');
  const free = (['put', 'patch', 'delete'] as const).find((method) =>
    siblings.every((route) => route.method !== method),
  );
  if (!free) throw new Error(`${path} has every method`);
  const answer = await gatehouse.request[free](pathIn(first, acme));
  expectProblem(answer, 405, 'method_not_allowed');
  const allowed = String(answer.headers.allow).split(', ');
  for (const { method } of siblings) expect(allowed).toContain(method.toUpperCase());
  const options = await gatehouse.request.options(pathIn(first, acme));
  expect([options.status, options.headers.allow]).toEqual([204, answer.headers.allow]);
});
