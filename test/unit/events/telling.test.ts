/** What becomes of an audit event when it is told (EVT-1): the table, and what is told to nobody. */
import { describe, expect, test } from '@jest/globals';
import { isTold, tell } from '../../../src/events/telling.ts';
import type { AuditEvent } from '../../../src/store/index.ts';

const at = new Date('2030-01-01T00:00:00Z');

function audited(type: string, facts: Partial<AuditEvent> = {}): AuditEvent {
  return {
    _id: 'aud-01k8zq3v7m9c2e4g6j8n0r2t4w',
    organizationId: 'org-1',
    type,
    actor: 'account:acc-9',
    requestId: 'req-1',
    outcome: 'done',
    targetKind: 'account',
    targetId: 'acc-1',
    seq: 7,
    version: 2,
    createdAt: at,
    updatedAt: at,
    ...facts,
  };
}

const given = { target: 'project', targetId: 'prj-1', role: 'member', sourceId: 'manual', source: 'manual' };
const mapped = { ...given, source: 'mapping', sourceId: 'map-1', grantedBy: 'group:grp-1', role: 'admin' };
const manual = { role: 'member', source: 'manual' };
const fromGroup = { role: 'admin', source: 'mapping', mappingId: 'map-1', groupId: 'grp-1' };

describe('a grant', () => {
  test.each([
    [
      'the first',
      'grant.added',
      undefined,
      { ...given, projectRole: 'member' },
      'collaborator.added',
      { role: 'member', grant: manual },
    ],
    [
      'a higher one beside another',
      'grant.added',
      { projectRole: 'member' },
      { ...mapped, projectRole: 'admin' },
      'collaborator.role_changed',
      { role: 'admin', previousRole: 'member', grant: fromGroup },
    ],
    [
      'one that adds nothing',
      'grant.added',
      { projectRole: 'admin' },
      { ...given, projectRole: 'admin' },
      'grant.added',
      { on: 'project', grant: manual },
    ],
    [
      'the last that goes',
      'grant.removed',
      { ...given, projectRole: 'member' },
      undefined,
      'collaborator.removed',
      { previousRole: 'member', grant: manual },
    ],
    [
      'the highest that goes',
      'grant.removed',
      { ...mapped, projectRole: 'admin' },
      { projectRole: 'member' },
      'collaborator.role_changed',
      { role: 'member', previousRole: 'admin', previousGrant: fromGroup },
    ],
    [
      'one of several that goes',
      'grant.removed',
      { ...given, projectRole: 'admin' },
      { projectRole: 'admin' },
      'grant.removed',
      { on: 'project', grant: manual },
    ],
    [
      'one that comes to stand for another source',
      'grant.changed',
      { ...mapped, projectRole: 'admin' },
      { ...given, role: 'admin', projectRole: 'admin' },
      'grant.changed',
      { on: 'project', grant: { role: 'admin', source: 'manual' }, previousGrant: fromGroup },
    ],
  ] as const)('%s is told as what the person gained or lost', (_what, type, before, after, told, data) => {
    const event = tell(audited(type, { ...(before && { before }), ...(after && { after }) }));
    expect([event?.type, event?.data]).toEqual([told, { projectId: 'prj-1', accountId: 'acc-1', ...data }]);
  });

  test('on the organization is told as a source; the role that it comes to is told of the member', () => {
    const onAll = { ...mapped, target: 'organization', targetId: 'org-1' };
    expect(tell(audited('grant.added', { after: onAll }))).toMatchObject({
      type: 'grant.added',
      data: { accountId: 'acc-1', on: 'organization', grant: fromGroup },
    });
  });
});

test('what the catalogue does not name is left out: addresses, profiles, numbers of things', () => {
  const event = tell(
    audited('member.blocked', { after: { blockId: 'blk-1', memberId: 'mem-1', email: 'a@b.example' } }),
  );
  expect(event).toEqual({
    id: 'evt-01k8zq3v7m9c2e4g6j8n0r2t4w',
    type: 'member.blocked',
    timestamp: '2030-01-01T00:00:00.000Z',
    organizationId: 'org-1',
    sequence: 7,
    actor: 'account:acc-9',
    data: { accountId: 'acc-1', memberId: 'mem-1' },
  });
});

test('a resource that lost its cluster is told without it', () => {
  const was = { projectId: 'prj-1', type: 'volume', name: 'data', clusterId: 'res-2' };
  const { clusterId, ...is } = was;
  const event = tell(audited('resource.updated', { targetId: 'res-1', before: was, after: is }));
  expect(event?.data).toEqual({ resourceId: 'res-1', ...is });
});

test.each([
  ['was refused', audited('member.added', { outcome: 'refused' })],
  ['is in no table', audited('member.profile_changed')],
  ['has the name of what every object has', audited('constructor.toString')],
  ['lacks what the catalogue promises', audited('member.added', { after: { role: 'admin' } })],
])('what %s is told to nobody', (_what, event) => {
  expect(tell(event)).toBeUndefined();
});

test('what has no number yet is told to nobody, and a trial is no part of the order', () => {
  const { seq, ...unnumbered } = audited('project.archived', { targetId: 'prj-1', after: { name: 'P' } });
  expect([isTold(unnumbered), tell(unnumbered)]).toEqual([true, undefined]);
  const trial = audited('webhook.tested', { targetId: 'whk-1' });
  expect([isTold(trial), tell(trial)?.sequence]).toEqual([false, 0]);
});

test('what belongs to the platform names no organization but in its data', () => {
  const gone = { before: { name: 'Acme', slug: 'acme' }, organizationId: 'platform', targetId: 'org-1' };
  const event = tell(audited('organization.deleted', gone));
  expect([event?.organizationId, event?.data.organizationId]).toEqual([undefined, 'org-1']);
});
