import { types } from 'node:util';
import type { CollectionDefinition, Maintained } from './define.ts';
import { type Declared, type Field, type Fields, readFields } from './fields.ts';
import { type Cause, type CollectionName, PLATFORM, type Scope, StoreUsageError } from './store.ts';

/** Any row, below the types of the single collections. */
export type AnyRow = Readonly<Record<string, unknown>>;

/** A change whose parts have been checked and copied; absent parts are empty. */
export interface CheckedChange {
  readonly set: AnyRow;
  readonly unset: readonly string[];
  readonly increase: Readonly<Record<string, number>>;
}

/** What both engines check before anything reaches a database. Every refusal is a StoreUsageError. */
export interface Checker {
  readonly collection: CollectionName;
  readonly fields: Fields;
  /** A deep copy of a new row, without absent (undefined) fields. No value is cast: a wrong type is refused. */
  newRow(row: unknown): Record<string, unknown>;
  change(change: unknown): CheckedChange;
  /** Refuses a scope that this collection does not take for this kind of call. */
  scope(scope: unknown, call: 'read' | 'update' | 'write'): asserts scope is Scope;
}

/** Deeper free-form data is refused: MongoDB allows 100 levels to a whole document. */
const deepest = 64;

const maintained: ReadonlySet<string> = new Set<Maintained>(['version', 'createdAt', 'updatedAt', 'changedBy']);
const fixed: ReadonlySet<string> = new Set(['_id', 'organizationId', ...maintained]);
/** `_bsontype` is the mark by which MongoDB's driver knows its own types. */
const dangerousKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype', '_bsontype']);
const { isDate } = types;
const loneSurrogate = /[\u{D800}-\u{DFFF}]/u;

/** Whether a text can be stored alike by both engines: no NUL (SQLite's JSON stops there), no half of a surrogate pair. */
export function isStorableText(text: string): boolean {
  return !text.includes('\0') && !loneSurrogate.test(text);
}

/** Whether `value` is an object as JSON makes them: no array, no date, no instance of a class. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  // By form, not by identity: objects of another realm (structuredClone in a test's sandbox) are plain objects too.
  return prototype === null || (Object.getPrototypeOf(prototype) === null && !isDate(value));
}

function fail(where: string, what: string): never {
  throw new StoreUsageError(`${where}: ${what}`);
}

function copyFree(value: unknown, where: string, depth: number): unknown {
  if (depth > deepest) fail(where, `nested deeper than ${deepest} levels`);
  if (typeof value === 'string')
    return isStorableText(value) ? value : fail(where, 'a text with NUL or half a character');
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : fail(where, 'a number that is not finite');
  if (typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => copyFree(item, where, depth + 1));
  if (isPlainObject(value)) return copyFreeObject(value, where, depth);
  return fail(where, 'holds something that JSON cannot say');
}

function copyFreeObject(value: AnyRow, where: string, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item === undefined) continue;
    if (key === '' || key.startsWith('$') || key.includes('.') || dangerousKeys.has(key) || !isStorableText(key)) {
      fail(where, `the key ${JSON.stringify(key)} cannot be stored`);
    }
    copy[key] = copyFree(item, where, depth + 1);
  }
  return copy;
}

function copyText(value: unknown, where: string, allowed: ReadonlySet<string> | undefined): string {
  if (typeof value !== 'string') return fail(where, 'must be a text');
  if (allowed !== undefined)
    return allowed.has(value) ? value : fail(where, `must be one of ${[...allowed].join(', ')}`);
  return isStorableText(value) ? value : fail(where, 'a text with NUL or half a character');
}

function copyValue(value: unknown, field: Field, where: string): unknown {
  switch (field.kind) {
    case 'text':
      return copyText(value, where, field.allowed);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? value + 0 : fail(where, 'must be a finite number');
    case 'boolean':
      return typeof value === 'boolean' ? value : fail(where, 'must be true or false');
    case 'date':
      return isDate(value) && !Number.isNaN(value.getTime()) ? new Date(value) : fail(where, 'must be a date');
    case 'free':
      return isPlainObject(value) ? copyFreeObject(value, where, 1) : fail(where, 'must be an object');
    case 'list':
      if (!Array.isArray(value)) return fail(where, 'must be a list');
      return value.map((item) => copyValue(item, field.of, where));
    case 'object':
      return copyObject(value, field.fields, where);
  }
}

function copyObject(
  value: unknown,
  fields: Fields,
  where: string,
  refused?: ReadonlySet<string>,
): Record<string, unknown> {
  if (!isPlainObject(value)) return fail(where, 'must be an object');
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item === undefined) continue;
    if (refused?.has(key)) fail(where, `${key} is the store's to write`);
    const declared = fields.get(key);
    if (declared === undefined) return fail(where, `${JSON.stringify(key)} is not declared`);
    copy[key] = copyValue(item, declared.field, `${where}.${key}`);
  }
  for (const [name, declared] of fields) {
    if (declared.required && !(name in copy) && !refused?.has(name)) fail(where, `${name} is required`);
  }
  return copy;
}

function partOf(
  change: AnyRow,
  name: '$set' | '$unset' | '$inc',
  where: string,
): readonly (readonly [string, unknown])[] {
  const part = change[name];
  if (part === undefined) return [];
  if (!isPlainObject(part)) return fail(where, `${name} must be an object`);
  return Object.entries(part).filter(([, value]) => value !== undefined);
}

function checkChange(change: unknown, fields: Fields, where: string): CheckedChange {
  if (!isPlainObject(change)) return fail(where, 'a change must be an object');
  const strange = Object.keys(change).find((key) => key !== '$set' && key !== '$unset' && key !== '$inc');
  if (strange !== undefined) fail(where, `${strange} is not a change`);
  const seen = new Set<string>();
  const changeable = (name: string): Declared => {
    const declared = fields.get(name);
    if (declared === undefined) return fail(where, `${JSON.stringify(name)} is not declared`);
    if (fixed.has(name)) fail(where, `${name} cannot be changed`);
    if (seen.has(name)) fail(where, `${name} is changed twice`);
    seen.add(name);
    return declared;
  };
  const set: Record<string, unknown> = {};
  for (const [name, value] of partOf(change, '$set', where)) {
    set[name] = copyValue(value, changeable(name).field, `${where}.${name}`);
  }
  const unset: string[] = [];
  for (const [name, value] of partOf(change, '$unset', where)) {
    if (changeable(name).required || value !== true) fail(where, `${name} cannot be removed`);
    unset.push(name);
  }
  const increase: Record<string, number> = {};
  for (const [name, value] of partOf(change, '$inc', where)) {
    if (changeable(name).field.kind !== 'number') fail(where, `${name} is no number to increase`);
    increase[name] = copyValue(value, { kind: 'number' }, `${where}.${name}`) as number;
  }
  return { set, unset, increase };
}

function checkScope(scope: unknown, call: 'read' | 'update' | 'write', definition: CollectionDefinition): void {
  if (definition.scope === 'platform') {
    if (scope !== PLATFORM) fail(definition.name, 'belongs to no organization: the scope must be PLATFORM');
    return;
  }
  if (scope === PLATFORM) {
    if (call === 'write') fail(definition.name, 'only reads and updates may reach across organizations');
    return;
  }
  if (typeof scope !== 'string' || scope === '' || !isStorableText(scope)) {
    fail(definition.name, "the scope must be an organization's id or PLATFORM");
  }
}

/** Reads a collection's schema once and answers the checks of everything that callers hand in. */
export function compileChecker(collection: CollectionName, definition: CollectionDefinition): Checker {
  const fields = readFields(definition.schema);
  return {
    collection,
    fields,
    newRow: (row) => copyObject(row, fields, collection, maintained),
    change: (change) => checkChange(change, fields, collection),
    scope: (scope, call) => checkScope(scope, call, definition),
  };
}

/** Refuses a new row that belongs to another organization than the scope of the call. */
export function checkTenant(collection: string, scope: Scope, row: AnyRow): void {
  if (scope !== PLATFORM && row.organizationId !== scope) fail(collection, 'the row belongs to another organization');
}

/** What the store writes on history rows and versioned rows about who made a change. */
export function attribution(cause: Cause): { readonly actor: string; readonly requestId: string } {
  return { actor: cause.actor, requestId: cause.requestId };
}

/** Freezes a row and all that is in it (dates excepted: JavaScript cannot). */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !isDate(value)) {
    for (const item of Object.values(value)) if (typeof item === 'object') deepFreeze(item);
    Object.freeze(value);
  }
  return value;
}
