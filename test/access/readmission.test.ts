/** Ways back in that are shut: for who is blocked (MEM-4), and through what somebody may not give. */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { buildWorld, expectStatus, openPerson, type World } from '../http/world.ts';
import { openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';
import { type Mailbox, openMailbox } from '../support/mailbox.ts';

let now = Date.UTC(2030, 0, 1);
let mailbox: Mailbox;
let gatehouse: TestGatehouse;
let acme: World;
let home: string;

beforeAll(async () => {
  mailbox = await openMailbox();
  gatehouse = await openTestGatehouse({
    rehearse: false,
    clock: { now: () => new Date(now) },
    env: { SMTP_URL: mailbox.url },
  });
  acme = await buildWorld(gatehouse, 'acme');
  home = `/api/v1/organizations/${acme.organizationId}`;
});

beforeEach(() => {
  // rates fill up again between tests
  now += 60 * 60_000;
});

type Verb = 'get' | 'post' | 'patch' | 'delete';
const ask = (method: Verb, path: string, body?: object, as?: string) => gatehouse.operator(method, path, as).send(body);
const expectOf = (status: number, ...asked: Parameters<typeof ask>) => expectStatus(status, ask(...asked));
const join = async (email: string, role: 'admin' | 'member') => {
  const person = await openPerson(gatehouse, email);
  const { id } = await expectOf(201, 'post', `${home}/members`, { accountId: person.accountId, role });
  return { ...person, path: `${home}/members/${id}` };
};

describe('somebody who was removed and blocked', () => {
  test('is not let back in as an External Collaborator, by nobody (MEM-4, PRJ-4)', async () => {
    const blocked = await join('shut-out@people.example', 'member');
    await expectOf(200, 'delete', `${blocked.path}?block=true`);
    const collaborators = `/api/v1/projects/${acme.projectId}/collaborators`;
    await expectOf(201, 'post', collaborators, { email: acme.member.email, role: 'admin' });
    for (const asker of [acme.member, acme.admin, acme.owner]) {
      const body = { email: blocked.email, role: 'admin', external: true };
      const refused = await ask('post', collaborators, body, asker.accountId);
      expect([refused.status, refused.body.code]).toEqual([403, 'member_blocked']);
    }
    await expectOf(404, 'get', `/api/v1/projects/${acme.projectId}`, undefined, blocked.accountId);
  });
});
