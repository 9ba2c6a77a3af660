/** Domains over the management API, with a DNS that the test writes: claimed, verified, looked for every day (SSO-3). */
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkDomainsLater, decideCheck, isShared, missesToLose } from '../../src/access/index.ts';
import { AppError } from '../../src/errors.ts';
import { newId } from '../../src/lib/ids.ts';
import { type Method, openTestGatehouse, type TestGatehouse } from '../support/gatehouse.ts';

/** What the DNS says; a name that is not in it has no records, one that is undefined gets no answer. */
const zone = new Map<string, readonly string[] | undefined>();
const lookUpTxt = async (name: string): Promise<readonly string[]> => {
  if (zone.has(name) && zone.get(name) === undefined) throw new AppError('dns_unanswered', 'The DNS does not answer');
  return zone.get(name) ?? [];
};

const day = 86_400_000;
let later = 0;
const clock = { now: () => new Date(Date.now() + later) };

let gatehouse: TestGatehouse;
let organizations = 0;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({ lookUpTxt, clock });
});

beforeEach(() => {
  zone.clear();
});

interface Home {
  readonly id: string;
  readonly path: string;
  readonly domain: string;
}

async function openOrganization(): Promise<Home> {
  organizations += 1;
  const owner = { email: `owner@home${organizations}.example` };
  const { id } = await ask(201, 'post', '/api/v1/organizations', { name: `Org ${organizations}`, owner });
  return { id, path: `/api/v1/organizations/${id}/domains`, domain: `acme${organizations}.example` };
}

async function ask(status: number, method: Method, path: string, body?: object, actAs?: string) {
  const answer = await gatehouse.operator(method, path, actAs).send(body);
  if (answer.status !== status) throw new Error(`expected ${status}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const claim = ({ path, domain }: Home) => ask(201, 'post', path, { domain });
const verify = ({ path, domain }: Home, status = 200) => ask(status, 'post', `${path}/${domain}/verify`, {});
const publish = ({ name, value }: { name: string; value: string }) => zone.set(name, ['other=1', value]);

async function read({ path, domain }: Home) {
  const { items } = await ask(200, 'get', path);
  return items.find((item: { domain: string }) => item.domain === domain);
}

async function auditTypes({ id }: Home): Promise<readonly string[]> {
  const rows = await gatehouse.store.read.auditEvents.find(id, { targetKind: 'domain' });
  return rows.map(({ type }) => type);
}

describe('a claim', () => {
  test('answers the record to publish, and the same one when it is repeated', async () => {
    const home = await openOrganization();
    const claimed = await claim(home);
    expect(claimed).toMatchObject({
      verified: false,
      record: {
        type: 'TXT',
        name: `_gatehouse.${home.domain}`,
        value: expect.stringMatching(/^gatehouse-verification=[0-9a-f]{32}$/),
      },
    });
    expect(await claim(home)).toEqual(claimed);
  });

  test('of an earlier program gets its record when it is repeated', async () => {
    const home = await openOrganization();
    await gatehouse.store.transaction({ actor: 'operator', requestId: 'test' }, (tx) =>
      tx.domains.insert(home.id, {
        _id: newId('domain'),
        organizationId: home.id,
        domain: home.domain,
        verified: false,
      }),
    );
    expect(await verify(home, 409)).toMatchObject({
      code: 'domain_unproven',
      detail: expect.stringContaining('again'),
    });
    expect((await claim(home)).record).toBeDefined();
  });

  test.each([
    'gmail.com',
    'Outlook.com',
    'hotmail.co.uk',
    'yahoo.de',
    'icloud.com',
    'qq.com',
    'co.uk',
    'com.au',
    'onmicrosoft.com',
    'github.io',
  ])(
    // prettier-ignore
    'of %s is refused, also with the operator behind it',
    async (domain) => {
      const home = await openOrganization();
      expect(await ask(400, 'post', home.path, { domain })).toMatchObject({ code: 'domain_shared' });
    },
  );

  test('of a name that only looks like one is not', () => {
    const names = [
      'gmail.acme.com',
      'acme.co.uk',
      'co.acme',
      'outlook.acme.co.uk',
      'mygmail.com',
      'acme.onmicrosoft.com',
      'live.nation.com',
    ]; // prettier-ignore
    expect(names.filter(isShared)).toEqual([]);
  });
});

describe('verification', () => {
  test('finds the record, among others; without it, it says what is missing', async () => {
    const home = await openOrganization();
    const { record } = await claim(home);
    expect(await verify(home, 409)).toMatchObject({
      code: 'domain_unproven',
      details: { record: { name: record.name } },
    });
    zone.set(record.name, ['gatehouse-verification=', `${record.value}0`, record.value.toUpperCase()]);
    await verify(home, 409);
    zone.set(record.name, undefined);
    expect(await verify(home, 409)).toMatchObject({ code: 'dns_unanswered' });
    publish(record);
    expect(await verify(home)).toMatchObject({ verified: true, verifiedBy: 'dns', checkedAt: expect.any(String) });
    expect(await verify(home)).toMatchObject({ verified: true });
    expect(await auditTypes(home)).toEqual(['domain.claimed', 'domain.verified']);
  });

  test('asks for a claim, and for force only of the operator', async () => {
    const home = await openOrganization();
    expect(await verify(home, 404)).toMatchObject({ code: 'not_found' });
    await claim(home);
    const owner = `owner@home${organizations}.example`;
    const forced = { force: true };
    expect(await ask(403, 'post', `${home.path}/${home.domain}/verify`, forced, owner)).toMatchObject({
      code: 'operator_only',
    });
    expect(await ask(409, 'post', `${home.path}/${home.domain}/verify`, {}, owner)).toMatchObject({
      code: 'domain_unproven',
    });
    expect(await ask(200, 'post', `${home.path}/${home.domain}/verify`, forced)).toMatchObject({
      verifiedBy: 'operator',
    });
  });

  test("a record of one organization's claim proves nothing for another's; one of them has the domain", async () => {
    const [ours, theirs] = [await openOrganization(), await openOrganization()];
    const theirClaim = { ...theirs, domain: ours.domain };
    const { record } = await claim(ours);
    const { record: otherRecord } = await claim(theirClaim);
    publish(record);
    expect(await verify(theirClaim, 409)).toMatchObject({ code: 'domain_unproven' });
    zone.set(record.name, [record.value, otherRecord.value]);
    const answers = await Promise.all(
      [ours, theirClaim, ours, theirClaim].map(({ path, domain }) =>
        gatehouse.operator('post', `${path}/${domain}/verify`).send({}),
      ),
    );
    const won = answers.flatMap(({ body }, at) => (body.verified ? [at % 2] : []));
    expect(new Set(won).size).toBe(1);
    for (const { status, body } of answers) {
      if (status !== 200) expect([status, body.code]).toEqual([409, expect.stringMatching(/^(domain_taken|stale)$/)]);
    }
    expect(await gatehouse.store.read.domains.find(ours.id, { domain: ours.domain, verified: true })).toHaveLength(
      won[0] === 0 ? 1 : 0,
    );
  });

  test('proves the addresses of its people, by a job (ACC-2)', async () => {
    const home = await openOrganization();
    const { record } = await claim(home);
    publish(record);
    await gatehouse.queue?.idle();
    await verify(home);
    const jobs = await gatehouse.store.read.outbox.count(home.id, { job: 'prove-domain' });
    expect(jobs).toBeLessThanOrEqual(1);
    await gatehouse.queue?.idle();
    expect(await gatehouse.store.read.outbox.count(home.id, {})).toBe(0);
  });
});

test('a domain is given up, and is free for others then', async () => {
  const [ours, theirs] = [await openOrganization(), await openOrganization()];
  const { record } = await claim(ours);
  publish(record);
  await verify(ours);
  const theirClaim = { ...theirs, domain: ours.domain };
  const { record: otherRecord } = await claim(theirClaim);
  zone.set(record.name, [otherRecord.value]);
  expect(await verify(theirClaim, 409)).toMatchObject({ code: 'domain_taken' });
  await ask(204, 'delete', `${ours.path}/${ours.domain}`);
  await ask(404, 'delete', `${ours.path}/${ours.domain}`);
  expect(await verify(theirClaim)).toMatchObject({ verified: true });
  const again = await claim(ours);
  expect(again.record.value).not.toBe(record.value);
});

describe('the daily check', () => {
  /** A day later: the round asks for what is due, and its jobs run. */
  async function nextDay(times = 1): Promise<void> {
    for (let i = 0; i < times; i += 1) {
      later += day;
      await round();
    }
  }

  async function round(): Promise<void> {
    const cause = { actor: 'job:check-domains', requestId: 'test' };
    await checkDomainsLater(gatehouse.store, cause, { at: clock.now(), goOn: () => true });
    await gatehouse.queue?.idle();
  }

  async function openVerified() {
    const home = await openOrganization();
    const { record } = await claim(home);
    publish(record);
    await verify(home);
    return { home, record };
  }

  test('keeps a domain whose record is there, and looks once a day', async () => {
    const { home } = await openVerified();
    const { checkedAt } = await read(home);
    await round();
    expect((await read(home)).checkedAt).toBe(checkedAt);
    await nextDay();
    const checked = await read(home);
    expect(checked.checkedAt > checkedAt).toBe(true);
    expect([checked.verified, checked.daysLeft]).toEqual([true, undefined]);
  });

  test('warns for some days of a record that is gone, and then takes the verification away', async () => {
    const { home, record } = await openVerified();
    zone.delete(record.name);
    await nextDay();
    await round();
    expect(await read(home)).toMatchObject({ verified: true, daysLeft: missesToLose - 1 });
    await nextDay(missesToLose - 2);
    expect(await read(home)).toMatchObject({ verified: true, daysLeft: 1 });
    await nextDay();
    const lost = await read(home);
    expect([lost.verified, lost.verifiedBy, lost.daysLeft]).toEqual([false, undefined, undefined]);
    const missing = Array.from({ length: missesToLose - 1 }, () => 'domain.record_missing');
    expect((await auditTypes(home)).slice(2)).toEqual([...missing, 'domain.verification_lost']);
    publish(record);
    expect(await verify(home)).toMatchObject({ verified: true });
  });

  test('forgets the days without a record once it is back', async () => {
    const { home, record } = await openVerified();
    zone.delete(record.name);
    await nextDay(missesToLose - 1);
    publish(record);
    await nextDay();
    expect((await read(home)).daysLeft).toBeUndefined();
    zone.delete(record.name);
    await nextDay(missesToLose - 1);
    expect(await read(home)).toMatchObject({ verified: true, daysLeft: 1 });
  });

  test('takes no answer for no answer', async () => {
    const { home, record } = await openVerified();
    zone.set(record.name, undefined);
    await nextDay(missesToLose + 3);
    const kept = await read(home);
    expect([kept.verified, kept.daysLeft]).toEqual([true, undefined]);
  });

  test('leaves the operator’s word alone', async () => {
    const home = await openOrganization();
    await claim(home);
    await ask(200, 'post', `${home.path}/${home.domain}/verify`, { force: true });
    await nextDay(missesToLose + 1);
    expect(await read(home)).toMatchObject({ verified: true, verifiedBy: 'operator' });
  });

  test('ends a verification after exactly as many misses in a row as are announced, in any order of events', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (looks) => {
        let misses = 0;
        let inRow = 0;
        for (const proven of looks) {
          inRow = proven ? 0 : inRow + 1;
          const decision = decideCheck(proven, misses);
          expect(decision.kind === 'lose').toBe(inRow === missesToLose);
          if (decision.kind === 'lose') return;
          misses = decision.misses;
          expect(misses).toBe(inRow);
        }
      }),
    );
  });
});
