import { expect, test } from '@jest/globals';
import supertest from 'supertest';
import { organizationPermissions, projectPermissions } from '../../src/access/index.ts';
import { apiRoutes } from '../../src/http/api/index.ts';
import { openTestGatehouse } from '../support/gatehouse.ts';

test('the readable page describes every route in full and names every permission that may be asked for (PERM-5)', async () => {
  const gatehouse = await openTestGatehouse();
  const { status, text } = await supertest(gatehouse.app).get('/docs');
  expect(status).toBe(200);
  for (const { path } of apiRoutes) expect(text).toContain(`<code>${path}</code>`);
  for (const name of Object.keys({ ...organizationPermissions, ...projectPermissions })) {
    expect(text).toContain(`<td><code>${name}</code></td>`);
  }
  expect(text).not.toMatch(/Answer 20\d<\/h4><pre>(anything|undefined)/);
  expect(text).not.toContain('[anything]');
});
