import { beforeAll, describe, expect, test } from '@jest/globals';
import { ENTERPRISE, ERROR, LIST, openWorld, type ScimWorld, USER } from '../setup.ts';
import { proves, rows } from './proves.ts';

let world: ScimWorld;
const ids: Record<string, string> = {};
const times: Record<string, string> = {};

const people = {
  Ann: {
    externalId: 'X-1',
    title: 'Boss',
    nickName: 'zed',
    active: true,
    name: { familyName: 'Lee', givenName: 'Ann' },
    emails: [
      { value: 'ann@work.test', type: 'work', primary: true },
      { value: 'ann@home.test', type: 'home' },
    ],
  },
  bob: {
    externalId: 'x-1',
    title: 'boss',
    nickName: 'Abe',
    active: false,
    name: { familyName: 'Kay', givenName: 'Bob' },
    emails: [
      { value: 'bob@home.test', type: 'home', primary: true },
      { value: 'a-bob@work.test', type: 'work' },
    ],
  },
  Cleo: { title: 'Engineer', active: true, [ENTERPRISE]: { department: 'R&D', employeeNumber: '7' } },
  dan: { active: true, name: { familyName: 'Mae' }, phoneNumbers: [{ value: '1', type: 'mobile' }] },
};

beforeAll(async () => {
  world = await openWorld();
  for (const [name, fields] of Object.entries(people)) {
    const { id } = await world.user({ userName: name, ...fields });
    ids[name] = id;
    times[name] = (await world.call('get', `/Users/${id}`)).body.meta.created;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  ids.plant = (await world.group({ displayName: 'Plant', members: [{ value: ids.Ann }, { value: ids.bob }] })).id;
  ids.empty = (await world.group({ displayName: 'Empty' })).id;
});

const ask = (query: string, endpoint = '/Users') => world.call('get', `${endpoint}?${query}`);
const names = ({ body }: { body: { Resources?: { userName?: string; displayName?: string }[] } }) =>
  (body.Resources ?? []).map(({ userName, displayName }) => userName ?? displayName).join(' ');
const filtered = async (filter: string, endpoint?: string) =>
  names(await ask(`filter=${encodeURIComponent(filter)}`, endpoint));

describe('filters (RFC 7644 §3.4.2.2)', () => {
  test.each<[string, string, string]>([
    [rows('7644-3.4.2.2-02'), 'userName eq "ann"', 'Ann'],
    [rows('7644-3.4.2.2-03'), 'userName ne "ann"', 'bob Cleo dan'],
    [rows('7644-3.4.2.2-04'), 'emails.value co "@home"', 'Ann bob'],
    [rows('7644-3.4.2.2-05'), 'title sw "Eng"', 'Cleo'],
    [rows('7644-3.4.2.2-06'), 'name.familyName ew "e"', 'Ann dan'],
    [rows('7644-3.4.2.2-07'), 'title pr', 'Ann bob Cleo'],
    [rows('7644-3.4.2.2-07'), 'name pr', 'Ann bob dan'],
    [rows('7644-3.4.2.2-08'), 'userName gt "bob"', 'Cleo dan'],
    [rows('7644-3.4.2.2-09'), 'userName ge "bob"', 'bob Cleo dan'],
    [rows('7644-3.4.2.2-10'), 'userName lt "bob"', 'Ann'],
    [rows('7644-3.4.2.2-11'), 'userName le "bob"', 'Ann bob'],
    [rows('7644-3.4.2.2-13'), 'title eq "boss" and active eq true', 'Ann'],
    [rows('7644-3.4.2.2-14'), 'userName eq "ann" or userName eq "dan"', 'Ann dan'],
    [rows('7644-3.4.2.2-15'), 'not (active eq true)', 'bob'],
    [rows('7644-3.4.2.2-15'), 'active eq true and not (title pr)', 'dan'],
    [rows('7644-3.4.2.2-16'), '(title eq "boss" or title eq "engineer") and active eq true', 'Ann Cleo'],
    [rows('7644-3.4.2.2-17'), 'userName eq "dan" or title eq "boss" and active eq true', 'Ann dan'],
    [rows('7644-3.4.2.2-17'), 'not (active eq false) and title eq "boss" or userName eq "dan"', 'Ann dan'],
    [rows('7644-3.4.2.2-18'), 'emails[type eq "work" and value co "home"]', ''],
    [rows('7644-3.4.2.2-18'), 'emails[type eq "home" and value co "home"]', 'Ann bob'],
    [rows('7644-3.4.2.2-18'), 'emails[type eq "work" and primary eq true]', 'Ann'],
    [rows('7644-3.4.2.2-18'), 'emails[not (type eq "work") and primary eq true]', 'bob'],
    [rows('7644-3.4.2.2-19'), 'userName EQ "ann" OR NOT (active Eq true) AND title Pr', 'Ann bob'],
    [rows('7644-3.4.2.2-20', '7643-2.1-01', '7643-2.1-02'), 'USERNAME eq "ann" and Name.FAMILYname eq "lee"', 'Ann'],
    [rows('7644-3.4.2.2-21', '7643-2.2-02'), 'title eq "BOSS"', 'Ann bob'],
    [rows('7644-3.4.2.2-21', '7644-3.4.2.2-32', '7643-3.1-08'), 'externalId eq "X-1"', 'Ann'],
    [rows('7644-3.4.2.2-22'), 'emails.type eq "home"', 'Ann bob'],
    [rows('7644-3.4.2.2-22'), 'phoneNumbers.type eq "mobile"', 'dan'],
    [rows('7644-3.4.2.2-23'), 'emails eq "bob@home.test"', 'bob'],
    [rows('7644-3.4.2.2-23'), 'emails co "work.test"', 'Ann bob'],
    [rows('7644-3.4.2.2-24', '7644-3.10-01'), 'name.familyName eq "kay"', 'bob'],
    [rows('7644-3.4.2.2-25', '7644-3.10-02'), `${ENTERPRISE}:employeeNumber eq "7"`, 'Cleo'],
    [rows('7644-3.4.2.2-25'), `${ENTERPRISE}:department sw "r"`, 'Cleo'],
    [rows('7644-3.4.2.2-26', '7644-3.10-01'), `${USER}:userName eq "ann"`, 'Ann'],
    [rows('7644-3.4.2.2-26'), `${USER}:name.familyName eq "lee"`, 'Ann'],
    [rows('7644-3.4.2.2-27'), 'userName eq "\\u0061nn"', 'Ann'],
    [rows('7644-3.4.2.2-27'), 'active eq false', 'bob'],
    [rows('7644-3.4.2.2-30'), `schemas eq "${ENTERPRISE}"`, 'Cleo'],
    [rows('7644-3.4.2.2-30'), `schemas eq "${USER}"`, 'Ann bob Cleo dan'],
    [rows('7644-3.4.2.2-31', '7643-2.3.5-02'), 'meta.created gt "2020-01-01T00:00:00Z"', 'Ann bob Cleo dan'],
    [rows('7644-3.4.2.2-31'), 'meta.lastModified lt "2020-01-01T00:00:00Z"', ''],
    [rows('7644-3.4.2.2-33'), 'userName eq "{\\"$ne\\": null}"', ''],
    [rows('7644-3.4.2.2-33'), 'userName sw "%" or userName co "_" or userName eq "a\' or 1=1 --"', ''],
    [rows('7644-3.4.2.2-34', '7643-2.5-01'), 'title eq null', 'dan'],
    [rows('7644-3.4.2.2-34'), 'title ne null', 'Ann bob Cleo'],
    [rows('7644-3.4.2-06'), 'userName eq "nobody"', ''],
  ])('%s %s → %s', async (_rows, filter, expected) => expect(await filtered(filter)).toBe(expected));

  test(
    proves('dates compare as instants, whatever their offset', '7643-2.3.5-02', '7644-3.4.2.2-08', '7644-3.4.2.2-31'),
    async () => {
      const at = new Date(times.bob ?? '');
      const elsewhere = `${new Date(at.getTime() + 5.5 * 3_600_000).toISOString().slice(0, -1)}+05:30`;
      expect(await filtered(`meta.created eq "${elsewhere}"`)).toBe('bob');
      expect(await filtered(`meta.created gt "${elsewhere}"`)).toBe('Cleo dan');
      expect(await filtered(`meta.created le "${elsewhere}"`)).toBe('Ann bob');
    },
  );

  test(proves('an id compares with case', '7644-3.4.2.2-32', '7643-3.1-07'), async () => {
    expect(await filtered(`id eq "${ids.Ann}"`)).toBe('Ann');
    expect(await filtered(`id eq "${ids.Ann?.toUpperCase()}"`)).toBe('');
  });

  test(proves('groups are found by their members', '7644-3.4.2.2-35'), async () => {
    expect(await filtered(`members.value eq "${ids.bob}"`, '/Groups')).toBe('Plant');
    expect(await filtered(`members[value eq "${ids.Ann}"]`, '/Groups')).toBe('Plant');
    expect(await filtered(`members.value eq "${ids.dan}"`, '/Groups')).toBe('');
  });

  test.each<[string, string]>([
    [rows('7644-3.4.2.2-12'), 'active gt true'],
    [rows('7644-3.4.2.2-12'), 'emails.primary le false'],
    [rows('7644-3.4.2.2-12'), 'x509Certificates.value gt "a"'],
    [rows('7644-3.4.2.2-28'), 'userName regex "a"'],
    [rows('7644-3.4.2.2-29'), 'userName eq'],
    [rows('7644-3.4.2.2-29'), 'userName'],
    [rows('7644-3.4.2.2-29'), ''],
    [rows('7644-3.4.2.2-29'), '(userName eq "a"'],
    [rows('7644-3.4.2.2-29'), 'userName eq "a" and'],
    [rows('7644-3.4.2.2-29'), 'userName eq a'],
    [rows('7644-3.4.2.2-29'), "userName eq 'a'"],
    [rows('7644-3.4.2.2-29'), 'userName eq "a" xor title pr'],
    [rows('7644-3.4.2.2-29'), 'emails[type eq "work"'],
    [rows('7644-3.4.2.2-29', '7643-2.1-03'), '1name eq "a"'],
    [rows('7644-3.4.2.2-36'), 'shoeSize eq 4'],
    [rows('7644-3.4.2.2-36'), 'members.value eq "x"'],
  ])(proves('%s %s is 400 invalidFilter', '7644-3.12-14', '7644-3.12-05'), async (_rows, filter) => {
    const { status, body } = await ask(`filter=${encodeURIComponent(filter)}`);
    expect(status).toBe(400);
    expect(body).toEqual({
      schemas: [ERROR],
      status: '400',
      scimType: 'invalidFilter',
      detail: expect.stringMatching(/./),
    });
  });

  test(proves('an operator that is not known is named in the refusal', '7644-3.4.2.2-28'), async () => {
    expect((await ask('filter=userName regex "a"')).body.detail).toMatch(/regex/);
  });
});

describe('lists (RFC 7644 §3.4.2)', () => {
  test(
    proves(
      'a list says what it is, how many match, and shows each resource as it is read alone',
      '7644-3.1-02',
      '7644-3.4-01',
      '7644-3.4.2-01',
      '7644-3.4.2-02',
      '7644-3.4.2-03',
      '7644-3.4.2-07',
      '7644-3.4.2-09',
      '7644-3.4.2.2-01',
      '7643-5-09',
      '7643-3.1-12',
    ),
    async () => {
      for (const endpoint of ['/Users', '/Groups']) {
        const { status, body } = await ask('', endpoint);
        expect([status, body.schemas]).toEqual([200, [LIST]]);
        expect(body.totalResults).toBe(endpoint === '/Users' ? 4 : 2);
        for (const resource of body.Resources) {
          expect(resource.meta.resourceType).toBe(endpoint === '/Users' ? 'User' : 'Group');
          expect(resource).toEqual((await world.call('get', `${endpoint}/${resource.id}`)).body);
        }
      }
    },
  );

  test(proves('nothing found is a success with an empty list', '7644-3.4.2-06'), async () => {
    const { status, body } = await ask('filter=userName eq "nobody"');
    expect([status, body]).toMatchObject([200, { schemas: [LIST], totalResults: 0, Resources: [] }]);
  });

  test(
    proves('parameters that nobody knows are ignored, and names are taken in any case', '7644-3.4.2-10'),
    async () => {
      expect(names(await ask('aadOptscim062020&foo=bar&FILTER=userName eq "ann"'))).toBe('Ann');
    },
  );
});

describe('order (RFC 7644 §3.4.2.3)', () => {
  test.each<[string, string, string]>([
    [rows('7644-3.4.2.3-02', '7644-3.4.2.3-03', '7644-3.4.2.3-07'), 'sortBy=userName', 'Ann bob Cleo dan'],
    [rows('7644-3.4.2.3-04'), 'sortBy=userName&sortOrder=descending', 'dan Cleo bob Ann'],
    [rows('7644-3.4.2.3-04'), 'sortBy=userName&sortOrder=ascending', 'Ann bob Cleo dan'],
    [rows('7644-3.4.2.3-02'), `sortBy=${USER}:USERNAME`, 'Ann bob Cleo dan'],
    [rows('7644-3.4.2.3-05', '7644-3.4.2.3-08'), 'sortBy=name.familyName', 'bob Ann dan Cleo'],
    [rows('7644-3.4.2.3-05', '7644-3.4.2.3-09'), 'sortBy=name.familyName&sortOrder=descending', 'Cleo dan Ann bob'],
    [rows('7644-3.4.2.3-06'), 'sortBy=emails&count=2', 'Ann bob'],
    [rows('7644-3.4.2.3-07'), 'sortBy=nickName&count=2', 'bob Ann'],
    [rows('7644-3.4.2.3-07'), 'sortBy=externalId&count=2', 'Ann bob'],
    [rows('7644-3.4.2.3-10'), 'sortBy=meta.created&sortOrder=descending', 'dan Cleo bob Ann'],
  ])(proves('%s %s → %s', '7644-3.4.2.3-01', '7643-5-12'), async (_rows, query, expected) =>
    expect(names(await ask(query))).toBe(expected),
  );

  test(proves('an unknown order is refused', '7644-3.4.2.3-04'), async () => {
    expect((await ask('sortBy=userName&sortOrder=up')).body).toMatchObject({ status: '400', scimType: 'invalidValue' });
  });
});

describe('pages (RFC 7644 §3.4.2.4)', () => {
  test.each<[string, string, [number, number, number]]>([
    [rows('7644-3.4.2.4-01', '7644-3.4.2.4-07'), '', [4, 1, 4]],
    [rows('7644-3.4.2.4-01', '7644-3.4.2-04', '7644-3.4.2-05'), 'startIndex=2&count=2', [4, 2, 2]],
    [rows('7644-3.4.2.4-02'), 'startIndex=0&count=2', [4, 1, 2]],
    [rows('7644-3.4.2.4-02'), 'startIndex=-3&count=2', [4, 1, 2]],
    [rows('7644-3.4.2.4-03', '7644-3.4.2.4-06'), 'count=3', [4, 1, 3]],
    [rows('7644-3.4.2.4-04'), 'count=-2', [4, 1, 0]],
    [rows('7644-3.4.2.4-05'), 'count=0', [4, 1, 0]],
    [rows('7644-3.4.2.4-08', '7644-3.4.2.4-09'), 'startIndex=4&count=10', [4, 4, 1]],
    [rows('7644-3.4.2.4-11'), 'startIndex=50', [4, 50, 0]],
    [rows('7644-3.4.2.4-03'), 'filter=title pr&count=1', [3, 1, 1]],
  ])('%s %s → total, startIndex, itemsPerPage %j', async (_rows, query, expected) => {
    const { body } = await ask(query);
    expect([body.totalResults, body.startIndex, body.itemsPerPage]).toEqual(expected);
    expect(body.Resources ?? []).toHaveLength(body.itemsPerPage);
  });

  test(proves('pages one after another hold everything once', '7644-3.4.2.4-10', '7644-3.4.2.4-09'), async () => {
    for (const more of ['', '&sortBy=title', '&filter=active eq true']) {
      const seen: string[] = [];
      let total = 1;
      for (let start = 1; start <= total; start += 2) {
        const { body } = await ask(`startIndex=${start}&count=2${more}`);
        total = body.totalResults;
        seen.push(...body.Resources.map(({ id }: { id: string }) => id));
      }
      expect([seen.length, new Set(seen).size]).toEqual([total, total]);
    }
  });

  test(proves('a number that is none is refused', '7644-3.4.2.4-12'), async () => {
    for (const query of ['startIndex=x', 'count=many', 'count=1.5'])
      expect((await ask(query)).body).toMatchObject({ status: '400' });
  });

  test(proves('no answer holds more than filter.maxResults', '7643-5-10', '7644-3.4.2.4-07'), async () => {
    const { maxResults } = (await world.call('get', '/ServiceProviderConfig')).body.filter;
    const crowd = await openWorld();
    for (let i = 0; i <= maxResults; i++) await crowd.group();
    const { body } = await crowd.call('get', `/Groups?count=${maxResults + 1}&excludedAttributes=members`);
    expect([body.totalResults, body.Resources.length]).toEqual([maxResults + 1, maxResults]);
  });
});
