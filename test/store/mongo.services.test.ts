/** What is MongoDB's own: replica sets, validators, conflicts between processes, lost connections. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Connection, createConnection, mongo } from 'mongoose';
import { newId } from '../../src/lib/ids.ts';
import { ARRIVAL, PLATFORM, ProtectedRowError, type Store, type Transaction } from '../../src/store/index.ts';
import { openAbandoned } from '../../src/store/mongo/abandoned.ts';
import { appNameFor, replicaSetFault } from '../../src/store/mongo/connect.ts';
import { openMongoStore } from '../../src/store/mongo/index.ts';
import { collections } from '../../src/store/schemas/index.ts';
import { openTestPlace, openTestStore, type TestPlace } from '../support/engines.ts';
import { openProxy, type ServiceProxy } from '../support/proxy.ts';

const cause = { actor: 'system', requestId: 'req-1' };
const org = 'org-a';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function place(): Promise<TestPlace> {
  const made = await openTestPlace('mongodb');
  closing.push(() => made.close());
  return made;
}

async function storeAt(uri: string | undefined, patienceMs?: number): Promise<Store> {
  const store = await openMongoStore({ uri: uri ?? '', ...(patienceMs !== undefined && { patienceMs }) });
  closing.push(() => store.close());
  return store;
}

async function rawAt(uri: string | undefined): Promise<Connection> {
  const connection = await createConnection(uri ?? '').asPromise();
  closing.push(() => connection.close());
  return connection;
}

const member = (id: string, owner = false) => ({
  _id: id,
  organizationId: org,
  accountId: `acc-${id}`,
  role: 'admin' as const,
  status: 'active' as const,
  source: 'owner' as const,
  ...(owner && { owner }),
});

const organization = {
  _id: org,
  organizationId: org,
  name: 'Acme',
  slug: 'acme',
  settings: { multiProject: true, adminAccess: 'all' as const, membershipPolicy: 'invitations' as const },
};

/** A promise that a test resolves by hand. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

describe('a server that cannot run transactions is refused, with what to do', () => {
  test.each([
    ['a member of a replica set', { setName: 'rs0', isWritablePrimary: true }, undefined],
    ['a router of a sharded cluster', { msg: 'isdbgrid' }, undefined],
    ['a single server', { isWritablePrimary: true }, /not a replica set.*--replSet.*rs\.initiate/],
    [
      'a replica set that was never initiated',
      { isreplicaset: true, info: 'Does not have a valid replica set config' },
      /initiate/,
    ],
  ])('%s', (_name, hello, fault) => {
    if (fault === undefined) expect(replicaSetFault(hello)).toBeUndefined();
    else expect(replicaSetFault(hello)).toMatch(fault);
  });

  test('where nothing answers, opening says so within seconds and shows no password', async () => {
    const opening = openMongoStore({ uri: 'mongodb://root:secret-pass@127.0.0.1:1/gatehouse?replicaSet=rs0' });
    const error = await opening.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'store_unavailable' });
    expect(String(error)).not.toContain('secret-pass');
  });
});

describe('the shape that the schemas say', () => {
  test('every index of every schema stands, and one that is not unique ends in _id', async () => {
    const { env, open } = await place();
    await open();
    const raw = await rawAt(env.MONGODB_URI);
    for (const { name, schema, ...kept } of Object.values(collections)) {
      const built = (await raw.collection(name).indexes()).filter((index) => index.name !== '_id_');
      const wanted = schema.indexes().map(([keys, { unique, partialFilterExpression }]) => ({
        keys: unique || '_id' in keys ? Object.keys(keys) : [...Object.keys(keys), '_id'],
        unique: unique === true,
        partial: partialFilterExpression,
      }));
      // the order of arrival is MongoDB's own to keep
      const arrivals =
        'arrivals' in kept
          ? { keys: ['organizationId', '_arrival', '_id'], unique: false, partial: kept.arrivals }
          : [];
      const found = built.map(({ key, unique, partialFilterExpression }) => ({
        keys: Object.keys(key),
        unique: unique === true,
        partial: partialFilterExpression,
      }));
      expect(new Set(found)).toEqual(new Set(wanted.concat(arrivals)));
    }
  });

  test('the store’s own order needs no sort where an index finds the rows', async () => {
    const { env, open } = await place();
    await open();
    const raw = await rawAt(env.MONGODB_URI);
    const planOf = async (name: string, filter: object) => {
      const plan = await raw
        .collection(name)
        .find({ organizationId: org, ...filter })
        .sort({ _id: 1 })
        .explain();
      return JSON.stringify(plan.queryPlanner.winningPlan);
    };
    const grants = await planOf('grants', { targetId: 'prj' });
    expect(grants).not.toContain('"stage":"SORT"');
    expect(grants).toContain('targetId');
    const twins = await planOf('outbox', {
      digest: { $eq: 'x' },
      state: { $ne: 'parked' },
      lease: { $exists: false },
    });
    expect(twins).not.toContain('"stage":"SORT"');
    expect(twins).toContain('digest_1');
  });

  test('rows in the order of their arrival need no sort, and nobody sees by what they are ordered', async () => {
    const { env, open } = await place();
    const store = await open();
    const raw = await rawAt(env.MONGODB_URI);
    const event = {
      organizationId: org,
      type: 'test',
      ...cause,
      outcome: 'done',
      targetKind: 'x',
      targetId: 'y',
    } as const;
    for (const _id of ['aud-3', 'aud-1', 'aud-2']) {
      const made = await store.transaction(cause, (tx) => tx.auditEvents.insert(org, { _id, ...event, pending: true }));
      expect(made).toEqual(await store.read.auditEvents.get(org, _id));
    }
    const waiting = await store.read.auditEvents.find(org, { pending: true }, { sort: ARRIVAL, limit: 2 });
    expect(waiting.map(({ _id }) => _id)).toEqual(['aud-3', 'aud-1']);
    expect(JSON.stringify(waiting)).not.toContain('_arrival');
    const plan = await raw
      .collection('auditEvents')
      .find({ organizationId: org, pending: true })
      .sort({ _arrival: 1, _id: 1 })
      .explain();
    expect(JSON.stringify(plan.queryPlanner.winningPlan)).not.toContain('"stage":"SORT"');
  });

  test('processes that start at the same moment all succeed, also where indexes are missing', async () => {
    const { env } = await place();
    const raw = await rawAt(env.MONGODB_URI);
    await raw.collection('grants').dropIndexes();
    const stores = await Promise.all([1, 2, 3].map(() => storeAt(env.MONGODB_URI)));
    for (const store of stores) await store.ping();
    expect(await raw.collection('grants').indexes()).toHaveLength(collections.grants.schema.indexes().length + 1);
  });
});

describe('the Owner’s row is kept by the database itself (OWN-6)', () => {
  test('a write from outside of Gatehouse cannot demote or suspend the Owner either', async () => {
    const { env, open } = await place();
    const store = await open();
    await store.transaction(cause, (tx) => tx.members.insert(org, member('m1', true)));
    const members = (await rawAt(env.MONGODB_URI)).collection<{ _id: string }>('members');
    for (const $set of [{ role: 'member' }, { status: 'suspended' }]) {
      await expect(members.updateOne({ _id: 'm1' }, { $set })).rejects.toMatchObject({ code: 121 });
    }
    await expect(members.insertOne({ ...member('m2', true), role: 'member' } as never)).rejects.toMatchObject({
      code: 121,
    });
  });

  test('the layer can be switched off and on again on the same data', async () => {
    const { open } = await place();
    const on = await open();
    await on.transaction(cause, async (tx) => {
      await tx.organizations.insert(org, organization);
      await tx.members.insert(org, member('m1', true));
    });
    const demote = (tx: Transaction) => tx.members.update(org, { _id: 'm1' }, { $set: { role: 'member' } });
    await expect(on.transaction(cause, demote)).rejects.toBeInstanceOf(ProtectedRowError);
    await expect(on.transaction(cause, (tx) => tx.members.remove(org, {}))).rejects.toBeInstanceOf(ProtectedRowError);

    const off = await open({ protection: false });
    await expect(off.transaction(cause, demote)).resolves.toBe(1);
    await off.transaction(cause, (tx) => tx.members.update(org, { _id: 'm1' }, { $set: { role: 'admin' } }));

    const again = await open();
    await expect(again.transaction(cause, demote)).rejects.toBeInstanceOf(ProtectedRowError);
    await expect(off.transaction(cause, (tx) => tx.members.remove(org, {}))).resolves.toBe(1);
  });
});

describe('transactions that meet', () => {
  test('what one process has committed, the next read on another sees', async () => {
    const { open } = await place();
    const [a, b] = [await open(), await open()];
    for (let i = 0; i < 40; i += 1) {
      const _id = newId('account');
      await a.transaction(cause, (tx) => tx.accounts.insert(PLATFORM, { _id, name: String(i) }));
      expect(await b.read.accounts.get(PLATFORM, _id)).toMatchObject({ name: String(i) });
      expect(await b.transaction(cause, (tx) => tx.accounts.get(PLATFORM, _id))).toMatchObject({ name: String(i) });
    }
  });

  test('no increment is lost when many change one row, and every run has an instant of its own', async () => {
    const store = await openTestStore({ engine: 'mongodb', rehearse: false });
    closing.push(() => store.close());
    const job = { _id: 'job-1', organizationId: org, job: 'x', payload: {}, state: 'waiting' as const, attempts: 0 };
    await store.transaction(cause, (tx) => tx.outbox.insert(org, { ...job, dueAt: tx.at }));
    const instants = new Set<Date>();
    let runs = 0;
    const raise = (tx: Transaction) => {
      runs += 1;
      instants.add(tx.at);
      return tx.outbox.updateOne(org, { _id: 'job-1' }, { $inc: { attempts: 1 } });
    };
    await Promise.all(Array.from({ length: 16 }, () => store.transaction(cause, raise)));
    expect(await store.read.outbox.get(org, 'job-1')).toMatchObject({ attempts: 16, version: 17 });
    expect(instants.size).toBe(runs);
    expect(runs).toBeGreaterThan(16);
  });

  test('the loser of a race for a unique key is run again, and its own look-up finds the winner', async () => {
    const store = await openTestStore({ engine: 'mongodb', rehearse: false });
    closing.push(() => store.close());
    const claim = (_id: string) =>
      store.transaction(cause, async (tx) => {
        const holder = await tx.organizations.findOne(PLATFORM, { slug: 'acme' });
        if (holder !== undefined) return `taken by ${holder._id}`;
        await tx.organizations.insert(_id, { ...organization, _id, organizationId: _id });
        return 'made';
      });
    const answers = await Promise.all(['org-1', 'org-2', 'org-3', 'org-4'].map(claim));
    expect(answers.filter((answer) => answer === 'made')).toHaveLength(1);
    const [winner] = await store.read.organizations.find(PLATFORM, {});
    expect(answers.filter((answer) => answer === `taken by ${winner?._id}`)).toHaveLength(3);
  });

  describe('for one row of one process, in line', () => {
    const rename = (tx: Transaction, name: string) => tx.organizations.updateOne(org, { _id: org }, { $set: { name } });

    /** Two processes, the patience of the first one, and a row that the second one holds until it is let go. */
    async function contest(patienceMs: number) {
      const { env } = await place();
      const [here, elsewhere] = [await storeAt(env.MONGODB_URI, patienceMs), await storeAt(env.MONGODB_URI)];
      await here.transaction(cause, (tx) => tx.organizations.insert(org, organization));
      const held = gate();
      let given = false;
      const holder = elsewhere.transaction(cause, async (tx) => {
        await rename(tx, 'the holder');
        held.open();
        // in which nothing is asked for is given up
        for (; !given; await sleep(50)) await tx.organizations.get(org, org);
      });
      await held.opened;
      const letGo = async () => {
        given = true;
        await holder;
      };
      closing.push(letGo);
      return { here, elsewhere, letGo };
    }

    test('nobody loses patience over those before, nor the turn over another process (SCIM-4, OPS-2)', async () => {
      const patienceMs = 10_000;
      const { here, elsewhere, letGo } = await contest(patienceMs);
      const committed: string[] = [];

      /** Renames in line: resolves once it has met its first conflict. */
      async function inLine(
        name: string,
        more: { before?: (tx: Transaction, run: number) => Promise<void>; after?: (tx: Transaction) => Promise<void> },
      ) {
        const conflict = gate();
        let runs = 0;
        const done = here
          .transaction(cause, async (tx) => {
            runs += 1;
            await more.before?.(tx, runs);
            await rename(tx, name).catch((error: unknown) => {
              conflict.open();
              throw error;
            });
            await more.after?.(tx);
          })
          .then(() => committed.push(name));
        done.catch(() => {});
        await conflict.opened;
        await sleep(300);
        return { done, runs: () => runs };
      }

      const long = await inLine('the long one', {
        async after(tx) {
          const until = performance.now() + patienceMs + 1_000;
          for (; performance.now() < until; await sleep(500)) await tx.organizations.get(org, org);
        },
      });
      const unlucky = await inLine('the unlucky one', {
        async before(tx, run) {
          await tx.organizations.get(org, org);
          if (run === 2) await elsewhere.transaction(cause, (other) => rename(other, 'one between'));
        },
      });
      const last = await inLine('the last', {});
      await letGo();
      await Promise.all([long.done, unlucky.done, last.done]);
      expect(committed).toEqual(['the long one', 'the unlucky one', 'the last']);
      expect([unlucky.runs(), last.runs()]).toEqual([3, 2]);
    });

    test('all are told within four times their patience, however many they are, where the row is not let go', async () => {
      const { here } = await contest(1_000);
      const begun = performance.now();
      const waiting = Array.from({ length: 40 }, (_, i) => here.transaction(cause, (tx) => rename(tx, `waiter ${i}`)));
      const outcomes = await Promise.allSettled(waiting);
      expect(performance.now() - begun).toBeLessThan(20_000);
      expect(outcomes).toEqual(
        outcomes.map(() => ({ status: 'rejected', reason: expect.objectContaining({ code: 'store_unavailable' }) })),
      );
    });
  });

  test('a body that cannot have its unique key is run three times in all, then told so', async () => {
    const store = await openTestStore({ engine: 'mongodb', rehearse: false });
    closing.push(() => store.close());
    await store.transaction(cause, (tx) => tx.accounts.insert(PLATFORM, { _id: 'acc-1' }));
    let runs = 0;
    const taking = store.transaction(cause, (tx) => {
      runs += 1;
      return tx.accounts.insert(PLATFORM, { _id: 'acc-1' });
    });
    await expect(taking).rejects.toMatchObject({ name: 'DuplicateKeyError', fields: ['_id'] });
    expect(runs).toBe(3);
  });

  test.each([
    ['without the lock both commit, and a grant outlives its member', false, 1],
    ['with the lock the member cannot go before the grant that relies on it', true, 0],
  ])('%s', async (_name, locks, orphans) => {
    const store = await openTestStore({ engine: 'mongodb', rehearse: false });
    closing.push(() => store.close());
    await store.transaction(cause, (tx) => tx.members.insert(org, member('m1')));
    const granting = gate();
    const removed = gate();
    let runs = 0;
    const grant = store.transaction(cause, async (tx) => {
      runs += 1;
      const found = locks ? await tx.members.lock(org, 'm1') : await tx.members.get(org, 'm1');
      if (found === undefined) return;
      granting.open();
      if (runs === 1) await (locks ? sleep(50) : removed.opened);
      const row = {
        accountId: 'acc-m1',
        target: 'project',
        targetId: 'prj-1',
        role: 'member',
        source: 'manual',
      } as const;
      await tx.grants.insert(org, {
        ...row,
        _id: newId('grant'),
        organizationId: org,
        sourceId: 'manual',
        grantedBy: 'x',
      });
    });
    await granting.opened;
    await store.transaction(cause, async (tx) => {
      await tx.grants.remove(org, { accountId: 'acc-m1' });
      await tx.members.remove(org, { _id: 'm1' });
    });
    removed.open();
    await grant;
    expect(await store.read.grants.count(org, {})).toBe(orphans);
  });

  test('the lock’s counter never shows: not in rows, not in history', async () => {
    const store = await openTestStore({ engine: 'mongodb' });
    closing.push(() => store.close());
    const made = await store.transaction(cause, (tx) => tx.members.insert(org, member('m1')));
    const locked = await store.transaction(cause, (tx) => tx.members.lock(org, 'm1'));
    expect(locked).toEqual(made);
    const changed = await store.transaction(cause, (tx) =>
      tx.members.updateOne(org, { _id: 'm1' }, { $set: { role: 'member' } }),
    );
    const seen = [
      changed,
      await store.read.members.get(org, 'm1'),
      await store.read.members.find(org, {}),
      await store.read.history.find(org, {}),
    ];
    expect(JSON.stringify(seen)).not.toContain('_lock');
  });

  test('calls that a body makes at once are made one after the other', async () => {
    const store = await openTestStore({ engine: 'mongodb' });
    closing.push(() => store.close());
    await store.transaction(cause, async (tx) => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => tx.accounts.insert(PLATFORM, { _id: `acc-${i}` })));
      expect(await tx.accounts.count(PLATFORM, {})).toBe(20);
    });
    expect(await store.read.accounts.count(PLATFORM, {})).toBe(20);
  });
});

/** The server behind a proxy, and the address that leads through it. */
async function behindProxy(uri: string | undefined): Promise<{ proxy: ServiceProxy; address: string }> {
  const url = new URL((uri ?? '').replace(/^mongodb:/, 'http:'));
  const proxy = await openProxy(url.hostname, Number(url.port));
  closing.push(() => proxy.close());
  return { proxy, address: `mongodb://127.0.0.1:${proxy.port}${url.pathname}?directConnection=true` };
}

describe('lost connections', () => {
  async function storeBehindProxy(): Promise<{ proxy: ServiceProxy; store: Store }> {
    const { env } = await place();
    const { proxy, address } = await behindProxy(env.MONGODB_URI);
    return { proxy, store: await storeAt(address) };
  }

  const insert = (store: Store, _id: string) => store.transaction(cause, (tx) => tx.accounts.insert(PLATFORM, { _id }));

  test('a transaction survives a short loss; a long one is answered store_unavailable, and all works again after it', async () => {
    const { proxy, store } = await storeBehindProxy();
    await insert(store, 'acc-1');
    await proxy.cut();
    const waiting = insert(store, 'acc-2');
    await sleep(500);
    await proxy.restore();
    await expect(waiting).resolves.toMatchObject({ _id: 'acc-2' });

    await proxy.cut();
    const refused = expect.objectContaining({ code: 'store_unavailable' });
    await Promise.all([
      expect(store.ping()).rejects.toEqual(refused),
      expect(store.read.accounts.get(PLATFORM, 'acc-1')).rejects.toEqual(refused),
      expect(insert(store, 'acc-3')).rejects.toEqual(refused),
    ]);
    await proxy.restore();
    await expect(insert(store, 'acc-4')).resolves.toMatchObject({ _id: 'acc-4' });
    expect((await store.read.accounts.find(PLATFORM, {})).map(({ _id }) => _id)).toEqual(['acc-1', 'acc-2', 'acc-4']);
  });

  test('a commit whose answer was lost is asked for again, not made again', async () => {
    const { proxy, store } = await storeBehindProxy();
    let runs = 0;
    proxy.loseAnswerTo('commitTransaction');
    await store.transaction(cause, (tx) => {
      runs += 1;
      return tx.accounts.insert(PLATFORM, { _id: newId('account') });
    });
    expect(proxy.lost()).toBe(1);
    expect(runs).toBe(1);
    expect(await store.read.accounts.count(PLATFORM, {})).toBe(1);
  });

  test('a write whose answer was lost is rolled back with its transaction, which is run again', async () => {
    const { proxy, store } = await storeBehindProxy();
    proxy.loseAnswerTo('acc-lost');
    await insert(store, 'acc-lost');
    expect(proxy.lost()).toBe(1);
    expect(await store.read.accounts.count(PLATFORM, {})).toBe(1);
  });

  test.each<readonly [string, (tx: Transaction) => Promise<unknown>]>([
    ['adds', (tx) => tx.accounts.insertMany(PLATFORM, [{ _id: 'acc-2' }, { _id: 'acc-3' }])],
    ['changes', (tx) => tx.accounts.updateEach(PLATFORM, [{ id: 'acc-1', change: { $set: { name: 'Ada' } } }])],
  ])('a transaction that %s many rows in one step, and finds no server, says so as any other', async (_what, step) => {
    const { proxy, store } = await storeBehindProxy();
    await insert(store, 'acc-1');
    await proxy.cut();
    await expect(store.transaction(cause, step)).rejects.toMatchObject({ code: 'store_unavailable' });
    await proxy.restore();
    await store.transaction(cause, step);
  });

  test('closing waits for what runs and refuses what comes after', async () => {
    const { open } = await place();
    const store = await open();
    const running = insert(store, 'acc-1');
    const closed = store.close();
    await expect(insert(store, 'acc-2')).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(running).resolves.toMatchObject({ _id: 'acc-1' });
    await closed;
  });
});

describe('a process that stops in the middle of a transaction', () => {
  const name = (tx: Transaction, more: string) =>
    tx.organizations.updateOne(org, { _id: org }, { $set: { name: `${organization.name}, ${more}` } });

  /** Two processes; the first writes a row and does `meanwhile` before its commit, the second wants to write the same row. */
  async function meet(
    meanwhile: (tx: Transaction) => Promise<void>,
    addressOfSecond = async (uri: string | undefined) => uri,
  ) {
    const { env } = await place();
    const first = await storeAt(env.MONGODB_URI);
    const second = await storeAt(await addressOfSecond(env.MONGODB_URI));
    await first.transaction(cause, (tx) => tx.organizations.insert(org, organization));
    const written = gate();
    let runs = 0;
    const early = first.transaction(cause, async (tx) => {
      runs += 1;
      await name(tx, `by the first in run ${runs}`);
      written.open();
      await meanwhile(tx);
    });
    await written.opened;
    const begun = performance.now();
    await second.transaction(cause, (tx) => name(tx, 'by the second'));
    const waited = performance.now() - begun;
    const shown = async () => (await second.read.organizations.get(org, org))?.name;
    return { early, waited, shown, runs: () => runs };
  }

  test.each([
    ['', async (uri: string | undefined) => uri],
    [
      ', whatever their address says of reads',
      async (uri: string | undefined) => `${uri}&readConcernLevel=majority&readPreference=secondaryPreferred`,
    ],
  ])(
    'holds up others for seconds, not until the server ends it; one that lived after all runs again%s (OPS-2)',
    async (_which, address) => {
      const held = gate();
      const { early, waited, shown, runs } = await meet(() => held.opened, address);
      expect(waited).toBeLessThan(14_000);
      expect(await shown()).toBe('Acme, by the second');
      expect(runs()).toBe(1);
      held.open();
      await early;
      expect(runs()).toBe(2);
      expect(await shown()).toBe('Acme, by the first in run 2');
    },
    60_000,
  );

  test('is another matter than one that takes long: that is waited for', async () => {
    const { early, waited, shown, runs } = await meet(async (tx) => {
      for (let second = 0; second < 8; second += 1) {
        await sleep(1_000);
        await tx.organizations.get(org, org);
      }
    });
    await early;
    expect(waited).toBeGreaterThan(7_000);
    expect(runs()).toBe(1);
    expect(await shown()).toBe('Acme, by the second');
  }, 60_000);

  test('is looked for beside: where the server does not answer that, attempts go on', async () => {
    let asked = () => 0;
    const { early, waited } = await meet(
      async (tx) => {
        while (asked() === 0) {
          await sleep(100);
          await tx.organizations.get(org, org);
        }
      },
      async (uri) => {
        const { proxy, address } = await behindProxy(uri);
        asked = proxy.lost;
        proxy.holdAnswerTo('$currentOp');
        return address;
      },
    );
    await early;
    expect(waited).toBeLessThan(14_000);
  }, 60_000);

  test('of other data is left alone: two installations on one MongoDB end nothing of each other', async () => {
    const other = await storeAt((await place()).env.MONGODB_URI);
    const [held, written] = [gate(), gate()];
    let runs = 0;
    const theirs = other.transaction(cause, async (tx) => {
      runs += 1;
      await tx.organizations.insert(org, organization);
      written.open();
      await held.opened;
    });
    await written.opened;
    const ours = gate();
    const { early } = await meet(() => ours.opened);
    held.open();
    ours.open();
    await Promise.all([theirs, early]);
    expect(runs).toBe(1);
  }, 60_000);

  test('is known by the time from an answer to the next question, not by when the answer is read', async () => {
    const { env } = await place();
    const uri = env.MONGODB_URI ?? '';
    const appName = appNameFor(uri, undefined);
    const raw = await createConnection(uri, { monitorCommands: true, appName }).asPromise();
    closing.push(() => raw.close());
    const client = raw.getClient();
    const { look } = openAbandoned(client);
    const store = await storeAt(env.MONGODB_URI);
    let runs = 0;
    await store.transaction(cause, async (tx) => {
      runs += 1;
      await tx.organizations.insert(org, organization);
      await look();
      await sleep(600);
      const looked = look();
      await once(client, 'commandStarted');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_500);
      await looked;
    });
    expect(runs).toBe(1);
  }, 60_000);

  test('may be ended at any moment when it lives: it runs again, and has its effect once', async () => {
    const { env } = await place();
    const { proxy, address } = await behindProxy(env.MONGODB_URI);
    const store = await storeAt(address);
    const admin = (await rawAt(env.MONGODB_URI)).getClient().db('admin');
    const ending: Promise<unknown>[] = [];
    proxy.onRequest((bytes) => {
      const at = bytes.indexOf('lsid\0');
      if (at < 0 || !bytes.includes('autocommit') || Math.random() < 0.8) return;
      // After the name: the length of the document, its only field's type and name, the length and subtype of that.
      const begin = at + 5 + 4 + 1 + 3 + 4 + 1;
      const id = new mongo.UUID(Buffer.from(bytes.subarray(begin, begin + 16)));
      ending.push(admin.command({ killSessions: [{ id }] }));
    });
    let again = 0;
    const made: string[] = [];
    const write = async (i: number) => {
      const rows = ['a', 'b', 'c'].map((part) => `acc-${String(i).padStart(4, '0')}-${part}`);
      let runs = 0;
      await store.transaction(cause, async (tx) => {
        if (runs > 0) again += 1;
        runs += 1;
        for (const _id of rows) await tx.accounts.insert(PLATFORM, { _id });
      });
      made.push(...rows);
    };
    for (let i = 0; again < 60; i += 4) await Promise.all([write(i), write(i + 1), write(i + 2), write(i + 3)]);
    await Promise.all(ending);
    expect((await store.read.accounts.find(PLATFORM, {})).map(({ _id }) => _id)).toEqual(made.sort());
  });
});

test('a suite on MongoDB without an address fails: a named engine is never skipped', async () => {
  const { MONGODB_URI } = process.env;
  delete process.env.MONGODB_URI;
  try {
    await expect(openTestPlace('mongodb')).rejects.toThrow('MONGODB_URI is not set');
  } finally {
    process.env.MONGODB_URI = MONGODB_URI;
  }
});

describe('what every command asks of the replica set', () => {
  const connect = mongo.MongoClient.prototype.connect;
  afterEach(() => {
    mongo.MongoClient.prototype.connect = connect;
  });

  test('reads are of what a majority holds, from the primary, and commits wait for a majority, whatever the address says (OPS-2)', async () => {
    const sent: { readonly name: string; readonly command: mongo.Document }[] = [];
    // The driver tells of its commands only where it was made so.
    mongo.MongoClient.prototype.connect = function watched() {
      this.options.monitorCommands = true;
      this.on('commandStarted', ({ commandName, command }) => sent.push({ name: commandName, command }));
      return connect.call(this);
    };
    const { env } = await place();
    const store = await storeAt(`${env.MONGODB_URI}&w=1&readConcernLevel=local&readPreference=secondaryPreferred`);
    sent.length = 0;
    await store.transaction(cause, async (tx) => {
      await tx.organizations.find(org, {});
      await tx.organizations.insert(org, organization);
    });
    await store.read.organizations.get(org, org);
    await store.read.organizations.find(org, { slug: 'acme' });
    await store.read.organizations.count(org, {});
    await store.read.organizations.page(org, {}, { limit: 1 });
    for await (const _ of store.read.organizations.stream(org, {}));
    const outside = sent.filter(
      ({ command }) => command.startTransaction === undefined && command.txnNumber === undefined,
    );
    const reads = outside.filter(({ name }) => ['find', 'aggregate', 'count'].includes(name));
    expect(reads.length).toBeGreaterThanOrEqual(5);
    for (const { command } of reads) expect(command.readConcern).toMatchObject({ level: 'majority' });
    const begun = sent.filter(({ command }) => command.startTransaction === true);
    expect(begun.length).toBeGreaterThan(0);
    for (const { command } of begun) expect(command.readConcern).toMatchObject({ level: 'snapshot' });
    const commits = sent.filter(({ name }) => name === 'commitTransaction');
    expect(commits.length).toBeGreaterThan(0);
    for (const { command } of commits) expect(command.writeConcern).toMatchObject({ w: 'majority' });
    const modes = sent.map(({ command }) => command.$readPreference?.mode ?? 'primary');
    expect(new Set(modes)).toEqual(new Set(['primary']));
  });
});
