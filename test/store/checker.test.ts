/** The rules that both engines share, without an engine: schemas, values, patterns, order. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Schema } from 'mongoose';
import { checkTenant, compileChecker, isPlainObject, isStorableText } from '../../src/store/checker.ts';
import { pagingBy } from '../../src/store/cursor.ts';
import { readFields } from '../../src/store/fields.ts';
import { contains, endsWith, readPattern, startsWith } from '../../src/store/filter.ts';
import { PLATFORM, StoreUsageError } from '../../src/store/index.ts';
import { compareScalars, compareText } from '../../src/store/order.ts';
import { type CollectionName, collections } from '../../src/store/schemas/index.ts';
import { afterPrefix } from '../../src/store/sqlite/sql.ts';

const anyText = fc.string({ unit: 'binary' });

describe('schemas', () => {
  test.each(Object.entries(collections))('%s declares only what both engines support', (name, definition) => {
    expect(() => compileChecker(name as CollectionName, definition)).not.toThrow();
  });

  test.each(Object.entries(collections))(
    'unique fields of %s are always there, or the index is partial',
    (_, definition) => {
      const fields = readFields(definition.schema);
      for (const [keys, options] of definition.schema.indexes()) {
        if (options.unique !== true) continue;
        const partial = Object.keys(options.partialFilterExpression ?? {});
        // MongoDB takes missing for null, and two nulls for equal; SQLite does not.
        for (const key of Object.keys(keys)) expect(fields.get(key)?.required || partial.includes(key)).toBe(true);
      }
    },
  );

  test('a field of another type, or declared by a path, is a fault at start-up', () => {
    expect(() => readFields(new Schema({ bytes: { type: Buffer } }))).toThrow('Buffer');
    expect(() => readFields(new Schema({ a: { b: { type: String } } }))).toThrow('a.b');
  });
});

describe('values', () => {
  test('a text is storable unless it holds a NUL or half a character', () => {
    for (const text of ['', 'a', '😀', '\uffff', '\ufffd', '\u{10ffff}', '\u0001'])
      expect(isStorableText(text)).toBe(true);
    for (const text of ['\0', 'a\0', '\ud83d', '\ude00\ud83d', 'a\udfffb']) expect(isStorableText(text)).toBe(false);
  });

  test('plain objects are known by their form', () => {
    for (const value of [{}, Object.create(null), structuredClone({ a: 1 }), JSON.parse('{}')]) {
      expect(isPlainObject(value)).toBe(true);
    }
    for (const value of [null, undefined, [], new Date(), new Map(), /x/, () => 1, 'x', new (class A {})()]) {
      expect(isPlainObject(value)).toBe(false);
    }
  });

  test('a refusal names the collection and the field', () => {
    const checker = compileChecker('members', collections.members);
    const row = { _id: 'm', organizationId: 'o', accountId: 'a', role: 'chief', status: 'active', source: 'scim' };
    expect(() => checker.newRow(row)).toThrow('members.role: must be one of admin, member');
    expect(() => checker.newRow({ ...row, role: 'admin', profile: { title: 1 } })).toThrow(
      'members.profile.title: must be',
    );
    expect(() => checker.newRow({ ...row, role: 'admin', source: undefined })).toThrow('members: source is required');
    expect(() => checkTenant('members', 'other', row)).toThrow(StoreUsageError);
    expect(() => checkTenant('accounts', PLATFORM, {})).not.toThrow();
  });

  test('whatever JSON can say with allowed keys goes through free-form data unchanged', () => {
    const checker = compileChecker('outbox', collections.outbox);
    const row = { _id: 'j', organizationId: 'o', job: 'x', state: 'waiting', dueAt: new Date(), attempts: 0 };
    const key = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => /^[^$.\0][^.\0]*$/.test(text));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(key, tie('value'), { noNullPrototype: true }),
      ),
    }));
    const property = fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (payload) => {
      fc.pre(!/"(__proto__|constructor|prototype|_bsontype)"/.test(JSON.stringify(payload)));
      expect(checker.newRow({ ...row, payload }).payload).toEqual(payload);
    });
    fc.assert(property);
  });
});

describe('patterns', () => {
  test('each pattern is read back as what made it, and means it to a regular expression too', () => {
    const property = fc.property(anyText, anyText, (part, around) => {
      expect(readPattern(startsWith(part).$regex)).toEqual({ at: 'start', text: part });
      expect(readPattern(contains(part).$regex)).toEqual({ at: 'anywhere', text: part });
      expect(readPattern(endsWith(part).$regex)).toEqual({ at: 'end', text: part });
      expect(new RegExp(startsWith(part).$regex).test(part + around)).toBe(true);
      expect(new RegExp(endsWith(part).$regex).test(around + part)).toBe(true);
      expect(new RegExp(contains(part).$regex).test(around + part + around)).toBe(true);
    });
    fc.assert(property);
  });

  test.each(['a.*', '[a]', 'a|b', '(a)', '\\d', '\\', 'a$b', '^a$', '^^', 'a\\', 7, null, /a/])(
    '%p is no pattern of ours',
    (pattern) => {
      expect(readPattern(pattern)).toBeUndefined();
    },
  );
});

describe('order', () => {
  const bytes = (a: string, b: string): number => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

  test('texts compare as their UTF-8 bytes do', () => {
    fc.assert(fc.property(anyText, anyText, (a, b) => Math.sign(compareText(a, b)) === bytes(a, b)));
    expect(compareText('～', '😀')).toBeLessThan(0);
    expect(compareText('a', 'ab')).toBeLessThan(0);
  });

  test('values of two types have no order', () => {
    expect(compareScalars(1, '1')).toBeUndefined();
    expect(compareScalars(true, 1)).toBeUndefined();
    expect(compareScalars(null, null)).toBeUndefined();
    expect(compareScalars(false, true)).toBeLessThan(0);
  });

  test('the texts that begin with a prefix are exactly those from it up to the next one', () => {
    const property = fc.property(anyText, anyText, (prefix, text) => {
      const end = afterPrefix(prefix);
      for (const candidate of [text, prefix + text]) {
        const inRange = bytes(candidate, prefix) >= 0 && (end === undefined || bytes(candidate, end) < 0);
        if (end !== undefined) expect(inRange).toBe(candidate.startsWith(prefix));
      }
    });
    fc.assert(property);
    expect(afterPrefix('a')).toBe('b');
    expect(afterPrefix('a\u{10ffff}')).toBe('b');
    expect(afterPrefix('\ud7ff')).toBe('\ue000');
    expect(afterPrefix('\u{10ffff}')).toBeUndefined();
    expect(afterPrefix('')).toBeUndefined();
  });
});

describe('cursors', () => {
  const { fields } = compileChecker('outbox', collections.outbox);

  test('a cursor of one list is none of another', () => {
    const row = { _id: 'j', job: 'x', dueAt: new Date(5) };
    const cursor = pagingBy(fields, { job: 1 }).cursorAfter(row);
    expect(pagingBy(fields, { job: 1 }).filterAfter(cursor)).toEqual({
      $and: [{ job: { $gte: 'x' } }, { $or: [{ job: { $gt: 'x' } }, { $and: [{ job: 'x' }, { _id: { $gt: 'j' } }] }] }],
    });
    for (const sort of [{ job: -1 }, { dueAt: 1 }, { job: 1, dueAt: 1 }, undefined] as const) {
      expect(() => pagingBy(fields, sort).filterAfter(cursor)).toThrow('The cursor is not one');
    }
  });

  test('the default order needs the id only', () => {
    const paging = pagingBy(fields, undefined);
    expect(paging.sort).toEqual({ _id: 1 });
    expect(paging.filterAfter(paging.cursorAfter({ _id: 'j' }))).toEqual({ _id: { $gt: 'j' } });
  });
});
