/** Random operations on a few collections that between them hold every kind of field and index. */
import fc from 'fast-check';
import {
  type CollectionName,
  contains,
  endsWith,
  PLATFORM,
  type Reads,
  type Scope,
  startsWith,
  type Writes,
} from '../../src/store/index.ts';

type Loose = Record<string, unknown>;
export type LooseTransaction = Record<CollectionName, Reads<Loose> & Writes<Loose>>;

/** One call of the store, readable in a counterexample. */
export interface Operation {
  readonly reads: boolean;
  readonly call: string;
  run(tx: LooseTransaction): Promise<unknown>;
  readonly [fc.toStringMethod]: () => string;
}

export const compared = ['accountEmails', 'sessions', 'members', 'projects', 'directoryUsers', 'outbox'] as const;
type Compared = (typeof compared)[number];

const platform: ReadonlySet<string> = new Set(['accountEmails', 'sessions']);

/** The scope as this collection takes it; `all` reads across organizations. */
export const scopeOf = (name: CollectionName, organization: string): Scope =>
  platform.has(name) || organization === 'all' ? PLATFORM : organization;

const organization = fc.constantFrom('org-a', 'org-b');
const id = fc.constantFrom('a', 'b', 'c', 'd', 'E', 'é', '～', '😀');
const text = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'A',
    'b',
    'ab',
    'ba',
    'a\n',
    'a\nb',
    'a$',
    'a.b',
    'é',
    'e\u0301',
    '～',
    '😀',
    '%',
    '_',
    '\\',
    '/',
  ),
  fc.string({ unit: 'binary', maxLength: 3 }).filter((value) => !value.includes('\0')),
);
/** Texts that no row can hold, but a caller may look for. */
const soughtText = fc.oneof({ weight: 9, arbitrary: text }, fc.constantFrom('a\0', '\ud800', 'a\ud800b', '\ufffd'));
const number = fc.constantFrom(0, 1, -1, 2, 0.5, 1e21, 2 ** 53, -0);
const date = fc.constantFrom(0, 1, 1_750_000_000_000, -1).map((ms) => new Date(ms));
const key = fc.constantFrom('x', 'y', 'list', '0', '1', 'é');

const free: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('value'), { maxKeys: 3 }),
})).object;

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

/** Fields of each collection: what a row may hold there. `_id` and the organization are added. */
const fields: Record<Compared, Record<string, fc.Arbitrary<unknown>>> = {
  accountEmails: {
    accountId: id,
    email: text,
    emailKey: fc.constantFrom('a@x', 'b@x', 'A@x'),
    proven: fc.boolean(),
    provenBy: optional(fc.constantFrom('mailbox', 'idp', 'operator')),
    provenAt: optional(date),
  },
  sessions: {
    accountId: id,
    tokenHash: fc.constantFrom('h1', 'h2', 'h3', 'h4'),
    madeBy: fc.constant('operator'),
    endedIn: fc.array(text, { maxLength: 3 }),
    idleExpiresAt: date,
    expiresAt: date,
  },
  members: {
    accountId: id,
    role: fc.constantFrom('admin', 'member'),
    status: fc.constantFrom('active', 'active', 'suspended'),
    source: fc.constantFrom('owner', 'scim'),
    owner: optional(fc.boolean()),
    departed: optional(fc.record({ directoryId: id, userName: text, userNameKey: text, externalId: optional(text) })),
    profile: optional(fc.record({ displayName: optional(text), title: optional(text) })),
  },
  projects: { name: text, nameKey: text, isDefault: optional(fc.boolean()) },
  directoryUsers: {
    directoryId: fc.constantFrom('dir-1', 'dir-2'),
    userName: text,
    userNameKey: fc.constantFrom('u1', 'u2', 'u3', 'u4'),
    externalId: optional(text),
    active: fc.boolean(),
    attributes: free,
    link: fc.constantFrom('linked', 'waiting'),
  },
  outbox: {
    job: text,
    payload: free,
    state: fc.constantFrom('waiting', 'parked'),
    dueAt: date,
    attempts: number,
    taken: optional(number),
    lease: optional(text),
  },
};

const scalar = fc.oneof(soughtText, number, fc.boolean(), date);
const pattern = fc.oneof(soughtText.map(startsWith), soughtText.map(endsWith), soughtText.map(contains));

const operators = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    value,
    fc.record({ $ne: value }),
    fc.record({ $in: fc.array(value, { maxLength: 3 }) }),
    fc.record({ $gt: value }),
    fc.record({ $gte: value, $lt: value }),
    fc.record({ $lte: value }),
    fc.record({ $exists: fc.boolean() }),
    pattern,
  );

/** An element of a list, asked by operators on it. */
const elements = (given: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  given.map((asked) => ({ $elemMatch: isOperators(asked) ? asked : { $eq: asked } }));

const freePath = fc.array(key, { minLength: 1, maxLength: 3 }).map((keys) => keys.join('.'));
const freeValue = fc.oneof(text, number, fc.boolean(), scalar);

const inFree = fc.tuple(
  freePath,
  fc.oneof(
    { weight: 3, arbitrary: operators(freeValue) },
    elements(operators(freeValue)),
    fc.dictionary(freePath, operators(freeValue), { minKeys: 1, maxKeys: 2 }).map((asked) => ({ $elemMatch: asked })),
  ),
);

function isOperators(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Date);
}

/** A condition on one field: mostly with values that the field may hold, sometimes with others. */
function condition(name: Compared): fc.Arbitrary<Loose> {
  const declared = Object.entries(fields[name])
    .filter(([field]) => !unsortable.has(field))
    .map(([field, values]) =>
      operators(fc.oneof({ weight: 4, arbitrary: values.filter((value) => value !== undefined) }, scalar)).map(
        (given) => ({ [field]: given }),
      ),
    );
  const special: Partial<Record<Compared, fc.Arbitrary<Loose>>> = {
    members: operators(soughtText).map((given) => ({ 'profile.title': given })),
    sessions: elements(operators(soughtText)).map((endedIn) => ({ endedIn })),
    directoryUsers: inFree.map(([path, given]) => ({ [`attributes.${path}`]: given })),
    outbox: inFree.map(([path, given]) => ({ [`payload.${path}`]: given })),
  };
  return fc.oneof(
    { weight: declared.length, arbitrary: fc.oneof(...declared) },
    operators(id).map((given) => ({ _id: given })),
    operators(number).map((given) => ({ version: given })),
    { weight: platform.has(name) ? 0 : 1, arbitrary: fc.record({ organizationId: organization }) },
    { weight: 5, arbitrary: special[name] ?? fc.constant({}) },
    // Now and then what no schema allows: both must refuse it.
    fc.constantFrom<Loose>(
      { nowhere: 1 },
      { _id: { $size: 1 } },
      { _id: { $regex: 'a|b' } },
      { _id: null },
      { $where: '1' },
    ),
  );
}

const filterOf = (name: Compared): fc.Arbitrary<Loose> => {
  const one = condition(name);
  const some = fc.array(one, { minLength: 1, maxLength: 3 });
  return fc.oneof(
    fc.constant({}),
    { weight: 4, arbitrary: one },
    fc.tuple(one, one).map(([a, b]) => ({ ...a, ...b })),
    some.map(($or) => ({ $or })),
    some.map(($and) => ({ $and })),
    fc.tuple(some, one).map(([$nor, more]) => ({ ...more, $nor })),
  );
};

const rowOf = (name: Compared): fc.Arbitrary<Loose> =>
  fc.tuple(fc.record({ _id: id, ...fields[name] }), organization).map(([row, organizationId]) => ({
    ...row,
    ...(platform.has(name) ? {} : { organizationId }),
  }));

const optionalFields: ReadonlySet<string> = new Set([
  'provenBy',
  'provenAt',
  'owner',
  'departed',
  'profile',
  'isDefault',
  'externalId',
  'lease',
  'taken',
]);

const omit = (from: Loose, names: Loose): Loose =>
  Object.fromEntries(Object.entries(from).filter(([field]) => !(field in names)));

function changeOf(name: Compared): fc.Arbitrary<Loose> {
  const names = Object.keys(fields[name]);
  const set = fc
    .subarray(names, { minLength: 1, maxLength: 2 })
    .chain((chosen) => fc.record(Object.fromEntries(chosen.map((field) => [field, fields[name][field] ?? text]))));
  const removable = names.filter((field) => optionalFields.has(field));
  const unset = fc.constantFrom(...(removable.length > 0 ? removable : names)).map((field) => ({ [field]: true }));
  return fc.oneof(
    { weight: 5, arbitrary: set.map(($set) => ({ $set })) },
    fc.tuple(set, unset).map(([$set, $unset]) => ({ $set: omit($set, $unset), $unset })),
    unset.map(($unset) => ({ $unset })),
    {
      weight: name === 'outbox' ? 3 : 0,
      arbitrary: fc
        .tuple(fc.constantFrom('attempts', 'taken'), fc.constantFrom(1, -2, 0.5))
        .map(([field, by]) => ({ $inc: { [field]: by } })),
    },
  );
}

const unsortable: ReadonlySet<string> = new Set(['endedIn', 'departed', 'profile', 'attributes', 'payload']);

const sortOf = (name: Compared): fc.Arbitrary<Record<string, 1 | -1>> => {
  const sortable = ['_id', 'version', ...Object.keys(fields[name]).filter((field) => !unsortable.has(field))];
  return fc.dictionary(fc.constantFrom(...sortable), fc.constantFrom(1 as const, -1 as const), { maxKeys: 2 });
};

const show = (given: unknown): string =>
  JSON.stringify(given, (_key, value) => (value === undefined ? '(undefined)' : value));

function operation(
  name: Compared,
  method: string,
  organizationId: string,
  given: readonly unknown[],
  reads: boolean,
): Operation {
  const scope = scopeOf(name, organizationId);
  const call = `${name}.${method}(${organizationId}, ${given.map(show).join(', ')})`;
  return {
    reads,
    call,
    [fc.toStringMethod]: () => call,
    run: async (tx) => {
      const call = (tx[name] as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[method];
      return call?.call(tx[name], scope, ...given);
    },
  };
}

/** Pages through everything: the rows of all pages, in turn. */
function paging(name: Compared, organizationId: string, filter: Loose, sort: Record<string, 1 | -1>): Operation {
  const call = `${name}.page(${organizationId}, ${show(filter)}, ${show(sort)})`;
  return {
    reads: true,
    call,
    [fc.toStringMethod]: () => call,
    run: async (tx) => {
      const pages: unknown[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await tx[name].page(scopeOf(name, organizationId), filter as never, { sort, limit: 2, cursor });
        pages.push(page);
        if (page.nextCursor === undefined) return pages;
        cursor = page.nextCursor;
      }
    },
  };
}

/** Streams everything: the rows, in turn. */
function streaming(name: Compared, organizationId: string, filter: Loose): Operation {
  const call = `${name}.stream(${organizationId}, ${show(filter)})`;
  return {
    reads: true,
    call,
    [fc.toStringMethod]: () => call,
    run: async (tx) => {
      const rows: unknown[] = [];
      for await (const row of tx[name].stream(scopeOf(name, organizationId), filter as never, { batch: 2 }))
        rows.push(row);
      return rows;
    },
  };
}

/** Several rows of one organization in one step. */
const manyOf = (name: Compared): fc.Arbitrary<Operation> =>
  fc.tuple(organization, fc.array(rowOf(name), { maxLength: 3 })).map(([organizationId, rows]) => {
    const own = rows.map((row) => (platform.has(name) ? row : { ...row, organizationId }));
    return operation(name, 'insertMany', organizationId, [own], false);
  });

const operationOn = (name: Compared): fc.Arbitrary<Operation> => {
  const filter = filterOf(name);
  const anywhere = fc.constantFrom('org-a', 'org-b', 'all');
  const options = fc.record(
    { sort: sortOf(name), limit: fc.nat({ max: 3 }), skip: fc.nat({ max: 2 }) },
    { requiredKeys: [] },
  );
  const scoped = (where: fc.Arbitrary<string>) => ({
    with: (method: string, reads: boolean, ...given: fc.Arbitrary<unknown>[]) =>
      fc.tuple(where, ...given).map(([scope, ...rest]) => operation(name, method, scope as string, rest, reads)),
  });
  return fc.oneof(
    {
      weight: 6,
      arbitrary: rowOf(name).map((row) => operation(name, 'insert', String(row.organizationId ?? 'all'), [row], false)),
    },
    { weight: 2, arbitrary: manyOf(name) },
    scoped(anywhere).with('get', true, id),
    scoped(anywhere).with('findOne', true, filter, fc.record({ sort: sortOf(name) })),
    { weight: 4, arbitrary: scoped(anywhere).with('find', true, filter, options) },
    scoped(anywhere).with('count', true, filter),
    { weight: 2, arbitrary: fc.tuple(anywhere, filter, sortOf(name)).map((given) => paging(name, ...given)) },
    fc.tuple(anywhere, filter).map((given) => streaming(name, ...given)),
    scoped(anywhere).with('update', false, filter, changeOf(name)),
    { weight: 2, arbitrary: scoped(anywhere).with('updateOne', false, filter, changeOf(name)) },
    scoped(anywhere).with('updateEach', false, fc.array(fc.record({ id, change: changeOf(name) }), { maxLength: 3 })),
    scoped(organization).with('remove', false, filter),
    scoped(organization).with('lock', false, id),
    scoped(organization).with('lockMany', false, fc.array(id, { maxLength: 3 })),
  );
};

export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(...compared.map(operationOn));
