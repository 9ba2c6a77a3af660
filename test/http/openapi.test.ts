/** The document and the page are made from the routes that are mounted: complete, consistent, and readable by tools. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { errorCatalogue } from '../../src/errors.ts';
import { apiRoutes } from '../../src/http/api/index.ts';
import { openTestGatehouse } from '../support/gatehouse.ts';

type Json = Record<string, unknown>;
interface Operation extends Json {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security: readonly Json[];
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Json };
  readonly responses: Record<string, { readonly description: string; readonly content?: Json }>;
}

let document: Json & {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Json>; readonly securitySchemes: Json };
};
let page: string;

beforeAll(async () => {
  const gatehouse = await openTestGatehouse();
  const answer = await gatehouse.request.get('/openapi.json');
  expect(answer.status).toBe(200);
  document = answer.body;
  const docs = await gatehouse.request.get('/docs');
  expect([docs.status, docs.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  page = docs.text;
  const style = await gatehouse.request.get('/docs/style.css');
  expect([style.status, style.headers['content-type']]).toEqual([200, 'text/css; charset=utf-8']);
});

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

/** Every object in a document, with where it stands. */
function* objectsOf(value: unknown, at = '#'): Generator<readonly [string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Json];
  for (const [key, item] of Object.entries(value)) yield* objectsOf(item, `${at}/${key}`);
}

describe('the OpenAPI document', () => {
  test('is one of 3.1, and says what it describes', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Gatehouse', version: expect.stringMatching(/^\d+\.\d+\.\d+$/), description: expect.any(String) },
      servers: [{ url: 'http://gatehouse.test' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    });
  });

  test('has every route that is mounted, and no other', () => {
    const described = operations().map(({ path, method }) => `${method} ${path}`);
    expect(described.sort()).toEqual(apiRoutes.map(({ method, path }) => `${method} ${path}`).sort());
  });

  test('names every operation once', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+(_[A-Za-z0-9]+)+$/);
  });

  test('has no reference that leads nowhere', () => {
    for (const [at, object] of objectsOf(document)) {
      if (typeof object.$ref !== 'string') continue;
      const name = /^#\/components\/schemas\/(.+)$/.exec(object.$ref)?.[1] ?? '';
      expect([at, Object.keys(document.components.schemas)]).toEqual([at, expect.arrayContaining([name])]);
    }
  });

  test('declares the parameters of every path, all required', () => {
    for (const { path, operation } of operations()) {
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect([path, inPath.map(({ name }) => name).sort()]).toEqual([
        path,
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort(),
      ]);
      expect(inPath.every(({ required }) => required === true)).toBe(true);
    }
  });

  test('has for every operation a summary, a tag, one success with its schema, and its errors as problems', () => {
    for (const { path, method, operation } of operations()) {
      const name = `${method} ${path}`;
      expect([name, operation.summary, operation.tags]).toEqual([
        name,
        expect.stringMatching(/^[A-Z].{5,}[^.]$/),
        [expect.any(String)],
      ]);
      const success = Object.keys(operation.responses).filter((status) => status.startsWith('2'));
      expect([name, success]).toEqual([name, [expect.any(String)]]);
      for (const [status, response] of Object.entries(operation.responses)) {
        const types = Object.keys(response.content ?? {});
        if (status === '204' || status === '304') expect(types).toEqual([]);
        else
          expect([name, types]).toEqual([
            name,
            [status.startsWith('2') ? 'application/json' : 'application/problem+json'],
          ]);
      }
    }
  });

  test('says what each route may refuse with, as far as it follows from its declaration', () => {
    for (const route of apiRoutes) {
      const responses = document.paths[route.path]?.[route.method]?.responses ?? {};
      const told = Object.values(responses)
        .map(({ description }) => description)
        .join();
      for (const code of route.errors ?? []) expect(told).toContain(`\`${code}\``);
      expect(responses['400']?.description).toContain('`invalid_request`');
      expect(responses['405']?.description).toContain('`method_not_allowed`');
      const asks = route.method === 'get' || /^\/access\/|\/introspect$|\/keys\/verify$/.test(route.path);
      expect(responses['409']?.description.includes('`stale`') ?? false).toBe(!asks);
      expect('401' in responses).toBe(route.access !== 'public' || route.session !== undefined);
      expect('415' in responses).toBe(route.body !== undefined && !route.path.startsWith('/access/'));
    }
  });

  test('has strict schemas for what goes in', () => {
    for (const { path, operation } of operations()) {
      const content = operation.requestBody?.content['application/json'] as { schema: Json } | undefined;
      if (content && !path.startsWith('/access/')) expect(content.schema.additionalProperties).toBe(false);
    }
  });
});

describe('the page', () => {
  test('describes every route and every error', () => {
    for (const { method, path, summary } of apiRoutes) {
      expect(page).toContain(`<b>${method.toUpperCase()}</b> <code>${path}</code>`);
      expect(page).toContain(summary.replaceAll("'", '&#39;'));
    }
    for (const code of Object.keys(errorCatalogue)) expect(page).toContain(`id="problem-${code}"`);
  });

  test('has nothing inline that its content security policy would stop', () => {
    expect(page).not.toMatch(/<script|<style|\sstyle=|\son\w+=|javascript:/i);
  });

  test('has no link that leads nowhere', () => {
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect([...ids]).toContain(target);
  });
});
