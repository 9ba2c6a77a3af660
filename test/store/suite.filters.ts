import { beforeAll, describe, expect, test } from '@jest/globals';
import { contains, endsWith, StoreUsageError, startsWith } from '../../src/store/index.ts';
import { newOrganization, type OpenStore, rows, sharedStore, write } from './support.ts';

const day = (n: number): Date => new Date(Date.UTC(2026, 0, n));

/** By `lease`, the name of each row: what the tables below expect. `error` is the optional text. */
const people = {
  ann: { job: 'Ann', attempts: 1, dueAt: day(1), error: 'a.b*c', payload: { title: 'x', n: 1, yes: true } },
  bob: { job: 'bob', attempts: 2, dueAt: day(2), payload: { title: 'X', n: '1', yes: 1 } },
  cid: { job: 'Zoë', attempts: 3, dueAt: day(3), error: 'line\n', payload: { title: null, deep: { a: [1, 2] } } },
  dan: { job: '😀', attempts: 4, dueAt: day(4), error: 'Ann', payload: { title: ['x', 'y'], deep: { a: 2 } } },
  eve: {
    job: '～',
    attempts: 5,
    dueAt: day(5),
    error: '',
    payload: {
      list: [
        { k: 'a', v: 1 },
        { k: 'b', v: 2 },
      ],
    },
  },
  fay: { job: 'zoe', attempts: 6, dueAt: day(6), payload: { list: [{ k: 'a', v: 2 }], nested: [[1]], yes: false } },
} as const;
type Name = keyof typeof people;
const all: readonly Name[] = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay'];

const matching: readonly (readonly [string, Record<string, unknown>, readonly Name[]])[] = [
  ['no condition', {}, all],
  ['equality', { job: 'Ann' }, ['ann']],
  ['equality is case-sensitive', { job: 'ann' }, []],
  ['equality does not fold accents', { job: 'Zoe' }, []],
  ['equality does not trim', { job: 'Ann ' }, []],
  ['several fields must all match', { job: 'bob', attempts: 2 }, ['bob']],
  ['several fields, one fails', { job: 'bob', attempts: 3 }, []],
  ['$eq', { attempts: { $eq: 3 } }, ['cid']],
  ['the empty text is a text', { error: '' }, ['eve']],
  ['$ne', { job: { $ne: 'Ann' } }, ['bob', 'cid', 'dan', 'eve', 'fay']],
  ['$ne also matches rows without the field', { error: { $ne: 'Ann' } }, ['ann', 'bob', 'cid', 'eve', 'fay']],
  ['$in', { job: { $in: ['bob', 'zoe', 'nobody'] } }, ['bob', 'fay']],
  ['$in of nothing', { job: { $in: [] } }, []],
  ['$in of one', { attempts: { $in: [2] } }, ['bob']],
  ['$in of dates', { dueAt: { $in: [day(1), day(6)] } }, ['ann', 'fay']],
  ['$gt', { attempts: { $gt: 4 } }, ['eve', 'fay']],
  ['$gte', { attempts: { $gte: 4 } }, ['dan', 'eve', 'fay']],
  ['$lt', { attempts: { $lt: 3 } }, ['ann', 'bob']],
  ['$lte', { attempts: { $lte: 3 } }, ['ann', 'bob', 'cid']],
  ['a range from both sides', { attempts: { $gt: 1, $lt: 4 } }, ['bob', 'cid']],
  ['a range of dates', { dueAt: { $gte: day(2), $lt: day(4) } }, ['bob', 'cid']],
  ['a range matches only rows that have the field', { error: { $lt: 'zzz' } }, ['ann', 'cid', 'dan', 'eve']],
  ['upper case is below lower case', { job: { $lt: 'a' } }, ['ann', 'cid']],
  ['text compares by code point: 😀 is above ～', { job: { $gt: '～' } }, ['dan']],
  ['text compares by code point: ～ is below 😀', { job: { $lt: '😀', $gte: '～' } }, ['eve']],
  ['$exists true', { error: { $exists: true } }, ['ann', 'cid', 'dan', 'eve']],
  ['$exists false', { error: { $exists: false } }, ['bob', 'fay']],
  ['$exists of free-form data', { payload: { $exists: true } }, all],
  ['$and', { $and: [{ attempts: { $gt: 1 } }, { attempts: { $lt: 3 } }] }, ['bob']],
  ['$or', { $or: [{ job: 'Ann' }, { attempts: 6 }] }, ['ann', 'fay']],
  ['$or beside a field', { attempts: { $lt: 3 }, $or: [{ job: 'bob' }, { job: 'zoe' }] }, ['bob']],
  ['$nor', { $nor: [{ job: 'Ann' }, { attempts: { $gt: 2 } }] }, ['bob']],
  ['$nor of a missing field matches', { $nor: [{ error: 'Ann' }] }, ['ann', 'bob', 'cid', 'eve', 'fay']],
  ['$nor of a range on a missing field matches', { $nor: [{ error: { $gt: '' } }] }, ['bob', 'eve', 'fay']],
  ['$nor of $nor', { $nor: [{ $nor: [{ error: 'Ann' }] }] }, ['dan']],
  ['startsWith', { job: startsWith('Zo') }, ['cid']],
  ['startsWith is case-sensitive', { job: startsWith('zo') }, ['fay']],
  ['startsWith an astral character', { job: startsWith('😀') }, ['dan']],
  ['startsWith takes special characters as they are', { error: startsWith('a.b*') }, ['ann']],
  ['startsWith: a dot is a dot', { error: startsWith('a.b.') }, []],
  ['startsWith nothing: rows that have the field', { error: startsWith('') }, ['ann', 'cid', 'dan', 'eve']],
  ['endsWith', { job: endsWith('oë') }, ['cid']],
  ['endsWith means the very end', { error: endsWith('line') }, []],
  ['endsWith a line break', { error: endsWith('e\n') }, ['cid']],
  ['endsWith more than the text', { job: endsWith('xAnn') }, []],
  ['endsWith an astral character', { job: endsWith('😀') }, ['dan']],
  ['contains', { error: contains('b*') }, ['ann']],
  ['contains is case-sensitive', { job: contains('NN') }, []],
  ['contains nothing: rows that have the field', { error: contains('') }, ['ann', 'cid', 'dan', 'eve']],
  ['a text that no row can hold (NUL)', { job: 'Ann\0' }, []],
  ['$ne a text that no row can hold', { job: { $ne: 'Ann\0' } }, all],
  ['$in with a text that no row can hold', { job: { $in: ['Ann\0', 'bob', '\ud800'] } }, ['bob']],
  ['a pattern that no row can match', { job: contains('A\0') }, []],
  ['above a text with NUL', { job: { $gt: 'Ann\0x' } }, ['bob', 'cid', 'dan', 'eve', 'fay']],
  ['below a text with NUL', { job: { $lte: 'Ann\0' } }, ['ann']],
  ['a number is no text', { job: 1 }, []],
  ['a text is no number', { attempts: '1' }, []],
  ['true is not 1', { attempts: true }, []],
  ['$ne of another type matches all', { attempts: { $ne: '1' } }, all],
  ['a range of another type matches none', { attempts: { $gt: '' } }, []],
  ['a number is no date', { dueAt: { $gt: 0 } }, []],
  ['free-form: equality', { 'payload.title': 'x' }, ['ann', 'dan']],
  [
    'free-form: $ne matches missing, null and other types',
    { 'payload.title': { $ne: 'x' } },
    ['bob', 'cid', 'eve', 'fay'],
  ],
  ['free-form: a number is no text', { 'payload.n': 1 }, ['ann']],
  ['free-form: a text is no number', { 'payload.n': '1' }, ['bob']],
  ['free-form: true is not 1', { 'payload.yes': true }, ['ann']],
  ['free-form: 1 is not true', { 'payload.yes': 1 }, ['bob']],
  ['free-form: false is not missing', { 'payload.yes': false }, ['fay']],
  ['free-form: $exists', { 'payload.title': { $exists: true } }, ['ann', 'bob', 'cid', 'dan']],
  ['free-form: $exists false', { 'payload.title': { $exists: false } }, ['eve', 'fay']],
  ['free-form: $in', { 'payload.title': { $in: ['y', 'X'] } }, ['bob', 'dan']],
  ['free-form: ranges by type', { 'payload.n': { $gte: 0 } }, ['ann']],
  ['free-form: ranges of texts', { 'payload.title': { $gt: 'X' } }, ['ann', 'dan']],
  ['free-form: patterns', { 'payload.title': startsWith('x') }, ['ann', 'dan']],
  ['free-form: a deep path', { 'payload.deep.a': 2 }, ['cid', 'dan']],
  ['free-form: through a list', { 'payload.list.k': 'b' }, ['eve']],
  ['free-form: a place in a list', { 'payload.list.0.v': 2 }, ['fay']],
  ['free-form: lists in lists are not searched', { 'payload.nested': 1 }, []],
  ['free-form: two conditions may match two elements', { 'payload.list.k': 'a', 'payload.list.v': 2 }, ['eve', 'fay']],
  ['$elemMatch: one element must match both', { 'payload.list': { $elemMatch: { k: 'a', v: 2 } } }, ['fay']],
  ['$elemMatch with operators', { 'payload.list': { $elemMatch: { k: { $in: ['b'] }, v: { $gt: 1 } } } }, ['eve']],
  ['$elemMatch with $or', { 'payload.list': { $elemMatch: { $or: [{ k: 'b' }, { v: 2 }] } } }, ['eve', 'fay']],
  ['$elemMatch on scalars', { 'payload.deep.a': { $elemMatch: { $gt: 1, $lt: 3 } } }, ['cid']],
  ['$elemMatch matches lists only', { 'payload.title': { $elemMatch: { $eq: 'x' } } }, ['dan']],
  ['a path through nothing', { 'payload.no.such.place': 'x' }, []],
  ['keys of every object are no keys of the data', { 'payload.constructor': { $exists: true } }, []],
  ['a hostile key is only a key', { 'payload.a"\')] OR 1=1 --': 'x' }, []],
];

const refused: readonly (readonly [string, unknown])[] = [
  ['an undeclared field', { color: 'red' }],
  ['an undeclared field of an object', { 'settings.color': 'red' }],
  ['a path below a text', { 'job.x': 'y' }],
  ['a path with an empty part', { 'payload..x': 'y' }],
  ['a path with a dollar', { 'payload.$where': 'y' }],
  ['__proto__ as a field', JSON.parse('{"__proto__": "x"}')],
  ['constructor as a field', { constructor: 'x' }],
  ['an unknown operator', { job: { $type: 'string' } }],
  ['$where', { $where: '1' }],
  ['$expr', { $expr: {} }],
  ['$not', { job: { $not: { $eq: 'x' } } }],
  ['$nin', { job: { $nin: ['x'] } }],
  ['an unknown operator in $or', { $or: [{ job: { $size: 1 } }] }],
  ['an unknown operator in free-form data', { 'payload.x': { $type: 1 } }],
  ['an operator beside a field in $elemMatch', { 'payload.x': { $elemMatch: { $eq: 1, k: 1 } } }],
  ['equality with null', { error: null }],
  ['equality with null in free-form data', { 'payload.x': null }],
  ['equality with undefined', { job: undefined }],
  ['equality with an object', { payload: { a: 1 } }],
  ['equality with a list', { job: ['Ann'] }],
  ['an object without operators', { job: {} }],
  ['NaN', { attempts: Number.NaN }],
  ['$in without a list', { job: { $in: 'Ann' } }],
  ['$in with null', { job: { $in: [null] } }],
  ['$exists with a number', { error: { $exists: 1 } }],
  ['an empty $and', { $and: [] }],
  ['an empty $or', { $or: [] }],
  ['$or of no list', { $or: { job: 'Ann' } }],
  ['$or of texts', { $or: ['job'] }],
  ['a regular expression', { job: /Ann/ }],
  ['a pattern with a wildcard', { job: { $regex: 'A.*' } }],
  ['a pattern with both anchors', { job: { $regex: '^Ann$' } }],
  ['a pattern with options', { job: { $regex: 'ann', $options: 'i' } }],
  ['$elemMatch on a text', { job: { $elemMatch: { $eq: 'A' } } }],
  ['a filter that is a list', []],
  ['a filter that is a text', 'job'],
];

/** Every operator of the documented subset, with MongoDB's own meaning on both engines. */
export function filterSuite(open: OpenStore): void {
  describe('filters', () => {
    const store = sharedStore(open);
    const org = newOrganization();
    beforeAll(async () => {
      const given = Object.entries(people).map(([lease, row]) => rows.job(org, { lease, ...row }));
      await write(store(), (tx) => tx.outbox.insertMany(org, given));
    });

    test.each(matching)('%s', async (_, filter, expected) => {
      const found = await store().read.outbox.find(org, filter as never, { sort: { attempts: 1 } });
      expect(found.map((row) => row.lease)).toEqual(expected);
      expect(await store().read.outbox.count(org, filter as never)).toBe(expected.length);
      const inside = await write(store(), (tx) => tx.outbox.find(org, filter as never, { sort: { attempts: 1 } }));
      expect(inside).toEqual(found);
      const first = await store().read.outbox.findOne(org, filter as never, { sort: { attempts: 1 } });
      expect(first?.lease).toBe(expected[0]);
    });

    test.each(refused)('%s is refused, also where there is no row', async (_, filter) => {
      for (const scope of [org, newOrganization()]) {
        await expect(store().read.outbox.find(scope, filter as never)).rejects.toThrow(StoreUsageError);
        await expect(store().read.outbox.count(scope, filter as never)).rejects.toThrow(StoreUsageError);
        const write_ = write(store(), (tx) => tx.outbox.remove(scope, filter as never));
        await expect(write_).rejects.toThrow(StoreUsageError);
      }
      expect(await store().read.outbox.count(org, {})).toBe(all.length);
    });

    test('a declared list is asked with $elemMatch, and never compared as a whole', async () => {
      const own = newOrganization();
      const log = (touched: readonly string[], status: number) => ({
        ...{ _id: rows.job(own)._id, organizationId: own, directoryId: 'dir', requestId: 'req', method: 'GET' },
        ...{ path: '/Users', status, outcome: 'read' as const, notes: [], touched, durationMs: 1.5 },
      });
      await write(store(), (tx) =>
        tx.provisioningLog.insertMany(own, [log(['a', 'b'], 1), log(['b'], 2), log([], 3), log(['B'], 4)]),
      );
      const find = async (touched: unknown): Promise<readonly number[]> => {
        const found = await store().read.provisioningLog.find(own, { touched } as never, { sort: { status: 1 } });
        return found.map((row) => row.status);
      };
      expect(await find({ $elemMatch: { $eq: 'b' } })).toEqual([1, 2]);
      expect(await find({ $elemMatch: { $in: ['a', 'B'] } })).toEqual([1, 4]);
      expect(await find({ $elemMatch: { $ne: 'b' } })).toEqual([1, 4]);
      expect(await find({ $elemMatch: { $eq: 'none' } })).toEqual([]);
      expect(await find({ $exists: true })).toEqual([1, 2, 3, 4]);
      for (const whole of ['b', ['b'], { $eq: 'b' }, { $in: ['b'] }, { $ne: 'b' }, startsWith('b')]) {
        await expect(find(whole)).rejects.toThrow(StoreUsageError);
      }
    });

    test('booleans and fields of inner objects are compared by value', async () => {
      const own = newOrganization();
      await write(store(), async (tx) => {
        await tx.members.insert(own, rows.member(own, { role: 'admin', owner: true, profile: { title: 'Owner' } }));
        await tx.members.insert(own, rows.member(own, { profile: { email: 'a@example.com' } }));
        await tx.members.insert(own, rows.member(own));
      });
      const count = (filter: unknown): Promise<number> => store().read.members.count(own, filter as never);
      expect(await count({ owner: true })).toBe(1);
      expect(await count({ owner: { $ne: true } })).toBe(2);
      expect(await count({ owner: false })).toBe(0);
      expect(await count({ owner: { $in: [true, false] } })).toBe(1);
      expect(await count({ owner: 1 })).toBe(0);
      expect(await count({ 'profile.title': 'Owner' })).toBe(1);
      expect(await count({ 'profile.title': { $ne: 'Owner' } })).toBe(2);
      expect(await count({ 'profile.email': { $exists: true } })).toBe(1);
      expect(await count({ profile: { $exists: false } })).toBe(1);
      await expect(count({ 'profile.color': 'red' })).rejects.toThrow(StoreUsageError);
      await expect(count({ profile: 'red' })).rejects.toThrow(StoreUsageError);
    });

    test('long lists and wide conditions work', async () => {
      const many = Array.from({ length: 3000 }, (_, i) => `job-${i}`);
      expect(await store().read.outbox.count(org, { job: { $in: [...many, 'bob'] } })).toBe(1);
      expect(await store().read.outbox.count(org, { $or: [...many.map((job) => ({ job })), { job: 'Ann' }] })).toBe(1);
    });

    test('a filter nested without end is refused', async () => {
      let filter: unknown = { job: 'Ann' };
      for (let depth = 0; depth < 500; depth += 1) filter = { $nor: [filter] };
      await expect(store().read.outbox.find(org, filter as never)).rejects.toThrow(StoreUsageError);
    });
  });
}
