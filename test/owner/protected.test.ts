import { describe, expect, test } from '@jest/globals';
import { attacks } from './attacks.ts';
import { findHarm, openScene, ownerResource } from './scene.ts';
import { provesProtection } from './suite.ts';

describe('with both layers', () => {
  provesProtection({ protection: true, attacks, explains: true });

  test('a push that would deprovision the Owner is refused with 403, says what to do, and is audited (OWN-2)', async () => {
    const scene = await openScene();
    const id = await scene.adopt();
    const before = await scene.store.read.directoryUsers.get(scene.id, id);
    const answer = await scene.scim('put', `/Users/${id}`, ownerResource({ active: false, title: 'Nobody' }));
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '403',
      detail: expect.stringMatching(/Owner.*Transfer the ownership/),
    });
    expect(await scene.store.read.directoryUsers.get(scene.id, id)).toEqual(before);
    expect(await scene.store.read.auditEvents.count(scene.id, { type: 'owner.deprovision_refused' })).toBe(1);
    expect(await findHarm(scene)).toEqual([]);
  });
});
