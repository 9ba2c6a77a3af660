import { describe, expect, test } from '@jest/globals';
import { newId } from '../../src/lib/ids.ts';
import { PLATFORM, StoreUsageError } from '../../src/store/index.ts';
import { movableClock, newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

/** Rows go in and come out as they are; what the schema does not allow does not go in. */
export function rowSuite(open: OpenStore): void {
  describe('rows', () => {
    const clock = movableClock();
    const store = sharedStore(open, { clock });

    test('an inserted row is answered as stored and read back equal', async () => {
      const org = newOrganization();
      const given = rows.user(org, {
        displayName: 'Zoë 😀',
        attributes: { name: { givenName: 'Zoë' }, tags: ['a', 1, true, null, { deep: [[]] }], empty: {} },
      });
      const made = await write(store(), (tx) => tx.directoryUsers.insert(org, given));
      const at = clock.now();
      expect(made).toEqual({
        ...given,
        version: 1,
        createdAt: at,
        updatedAt: at,
        changedBy: { actor: 'account:acc-1', requestId: 'req-1' },
      });
      expect(await store().read.directoryUsers.get(org, given._id)).toEqual(made);
      expect(await store().read.directoryUsers.find(org, {})).toEqual([made]);
    });

    test('an optional field is absent where it was not given, or given as undefined', async () => {
      const org = newOrganization();
      const given = rows.user(org, { displayName: undefined, attributes: { gone: undefined, kept: null } });
      const made = await write(store(), (tx) => tx.directoryUsers.insert(org, given));
      const read = await store().read.directoryUsers.get(org, made._id);
      for (const row of [made, read]) {
        expect(row).not.toHaveProperty('displayName');
        expect(row?.attributes).toStrictEqual({ kept: null });
      }
    });

    test('answers are frozen through and through, and share nothing with what was given', async () => {
      const org = newOrganization();
      const attributes = { list: [{ a: 1 }] };
      const made = await write(store(), (tx) => tx.directoryUsers.insert(org, rows.user(org, { attributes })));
      attributes.list.push({ a: 2 });
      const read = await store().read.directoryUsers.get(org, made._id);
      for (const row of [made, read]) {
        expect(row?.attributes).toEqual({ list: [{ a: 1 }] });
        expect(Object.isFrozen(row)).toBe(true);
        const list = (row?.attributes.list ?? []) as readonly object[];
        expect(list.every((item) => Object.isFrozen(item))).toBe(true);
      }
      await write(store(), (tx) => tx.projects.insert(org, rows.project(org)));
      for (const found of [
        await store().read.directoryUsers.find(org, {}),
        await store().read.projects.find(org, {}),
      ]) {
        expect([found.length, Object.isFrozen(found)]).toEqual([1, true]);
      }
    });

    test('dates keep their milliseconds, also before 1970', async () => {
      const org = newOrganization();
      for (const ms of [0, 1, -1, 1_767_225_600_123, -62_135_596_800_000, 253_402_300_799_999]) {
        const made = await write(store(), (tx) => tx.outbox.insert(org, rows.job(org, { dueAt: new Date(ms) })));
        const read = await store().read.outbox.get(org, made._id);
        expect(read?.dueAt).toEqual(new Date(ms));
        expect(await store().read.outbox.findOne(org, { dueAt: new Date(ms) })).toEqual(read);
        expect(await store().read.outbox.findOne(org, { dueAt: new Date(ms + 7) })).toBeUndefined();
      }
    });

    test('texts keep case, accents, composition and line breaks', async () => {
      const org = newOrganization();
      const texts = [
        '',
        ' ',
        'a',
        'A',
        'é',
        'e\u0301',
        'ﬀ',
        '😀',
        'a\r\n\tb',
        '"\\\'',
        "'; DROP TABLE members; --",
        '\u{10ffff}',
      ];
      for (const job of texts) await write(store(), (tx) => tx.outbox.insert(org, rows.job(org, { job })));
      for (const job of texts) {
        const found = await store().read.outbox.find(org, { job });
        expect(found.map((row) => row.job)).toEqual([job]);
      }
    });

    test('numbers keep their value', async () => {
      const org = newOrganization();
      const numbers = [0, -1, 0.1, 1e21, 1e-7, Number.MAX_SAFE_INTEGER, -Number.MAX_VALUE];
      for (const attempts of numbers) {
        const made = await write(store(), (tx) =>
          tx.outbox.insert(org, rows.job(org, { attempts, payload: { attempts } })),
        );
        expect((await store().read.outbox.get(org, made._id))?.attempts).toBe(attempts);
        expect((await store().read.outbox.get(org, made._id))?.payload).toEqual({ attempts });
      }
    });

    test('many rows are inserted at once, and none where one of them is refused', async () => {
      const org = newOrganization();
      const many = Array.from({ length: 250 }, (_, attempts) => rows.job(org, { attempts }));
      await write(store(), (tx) => tx.outbox.insertMany(org, many));
      expect(await store().read.outbox.count(org, {})).toBe(250);
      const [first] = many;
      const twice = write(store(), (tx) => tx.outbox.insertMany(org, [rows.job(org), first ?? rows.job(org)]));
      await expect(twice).rejects.toMatchObject({ name: 'DuplicateKeyError', fields: ['_id'] });
      expect(await store().read.outbox.count(org, {})).toBe(250);
      await write(store(), (tx) => tx.outbox.insertMany(org, []));
    });

    test('an unknown or foreign id finds nothing, and is no error', async () => {
      const org = newOrganization();
      for (const id of ['', 'x', newId('member'), 'a\0b', '\ud800', '__proto__', '$where']) {
        expect(await store().read.members.get(org, id)).toBeUndefined();
      }
    });

    const id = newId('outbox');
    const refusedRows: readonly (readonly [string, Record<string, unknown>])[] = [
      ['an unknown field', { color: 'red' }],
      ['a field of the store itself', { version: 7 }],
      ['a missing required field', { job: undefined }],
      ['null in a declared field', { error: null }],
      ['a number for a text', { job: 7 }],
      ['a text for a number', { attempts: '7' }],
      ['not a number', { attempts: Number.NaN }],
      ['an infinite number', { attempts: Number.POSITIVE_INFINITY }],
      ['a text for a date', { dueAt: '2026-01-01T00:00:00Z' }],
      ['a number for a date', { dueAt: 0 }],
      ['an invalid date', { dueAt: new Date(Number.NaN) }],
      ['a text that its list does not allow', { state: 'done' }],
      ['a NUL', { job: 'a\0b' }],
      ['a NUL deep in free-form data', { payload: { a: ['b\0'] } }],
      ['a NUL in a key', { payload: { 'a\0': 1 } }],
      ['half a character', { job: '\ud83d' }],
      ['half a character in free-form data', { payload: { a: '\ude00' } }],
      ['a list for free-form data', { payload: [] }],
      ['a dot in a key', { payload: { 'urn:a:2.0': 1 } }],
      ['a dollar at the start of a key', { payload: { a: [{ $where: '1' }] } }],
      ['an empty key', { payload: { '': 1 } }],
      ['the key __proto__', { payload: JSON.parse('{"__proto__": {"admin": true}}') }],
      ['the key constructor', { payload: { a: { constructor: 1 } } }],
      ['the key prototype', { payload: { prototype: 1 } }],
      ['a date in free-form data', { payload: { at: new Date(0) } }],
      ['a class in free-form data', { payload: { map: new Map() } }],
      ['undefined in a list', { payload: { list: [undefined] } }],
      ['a number that is none in free-form data', { payload: { n: Number.NaN } }],
      ['no id', { _id: undefined }],
    ];
    test.each(refusedRows)('%s is refused and nothing is written', async (_, fault) => {
      const org = newOrganization();
      const row = { ...rows.job(org, { _id: id }), ...fault };
      await expect(write(store(), (tx) => tx.outbox.insert(org, row as never))).rejects.toThrow(StoreUsageError);
      expect(await store().read.outbox.find(org, {})).toEqual([]);
    });

    test('free-form data may not nest without end', async () => {
      const org = newOrganization();
      const nest = (depth: number): Record<string, unknown> => (depth === 0 ? {} : { a: nest(depth - 1) });
      await write(store(), (tx) => tx.outbox.insert(org, rows.job(org, { payload: nest(40) })));
      const deep = write(store(), (tx) => tx.outbox.insert(org, rows.job(org, { payload: nest(200) })));
      await expect(deep).rejects.toThrow(StoreUsageError);
    });

    test('lists and inner objects are checked as they are declared', async () => {
      const org = newOrganization();
      const session = {
        _id: newId('session'),
        accountId: 'acc',
        tokenHash: newId('session'),
        madeBy: 'operator' as const,
        endedIn: ['org-a'],
        idleExpiresAt: new Date(1),
        expiresAt: new Date(2),
      };
      const made = await write(store(), (tx) => tx.sessions.insert(PLATFORM, session));
      expect((await store().read.sessions.get(PLATFORM, made._id))?.endedIn).toEqual(['org-a']);
      const faulty = { ...session, _id: newId('session'), endedIn: [1] };
      await expect(write(store(), (tx) => tx.sessions.insert(PLATFORM, faulty as never))).rejects.toThrow(
        StoreUsageError,
      );
      for (const profile of [{ displayName: 1 }, { color: 'red' }, 'Ada', null]) {
        const member = rows.member(org, { profile: profile as never });
        await expect(write(store(), (tx) => tx.members.insert(org, member))).rejects.toThrow(StoreUsageError);
      }
      const member = rows.member(org, { profile: { displayName: 'Ada', title: undefined } });
      const inserted = await write(store(), (tx) => tx.members.insert(org, member));
      expect((await store().read.members.get(org, inserted._id))?.profile).toStrictEqual({ displayName: 'Ada' });
    });
  });
}
