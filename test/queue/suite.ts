import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/errors.ts';
import { enqueue, findParked, type Queue, replayParked, type TakenJob } from '../../src/queue/index.ts';
import { findTwins, finish, leaseRows } from '../../src/queue/leases.ts';
import type { Handlers } from '../../src/queue/queue.ts';
import type { Store } from '../../src/store/index.ts';
import { until } from '../support/until.ts';
import {
  ask,
  cause,
  effect,
  effects,
  gate,
  handleAll,
  insertRow,
  leaveEffect,
  orgA,
  orgB,
  personOf,
  type QueueSettings,
  type Rig,
  rows,
} from './rig.ts';

const quick = { attempts: 3, firstMs: 10, capMs: 40 };

/** What every engine of the queue promises. `many` is how many jobs it bears in a test of load. */
export function queueSuite(name: string, openRig: () => Promise<Rig>, many: number): void {
  describe(`the queue on ${name}`, () => {
    let rig: Rig;
    let queues: Queue[] = [];

    beforeEach(async () => {
      rig = await openRig();
    });

    afterEach(async () => {
      for (const queue of queues) await queue.drain(1_000);
      queues = [];
      await rig.close();
    });

    const open = (handlers: Handlers, settings: QueueSettings = {}): Queue => {
      const queue = rig.openQueue(handlers, { pollMs: 100, retry: quick, ...settings });
      queues.push(queue);
      queue.start();
      return queue;
    };
    const leave = (job: TakenJob) => leaveEffect(rig.store, job);

    describe('delivery', () => {
      test('a committed job runs once and is gone with its effect (OPS-2)', async () => {
        const taken: TakenJob[] = [];
        const queue = open(
          handleAll(async (job) => {
            taken.push(job);
            await leave(job);
          }),
        );
        await ask(rig.store, orgA, 'acc-1');
        await queue.idle();
        expect(taken).toMatchObject([
          { organizationId: orgA, name: 'reconcile', payload: { people: ['acc-1'] }, attempt: 1 },
        ]);
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
        expect(await rows(rig.store)).toEqual([]);
      });

      test('a job of a change that is rolled back never runs', async () => {
        const queue = open(handleAll(leave));
        const failed = rig.store.transaction(cause, async (tx) => {
          await enqueue(tx, orgA, 'reconcile', { people: ['acc-never'] });
          throw new Error('no');
        });
        await expect(failed).rejects.toThrow('no');
        await ask(rig.store, orgA, 'acc-1');
        await queue.idle();
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
      });

      test('jobs that were committed before the start run after it', async () => {
        await ask(rig.store, orgA, 'acc-1');
        const queue = open(handleAll(leave));
        await queue.idle();
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
      });

      test('a commit wakes the queue: nobody waits for its poll (MAP-5)', async () => {
        const queue = open(handleAll(leave), { pollMs: 60_000 });
        await ask(rig.store, orgA, 'acc-1');
        await queue.idle();
        const began = performance.now();
        await ask(rig.store, orgA, 'acc-2');
        await until('the job runs', async () => (await effects(rig.store, orgA)).length === 2);
        expect(performance.now() - began).toBeLessThan(5_000);
      });

      test('a handler asks for further jobs in the transaction of its effect', async () => {
        const queue = open({
          ...handleAll(leave),
          async 'reconcile-groups'(job) {
            await rig.store.transaction(cause, async (tx) => {
              for (const group of job.payload.groups) await enqueue(tx, orgA, 'reconcile', { people: [group] });
              await job.done(tx);
            });
          },
        });
        const groups = Array.from({ length: 5 }, (_, i) => `acc-${i}`);
        await rig.store.transaction(cause, (tx) => enqueue(tx, orgA, 'reconcile-groups', { groups }));
        await queue.idle();
        expect(await effects(rig.store, orgA)).toEqual(groups);
      });

      test('a payload that the catalogue refuses is refused where it is asked for, with the change', async () => {
        const asked = rig.store.transaction(cause, (tx) => enqueue(tx, orgA, 'reconcile', { people: [] }));
        await expect(asked).rejects.toThrow('people');
        expect(await rows(rig.store)).toEqual([]);
      });

      test('each job of 64 producers at once has exactly one effect, with two processes at work', async () => {
        open(handleAll(leave));
        const queue = open(handleAll(leave));
        const people = Array.from({ length: 64 * 4 }, (_, i) => `acc-${String(i).padStart(4, '0')}`);
        await Promise.all(
          Array.from({ length: 64 }, async (_, producer) => {
            for (let i = producer; i < people.length; i += 64) await ask(rig.store, orgA, people[i] ?? '');
          }),
        );
        await queue.idle();
        expect(await effects(rig.store, orgA)).toEqual(people);
        expect(await rows(rig.store)).toEqual([]);
      });
    });

    describe('failure', () => {
      test('a job that fails is tried again after a rest, and says which attempt it is', async () => {
        const attempts: number[] = [];
        const queue = open(
          handleAll(async (job) => {
            attempts.push(job.attempt);
            if (job.attempt < 3) throw new Error(`attempt ${job.attempt} fails`);
            await leave(job);
          }),
        );
        await ask(rig.store, orgA, 'acc-1');
        await until('the third attempt succeeds', async () => (await rows(rig.store)).length === 0);
        await queue.idle();
        expect(attempts).toEqual([1, 2, 3]);
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
      });

      test('after the last attempt a job is parked with its error, listed, and replayed on demand (OPS-2)', async () => {
        let broken = true;
        const queue = open(
          handleAll(async (job) => {
            if (broken) throw new Error('the disk is on fire', { cause: new Error('EIO') });
            await leave(job);
          }),
        );
        await ask(rig.store, orgA, 'acc-1');
        await until('it is parked', async () => (await findParked(rig.store.read, orgA)).items.length === 1);
        const { items } = await findParked(rig.store.read, orgA);
        expect(items).toMatchObject([{ state: 'parked', attempts: 3, job: 'reconcile' }]);
        expect(items[0]?.error).toBe('Error: the disk is on fire ← Error: EIO');
        expect(items[0]).not.toHaveProperty('lease');
        await queue.idle();
        expect(await effects(rig.store, orgA)).toEqual([]);

        broken = false;
        const id = items[0]?._id ?? '';
        await rig.store.transaction(cause, (tx) => replayParked(tx, orgA, id));
        await queue.idle();
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
        expect((await findParked(rig.store.read, orgA)).items).toEqual([]);
      });

      test('what one organization has parked is nothing to another (PRJ-1)', async () => {
        const { _id } = await insertRow(rig.store, { _id: 'job-parked', state: 'parked', error: 'x' });
        expect((await findParked(rig.store.read, orgB)).items).toEqual([]);
        const replay = rig.store.transaction(cause, (tx) => replayParked(tx, orgB, _id));
        await expect(replay).rejects.toMatchObject({ code: 'not_found' });
      });

      test("a rule's refusal is parked at once: it would be the same again", async () => {
        let calls = 0;
        const queue = open(
          handleAll(async () => {
            calls += 1;
            throw new AppError('owner_protected', 'The Owner stays.');
          }),
        );
        await ask(rig.store, orgA, 'acc-1');
        await queue.idle();
        expect(calls).toBe(1);
        expect((await findParked(rig.store.read, orgA)).items[0]?.error).toBe('owner_protected: The Owner stays.');
      });

      test('a job waits out a machine that is unavailable without using up its attempts', async () => {
        const attempts: number[] = [];
        open(
          handleAll(async (job) => {
            attempts.push(job.attempt);
            if (attempts.length < 6) throw new AppError('store_unavailable', 'Not now.');
            await leave(job);
          }),
        );
        await ask(rig.store, orgA, 'acc-1');
        await until('it succeeds', async () => (await rows(rig.store)).length === 0);
        expect(attempts).toEqual([1, 1, 1, 1, 1, 1]);
      });

      test('a change that came between (stale) is a reason to try again', async () => {
        open(
          handleAll(async (job) => {
            if (job.attempt === 1) throw new AppError('stale', 'Somebody was faster.');
            await leave(job);
          }),
        );
        await ask(rig.store, orgA, 'acc-1');
        await until('it succeeds', async () => (await rows(rig.store)).length === 0);
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
      });

      test('a handler that ends without finishing its job has failed', async () => {
        open(handleAll(async () => {}));
        await ask(rig.store, orgA, 'acc-1');
        await until('it is parked', async () => (await findParked(rig.store.read, orgA)).items.length === 1);
        expect((await findParked(rig.store.read, orgA)).items[0]?.error).toContain('ended without job.done');
      });

      test('a handler that never ends gives its place back', async () => {
        const queue = open(
          handleAll((job) => (personOf(job) === 'acc-stuck' ? new Promise(() => {}) : leave(job))),
          { concurrency: 1, longestRunMs: 500, retry: { ...quick, attempts: 1 } },
        );
        await ask(rig.store, orgA, 'acc-stuck');
        await ask(rig.store, orgA, 'acc-1');
        await queue.idle();
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
        expect((await findParked(rig.store.read, orgA)).items[0]?.error).toContain('did not end within 500 ms');
      });

      test.each([
        [
          'a payload that does not parse',
          { payload: { people: 'acc-1' } },
          'The payload is not one of the job "reconcile"',
        ],
        ['a job that the catalogue does not know', { job: 'launch' }, 'There is no job "launch".'],
        ['the name of a property that every object has', { job: 'constructor' }, 'There is no job "constructor".'],
      ])('%s is parked at once with a precise error (OPS-1)', async (_, row, error) => {
        let calls = 0;
        const queue = open(
          handleAll(async (job) => {
            calls += 1;
            await leave(job);
          }),
        );
        await insertRow(rig.store, { _id: 'job-odd', ...row });
        await queue.idle();
        const { items } = await findParked(rig.store.read, orgA);
        expect(items).toMatchObject([{ _id: 'job-odd', attempts: 1 }]);
        expect(items[0]?.error).toContain(error);
        expect(calls).toBe(0);
      });
    });

    describe('leases', () => {
      test('the job of a process that died is taken over when its lease has ended (OPS-2)', async () => {
        const { _id } = await insertRow(rig.store, { _id: 'job-orphan' });
        const dead = await leaseRows(rig.store, [_id], new Date(), 400);
        expect(dead).toHaveLength(1);
        const attempts: number[] = [];
        const queue = open(
          handleAll(async (job) => {
            attempts.push(job.attempt);
            await leave(job);
          }),
        );
        await sleep(150);
        expect(attempts).toEqual([]);
        await queue.idle();
        expect(attempts).toEqual([1]);
      });

      test('however its processes die, a job goes on with all the attempts that it had left (OPS-2)', async () => {
        await insertRow(rig.store, { _id: 'job-unlucky', attempts: 1 });
        for (let death = 1; death <= 20; death += 1) {
          const longAgo = new Date(Date.now() - 60_000);
          await rig.store.transaction(cause, (tx) =>
            tx.outbox.updateOne(orgA, { _id: 'job-unlucky' }, { $set: { dueAt: longAgo } }),
          );
          expect(await leaseRows(rig.store, ['job-unlucky'], longAgo, 1_000)).toHaveLength(1);
        }
        const attempts: number[] = [];
        const queue = open(
          handleAll(async (job) => {
            attempts.push(job.attempt);
            if (job.attempt < 3) throw new Error('not yet');
            await leave(job);
          }),
        );
        await until('it has ended', async () => (await rows(rig.store)).length === 0);
        await queue.idle();
        expect(attempts).toEqual([2, 3]);
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
      });

      const fallen = { taken: 50, lease: 'dead', dueAt: new Date(0) };

      test('a job that fifty processes in a row did not survive is parked, and has all its chances again once it is replayed', async () => {
        await insertRow(rig.store, { _id: 'job-poison', ...fallen, error: 'Error: before' });
        const queue = open(handleAll(leave));
        await queue.idle();
        const { items } = await findParked(rig.store.read, orgA);
        expect(items[0]?.error).toMatch(/died or lost its lease 50 times in a row.*Error: before/);
        expect(await effects(rig.store, orgA)).toEqual([]);
        await rig.store.transaction(cause, (tx) => replayParked(tx, orgA, 'job-poison'));
        await queue.idle();
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
      });

      test('an attempt that came to an end, though it failed, ends the row of deaths', async () => {
        await insertRow(rig.store, { _id: 'job-unlucky', ...fallen, taken: 49 });
        const seen: (number | undefined)[] = [];
        const queue = open(
          handleAll(async (job) => {
            seen.push((await rig.store.read.outbox.get(orgA, job.id))?.taken);
            if (job.attempt === 1) throw new Error('not yet');
            await leave(job);
          }),
        );
        await until('it has ended', async () => (await rows(rig.store)).length === 0);
        await queue.idle();
        expect(seen).toEqual([50, 1]);
      });

      test('a running handler keeps its lease for longer than one lasts', async () => {
        let calls = 0;
        const slow = handleAll(async (job) => {
          calls += 1;
          await sleep(1_200);
          await leave(job);
        });
        open(slow, { leaseMs: 450 });
        const queue = open(slow, { leaseMs: 450 });
        await ask(rig.store, orgA, 'acc-1');
        await queue.idle();
        expect(calls).toBe(1);
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
      });

      test('a clock that is set forward takes nothing from whom it is with: a running job goes on under its lease', async () => {
        let aheadMs = 0;
        let calls = 0;
        const clock = { now: () => new Date(Date.now() + aheadMs) };
        const queue = open(
          handleAll(async (job) => {
            calls += 1;
            await sleep(600);
            aheadMs = 3_600_000;
            await sleep(900);
            await leave(job);
          }),
          { leaseMs: 600, clock },
        );
        await ask(rig.store, orgA, 'acc-1');
        await until('it has ended', async () => (await rows(rig.store)).length === 0);
        await queue.idle();
        expect(calls).toBe(1);
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
      });

      test('a job that is run twice by one process, since its lease was lost meanwhile, ends by its second run', async () => {
        const wait = gate();
        let calls = 0;
        const queue = open(
          handleAll(async (job) => {
            calls += 1;
            if (calls === 1) await wait.opened;
            else await sleep(1_500);
            await leave(job);
          }),
          { leaseMs: 450 },
        );
        await ask(rig.store, orgA, 'acc-1');
        await until('it runs', () => calls === 1);
        const [row] = await rows(rig.store);
        await rig.store.transaction(cause, (tx) =>
          tx.outbox.updateOne(
            orgA,
            { _id: row?._id ?? '' },
            { $set: { dueAt: new Date(0), lease: 'of one that died' } },
          ),
        );
        await until('it runs again', () => calls === 2);
        wait.open();
        await until('it has ended', async () => (await rows(rig.store)).length === 0);
        await queue.idle();
        expect(calls).toBe(2);
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
      });

      test('a job that ends its processes takes none with it that were taken when it was: it alone is parked (OPS-2)', async () => {
        const fallen = { attempts: 0, taken: 46, lease: 'dead', dueAt: new Date(0) };
        await insertRow(rig.store, { _id: 'job-poison', ...fallen, payload: { people: ['acc-poison'] } });
        const innocent = Array.from({ length: 11 }, (_, i) => `acc-${String(i).padStart(2, '0')}`);
        for (const [i, person] of innocent.entries()) {
          const organizationId = i % 2 === 0 ? orgA : orgB;
          await insertRow(rig.store, { _id: `job-${i}`, organizationId, ...fallen, payload: { people: [person] } });
        }
        let deaths = 0;
        const live = async (): Promise<void> => {
          const end = gate();
          let dead = false;
          const mortal: Store = {
            ...rig.store,
            transaction: (...all) =>
              dead ? Promise.reject(new Error('the process has died')) : rig.store.transaction(...all),
          };
          const queue = open(
            handleAll(async (job) => {
              await sleep(personOf(job) === 'acc-poison' ? 20 : 60);
              if (personOf(job) === 'acc-poison') {
                dead = true;
                deaths += 1;
                end.open();
              }
              await leaveEffect(mortal, job);
            }),
            { leaseMs: 500, concurrency: 8, store: mortal },
          );
          const isParked = async () => (await findParked(rig.store.read, orgA)).items.length > 0;
          await Promise.race([end.opened, until('it is parked', isParked, 20_000)]);
          if (!dead) await queue.idle();
          await queue.drain(1);
        };
        while ((await findParked(rig.store.read, orgA)).items.length === 0) await live();
        await live();
        expect((await findParked(rig.store.read, orgA)).items).toMatchObject([{ _id: 'job-poison' }]);
        expect((await findParked(rig.store.read, orgB)).items).toEqual([]);
        expect(await rows(rig.store)).toHaveLength(1);
        expect([...(await effects(rig.store, orgA)), ...(await effects(rig.store, orgB))].sort()).toEqual(innocent);
        expect(deaths).toBe(4);
      });

      test('who has lost the lease cannot finish: its transaction leaves nothing behind', async () => {
        const wait = gate();
        const errors: unknown[] = [];
        let holders = 0;
        const queue = open(
          handleAll(async (job) => {
            holders += 1;
            if (holders > 1) return leave(job);
            await wait.opened;
            const late = rig.store.transaction(cause, async (tx) => {
              await effect(tx, job);
              await job.done(tx);
            });
            await late.catch((error: unknown) => {
              errors.push(error);
              throw error;
            });
          }),
        );
        await ask(rig.store, orgA, 'acc-1');
        await until('it is taken', async () => (await rows(rig.store))[0]?.lease !== undefined);
        await sleep(100);
        const [row] = await rows(rig.store);
        await rig.store.transaction(cause, (tx) =>
          tx.outbox.updateOne(orgA, { _id: row?._id ?? '' }, { $set: { dueAt: new Date(0) }, $unset: { lease: true } }),
        );
        await until('somebody else has finished it', async () => (await rows(rig.store)).length === 0);
        wait.open();
        await until('the first holder has tried', () => errors.length === 1);
        await queue.idle();
        expect(errors).toMatchObject([{ code: 'stale' }]);
        expect(await effects(rig.store, orgA)).toEqual(['acc-1']);
        expect((await findParked(rig.store.read, orgA)).items).toEqual([]);
      });
    });

    describe('rows that ask for the same', () => {
      const askTimes = (count: number) =>
        Promise.all(Array.from({ length: count }, () => ask(rig.store, orgA, 'acc-1')));

      test('and wait at the same time are ended by one run of them (MAP-3)', async () => {
        await askTimes(40);
        const queue = open(handleAll(leave), { concurrency: 1 });
        await queue.idle();
        expect(await rows(rig.store)).toEqual([]);
        const runs = (await effects(rig.store, orgA)).length;
        expect(runs).toBeGreaterThan(0);
        // a process of one place takes two rows at once, and no other run ends those
        expect(runs).toBeLessThanOrEqual(4);
      });

      test('have a run that begins later where they were asked for after it had begun (MAP-3)', async () => {
        await askTimes(3);
        const now = new Date(Date.now() + 1_000);
        const waiting = await rows(rig.store);
        const [first, taken] = waiting;
        const [held] = await leaseRows(rig.store, [first?._id ?? ''], now, 60_000);
        if (!held) throw new Error('nothing was leased');
        const twins = await findTwins(rig.store, held);
        expect(twins).toHaveLength(2);
        await askTimes(1);
        const late = (await rows(rig.store)).find(({ _id }) => waiting.every((row) => row._id !== _id));
        // one that waited is taken by somebody meanwhile
        await leaseRows(rig.store, [taken?._id ?? ''], now, 60_000);
        await rig.store.transaction(cause, (tx) => finish(tx, held, twins));
        const left = (await rows(rig.store)).map(({ _id }) => _id);
        expect(left.sort()).toEqual([taken?._id, late?._id].sort());
      });

      test('wait on where a run fails, and are left to whoever has taken them (OPS-2)', async () => {
        const elsewhere = { lease: 'of-another-process', dueAt: new Date(Date.now() + 3_600_000) };
        await ask(rig.store, orgA, 'acc-1');
        const [first] = await rows(rig.store);
        const same = async () => rig.store.read.outbox.find(orgA, { digest: first?.digest ?? '' });
        await insertRow(rig.store, { _id: 'job-taken', ...elsewhere, digest: first?.digest ?? '' });
        const seen: number[] = [];
        const queue = open(
          handleAll(async (job) => {
            if (personOf(job) === 'acc-1' && job.organizationId === orgA) {
              seen.push((await same()).length);
              if (seen.length === 1) {
                await askTimes(2);
                throw new Error('the first attempt fails');
              }
            }
            await leave(job);
          }),
          { concurrency: 1, retry: { attempts: 3, firstMs: 300, capMs: 300 } },
        );
        await ask(rig.store, orgA, 'acc-2');
        await ask(rig.store, orgB, 'acc-1');
        await until('all have ended but what another has', async () => (await rows(rig.store)).length === 1);
        await queue.drain();
        expect(await same()).toMatchObject([{ _id: 'job-taken', lease: elsewhere.lease }]);
        expect(seen.slice(0, 2)).toEqual([2, 4]);
        expect(await effects(rig.store, orgA)).toContain('acc-2');
        expect(await effects(rig.store, orgB)).toEqual(['acc-1']);
      });

      test('are each run where every one of them counts (OPS-2)', async () => {
        const what = { webhookId: 'wh-1' };
        for (let i = 0; i < 5; i += 1)
          await rig.store.transaction(cause, (tx) => enqueue(tx, orgA, 'announce-webhook', what));
        let runs = 0;
        const queue = open(
          handleAll(async (job) => {
            runs += 1;
            await leave(job);
          }),
          { concurrency: 1 },
        );
        await queue.idle();
        expect(runs).toBe(5);
      });
    });

    describe('fairness', () => {
      const waitingJob = (organizationId: string, i: number) => ({
        _id: `job-${organizationId}-${String(i).padStart(5, '0')}`,
        organizationId,
        job: 'reconcile',
        payload: { people: [`acc-${i}`] },
        state: 'waiting' as const,
        dueAt: new Date(),
        attempts: 0,
      });
      const burst = async (organizationId: string, count: number) => {
        for (let at = 0; at < count; at += 500) {
          await rig.store.transaction(cause, async (tx) => {
            for (let i = at; i < Math.min(count, at + 500); i++) {
              await enqueue(tx, organizationId, 'reconcile', { people: [`acc-${String(i).padStart(5, '0')}`] });
            }
          });
        }
      };

      test(`${many} waiting jobs of one organization do not delay another's`, async () => {
        await burst(orgA, many);
        let ofA = 0;
        const seen: number[] = [];
        open(
          handleAll(async (job) => {
            if (job.organizationId === orgA) ofA += 1;
            else seen.push(ofA);
            await rig.store.transaction(cause, job.done);
          }),
          { concurrency: 8 },
        );
        await until('the burst is under way', () => ofA > 0);
        const before = ofA;
        for (const person of ['acc-1', 'acc-2', 'acc-3']) await ask(rig.store, orgB, person);
        await until("the other's jobs have run", () => seen.length === 3);
        // What ran in between is what was taken before, and what ran while three changes were committed.
        expect((seen[0] ?? 0) - before).toBeLessThan(many / 4);
        expect(ofA).toBeLessThan(many);
      });

      test("10,000 waiting jobs of one organization do not delay another's by more than a second (MAP-5)", async () => {
        const backlog = 10_000;
        let ofA = 0;
        const began = new Map<string, number>();
        open(
          handleAll(async (job) => {
            if (job.organizationId !== orgA) began.set(personOf(job), performance.now());
            else {
              ofA += 1;
              await sleep(4);
            }
            await rig.store.transaction(cause, job.done);
          }),
          { concurrency: 8 },
        );
        /** From the commit of the other organization's job to its handler, this often in turn; the shortest first. */
        const delays = async (name: string, times: number): Promise<number[]> => {
          const seen: number[] = [];
          for (let i = 0; i < times; i++) {
            await ask(rig.store, orgB, `${name}-${i}`);
            const committed = performance.now();
            await until("the other's job has begun", () => began.has(`${name}-${i}`));
            seen.push((began.get(`${name}-${i}`) ?? Number.POSITIVE_INFINITY) - committed);
          }
          return seen.sort((a, b) => a - b);
        };
        const alone = (await delays('alone', 11))[5] ?? 0;
        for (let at = 0; at < backlog; at += 1_000) {
          const jobs = Array.from({ length: 1_000 }, (_, i) => waitingJob(orgA, at + i));
          await rig.store.transaction(cause, (tx) => tx.outbox.insertMany(orgA, jobs));
        }
        await until('the backlog is under way', () => ofA > 0);
        const behind = await delays('behind', 20);
        expect(ofA).toBeLessThan(backlog);
        // What the backlog adds, in nine of ten: a single one may have waited for whatever else the machine does. Where
        // that is so much that a job without any backlog takes a tenth of a second, the bound grows with it.
        const added = (behind[17] ?? Number.POSITIVE_INFINITY) - alone;
        expect(added).toBeLessThan(Math.max(1_000, 10 * alone));
      });

      test('an organization whose jobs hang leaves places for the others', async () => {
        const wait = gate();
        await burst(orgA, 60);
        let hanging = 0;
        const queue = open(
          handleAll(async (job) => {
            if (job.organizationId === orgA) {
              hanging += 1;
              await wait.opened;
            }
            await leave(job);
          }),
          { concurrency: 8 },
        );
        await until('its jobs hang', () => hanging >= 6);
        await ask(rig.store, orgB, 'acc-1');
        await until("the other's job has run", async () => (await effects(rig.store, orgB)).length === 1);
        expect(hanging).toBe(6);
        wait.open();
        await queue.idle();
        expect(await effects(rig.store, orgA)).toHaveLength(60);
      });

      test('jobs that speak to servers which hang take no place of the others, however many there are (EVT-1, MAP-5)', async () => {
        const wait = gate();
        let hanging = 0;
        const queue = open(
          handleAll(async (job) => {
            if (job.name === 'deliver') {
              hanging += 1;
              await wait.opened;
              await rig.store.transaction(cause, job.done);
            } else await leave(job);
          }),
          { concurrency: 4 },
        );
        await rig.store.transaction(cause, async (tx) => {
          for (let i = 0; i < 20; i++) {
            await enqueue(tx, `org-${i}`, 'deliver', { webhookId: 'whk-1', wakeAt: '2030-01-01T00:00:00.000Z' });
          }
        });
        await until('all places for such jobs are taken', () => hanging === 4);
        for (let i = 0; i < 8; i++) await ask(rig.store, orgA, `acc-${i}`);
        await until('the others have run', async () => (await effects(rig.store, orgA)).length === 8);
        expect(hanging).toBe(4);
        wait.open();
        await queue.idle();
        expect([hanging, await rows(rig.store)]).toEqual([20, []]);
      });

      test('thousands of jobs that rest for a retry do not stand in the way', async () => {
        const dueAt = new Date(Date.now() + 3_600_000);
        await rig.store.transaction(cause, (tx) =>
          tx.outbox.insertMany(
            orgA,
            Array.from({ length: many }, (_, i) => ({
              _id: `job-rest-${i}`,
              organizationId: orgA,
              job: 'reconcile',
              payload: { people: ['acc-1'] },
              state: 'waiting' as const,
              dueAt,
              attempts: 1,
            })),
          ),
        );
        open(handleAll(leave));
        for (const organizationId of ['org-0', orgA, orgB]) await ask(rig.store, organizationId, 'acc-1');
        await until('all three have run', async () => {
          const done = await Promise.all(['org-0', orgA, orgB].map((each) => effects(rig.store, each)));
          return done.flat().length === 3;
        });
      });
    });

    describe('drain', () => {
      test('what runs is finished, what has not begun stays for others, and nothing new is taken', async () => {
        const wait = gate();
        let begun = 0;
        const queue = open(
          handleAll(async (job) => {
            begun += 1;
            await wait.opened;
            await leave(job);
          }),
          { concurrency: 2 },
        );
        for (let i = 0; i < 12; i++) await ask(rig.store, `org-${i % 4}`, `acc-${i}`);
        await until('two run', () => begun === 2);
        const drained = queue.drain();
        await ask(rig.store, orgB, 'acc-late');
        wait.open();
        await drained;
        expect(begun).toBe(2);
        const left = await rows(rig.store);
        expect(left).toHaveLength(11);

        const next = open(handleAll(leave), { leaseMs: 1_500 });
        await until('another process has run the others', async () => (await rows(rig.store)).length === 0, 40_000);
        await next.idle();
      });

      test('a drain is over in time even if a handler is not', async () => {
        const queue = open(handleAll(() => new Promise(() => {})));
        await ask(rig.store, orgA, 'acc-1');
        await until('it runs', async () => (await rows(rig.store))[0]?.lease !== undefined);
        await sleep(50);
        const began = performance.now();
        await queue.drain(100);
        expect(performance.now() - began).toBeLessThan(3_000);
        expect(await rows(rig.store)).toHaveLength(1);
      });

      test('a queue that never started drains at once', async () => {
        await rig.openQueue(handleAll(leave)).drain();
      });
    });
  });
}
