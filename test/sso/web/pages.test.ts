/** The pages: what their answers say to browsers, what they never repeat, and where nobody is ever led (OPS-1). */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { renderPage } from '../../../src/sso/pages/frame.ts';
import { departurePage } from '../../../src/sso/pages/signIn.ts';
import { buildWorld, expectStatus, type World } from '../../http/world.ts';
import { openTestGatehouse, type TestGatehouse, testBaseUrl } from '../../support/gatehouse.ts';
import { type Browser, formOf, openBrowser } from './browser.ts';
import { openConnection, openSessionOf } from './people.ts';

let gatehouse: TestGatehouse;
let acme: World;
let connectionId: string;

const evilName = `Okta "><script>alert('x')</script>`;

beforeAll(async () => {
  gatehouse = await openTestGatehouse({
    rehearse: false,
    env: { GATEHOUSE_RETURN_ORIGINS: 'https://console.test' },
  });
  acme = await buildWorld(gatehouse, 'acme');
  const home = `/api/v1/organizations/${acme.organizationId}`;
  await expectStatus(200, gatehouse.operator('post', `${home}/domains/${acme.domain}/verify`).send({ force: true }));
  for (const name of [evilName, 'Entra']) {
    connectionId = (await openConnection(gatehouse, acme.organizationId, { name }))._id;
  }
});

async function signedIn(): Promise<Browser> {
  const browser = openBrowser(gatehouse);
  const { token } = await openSessionOf(gatehouse, acme.member.accountId);
  browser.cookies.set('gatehouse-session', token);
  return browser;
}

async function submitted(fields: Readonly<Record<string, string>>, query = ''): Promise<Response> {
  const browser = openBrowser(gatehouse);
  return browser.submit(await browser.open(`/sign-in${query}`), fields);
}

const pages: readonly (readonly [string, number, () => Promise<Response>])[] = [
  ['the first page', 200, () => openBrowser(gatehouse).open('/sign-in')],
  ['the first page of an organization', 200, () => openBrowser(gatehouse).open('/sign-in?organization=acme')],
  ['an address that is none', 400, () => submitted({ email: '"><b>x', action: 'continue' })],
  ['check your mail', 200, () => submitted({ email: 'ann@home.test', action: 'link' })],
  ['on to the organization', 200, () => submitted({ email: 'ann@acme.example', action: 'continue' })],
  ['a choice of connections', 200, () => openBrowser(gatehouse).open('/sso/start?organization=acme')],
  ['a link that is none', 400, () => openBrowser(gatehouse).open('/sign-in/link?token=<script>')],
  ['a form of nobody', 403, () => openBrowser(gatehouse).post('/sign-in', { email: 'ann@home.test' })],
  ['an unknown connection', 404, () => openBrowser(gatehouse).open('/sso/start?connection=con-x')],
  ['a link that says nothing', 400, () => openBrowser(gatehouse).open('/sso/start')],
  ['the account', 200, async () => (await signedIn()).open('/signed-in')],
  ['signing out', 200, async () => (await signedIn()).open('/sign-out')],
  ['another method', 405, () => gatehouse.request.put('/sign-in').then((answer) => answer)],
];

describe.each(pages)('%s', (_title, status, open) => {
  let page: Response;
  beforeAll(async () => {
    page = await open();
  });

  test('is framed by nobody, kept by nobody, and runs nothing (clickjacking)', () => {
    expect(page.status).toBe(status);
    const { headers } = page;
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['referrer-policy']).toBe('same-origin');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
  });

  test('is a document that assistive technology can read', () => {
    const { text } = page;
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text).toMatch(/<title>[^<]+<\/title>/);
    expect(text.match(/<h1>/g)).toHaveLength(1);
    expect(text.match(/<main>/g)).toHaveLength(1);
    expect(text.match(/<header>/g)).toHaveLength(1);
    for (const [, id] of text.matchAll(/<input (?!type="hidden")[^>]* id="([^"]*)"/g)) {
      expect(text).toContain(`<label for="${id}">`);
    }
    for (const [, ids = ''] of text.matchAll(/aria-describedby="([^"]*)"/g)) {
      for (const id of ids.split(' ')) expect(text).toContain(`id="${id}"`);
    }
    expect(text.match(/<input (?!type="hidden")/g) ?? []).toHaveLength(text.match(/<label /g)?.length ?? 0);
  });

  test('holds no script, no style and no handler of its own, and nothing that was put into it as markup', () => {
    expect(page.text).not.toMatch(/<script|<style|\son\w+=|\sstyle=|javascript:|<b>x/i);
  });
});

test('names of connections and addresses that were typed are shown as text (XSS)', async () => {
  const choice = await openBrowser(gatehouse).open('/sso/start?organization=acme');
  expect(choice.text).toContain('Okta &quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;');
  const again = await submitted({ email: `"onfocus="alert(1)`, action: 'link' });
  expect(again.text).toContain('value="&quot;onfocus=&quot;alert(1)"');
  const given = await openBrowser(gatehouse).open(`/sign-in?email=${encodeURIComponent('"><img src=x>')}`);
  expect(given.text).toContain('value="&quot;&gt;&lt;img src=x&gt;"');
});

test('the page that posts to an IdP allows that alone, and presses its own button only where scripts run', () => {
  const fields = { SAMLRequest: 'PHNhbWw+', RelayState: '"><script>' };
  const page = departurePage({ kind: 'post', url: 'https://idp.test/sso?a=1&b=2', fields });
  const text = renderPage(page);
  expect(page.formAction).toEqual(['https:']);
  expect(text).toContain('<form method="post" action="https://idp.test/sso?a=1&amp;b=2" data-go-on>');
  expect(text).toContain('<button type="submit">Continue</button>');
  expect(text).toContain('<script src="/sign-in/go-on.js" defer></script>');
  expect(text).not.toContain('"><script>');
  expect(departurePage({ kind: 'post', url: 'http://localhost:9000/sso', fields }).formAction).toEqual([
    'http://localhost:9000',
  ]);
});

test('style and script come from here', async () => {
  const style = await gatehouse.request.get('/sign-in/style.css');
  expect([style.status, style.headers['content-type']]).toEqual([200, 'text/css; charset=utf-8']);
  const script = await gatehouse.request.get('/sign-in/go-on.js');
  expect([script.status, script.headers['content-type']]).toEqual([200, 'text/javascript; charset=utf-8']);
});

describe('where nobody is led (open redirect)', () => {
  const evil = [
    'https://evil.test/',
    '//evil.test/',
    '/\\evil.test/',
    '/.//evil.test/',
    '/%2fevil.test/',
    'https://gatehouse.test@evil.test/',
    'https://console.test.evil.test/',
    'javascript:alert(1)',
    'http://gatehouse.test.evil.test/',
  ];

  test.each(evil)('%s is refused by every page that takes return_to', async (place) => {
    const query = `return_to=${encodeURIComponent(place)}`;
    const browser = openBrowser(gatehouse);
    const first = await browser.open('/sign-in');
    const answers = [
      await browser.open(`/sign-in?${query}`),
      await browser.open(`/sign-in?organization=acme&${query}`),
      await browser.open(`/sso/start?connection=${connectionId}&${query}`),
      await browser.open(`/sso/start?organization=acme&${query}`),
      await browser.open(`/sso/start?email=ann@acme.example&${query}`),
      await browser.open(`/sso/start?email=ann@nowhere.test&${query}`),
      await browser.submit(first, { email: 'ann@acme.example', action: 'continue', return_to: place }),
      await browser.submit(first, { email: 'ann@home.test', action: 'link', return_to: place }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(answer.headers.location).toBeUndefined();
      expect(answer.text).not.toContain('evil.test');
    }
  });

  test('a place that is allowed goes along all the way', async () => {
    const query = `return_to=${encodeURIComponent('https://console.test/a?b=1')}`;
    const onward = await submitted({ email: 'ann@acme.example', action: 'continue' }, `?${query}`);
    const address = `${testBaseUrl}/sso/start?email=ann%40acme.example&amp;return_to=https%3A%2F%2Fconsole.test%2Fa%3Fb%3D1`;
    expect(onward.text).toContain(`<meta http-equiv="refresh" content="0; url=${address}">`);
    expect(onward.text).toContain(`href="${address}"`);
    const choice = await openBrowser(gatehouse).open(`/sso/start?organization=acme&${query}`);
    expect(choice.text).toContain('return_to=https%3A%2F%2Fconsole.test%2Fa%3Fb%3D1');
  });

  test('Host and X-Forwarded-Host decide nothing', async () => {
    const asked = gatehouse.request.get('/sso/start?email=ann@nowhere.test').redirects(0);
    const answer = await asked.set({ Host: 'evil.test', 'X-Forwarded-Host': 'evil.test' });
    expect(answer.headers.location).toMatch(new RegExp(`^${testBaseUrl}/sign-in`));
    const page = await gatehouse.request.get('/sign-in?organization=acme').set('Host', 'evil.test');
    expect(page.text).not.toContain('evil.test');
  });
});

describe('who asks learns nothing of who is there', () => {
  const start = (query: string) => gatehouse.request.get(`/sso/start?${query}`).redirects(0);

  test('addresses of domains without a connection all lead to the same page', async () => {
    const bare = await buildWorld(gatehouse, 'bare');
    const path = `/api/v1/organizations/${bare.organizationId}/domains/${bare.domain}/verify`;
    await expectStatus(200, gatehouse.operator('post', path).send({ force: true }));
    for (const email of [bare.member.email, 'nobody@bare.example', 'ann@nowhere.test', 'ann@gmail.test', 'nonsense']) {
      const answer = await start(`email=${encodeURIComponent(email)}`);
      const expected = new URL(`${testBaseUrl}/sign-in`);
      expected.searchParams.set('email', email);
      expect([answer.status, answer.headers.location]).toEqual([303, expected.href]);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  test('addresses of a domain with connections all get the same choice, whether they exist or not', async () => {
    const texts = await Promise.all(
      [acme.member.email, 'nobody@acme.example'].map(async (email) =>
        (await start(`email=${email}`)).text.replaceAll(encodeURIComponent(email), 'X'),
      ),
    );
    expect(texts[0]).toContain('Choose how to sign in');
    expect(new Set(texts).size).toBe(1);
  });

  test('an organization without a connection looks like one that does not exist', async () => {
    const show = async (slug: string) => {
      const page = await openBrowser(gatehouse).open(`/sign-in?organization=${slug}`);
      return page.text.replace(/name="form_token" value="[^"]*"/, '');
    };
    expect(await show('bare')).toBe(await show('no-such-organization'));
  });

  test('a form that is sent too often is refused with 429, and says when to come back', async () => {
    const crowded = await openTestGatehouse();
    const browser = openBrowser(crowded);
    const { action, fields } = formOf(await browser.open('/sign-in'));
    let answer: Response | undefined;
    for (let time = 0; time < 200 && answer?.status !== 429; time += 1) {
      answer = await browser.post(action, { ...fields, email: 'nonsense' });
    }
    expect(answer?.status).toBe(429);
    expect(Number(answer?.headers['retry-after'])).toBeGreaterThan(0);
    // others are not held up
    expect((await browser.open('/sign-in')).status).toBe(200);
  });
});

describe('signing out', () => {
  test('asks first, then ends the session and the cookie (SSO-7)', async () => {
    const browser = await signedIn();
    const token = browser.cookies.get('gatehouse-session') ?? '';
    expect((await gatehouse.bearer(token, 'get', '/api/v1/me')).status).toBe(200);
    const page = await browser.open('/sign-out');
    expect((await gatehouse.bearer(token, 'get', '/api/v1/me')).status).toBe(200);
    const done = await browser.submit(page);
    expect([done.status, done.text.includes('You are signed out')]).toEqual([200, true]);
    expect(browser.cookies.has('gatehouse-session')).toBe(false);
    expect((await gatehouse.bearer(token, 'get', '/api/v1/me')).status).toBe(401);
  });

  test('cannot be done to somebody by another site', async () => {
    const browser = await signedIn();
    const page = await browser.open('/sign-out');
    const { fields } = formOf(page);
    expect((await browser.post('/sign-out', {})).status).toBe(403);
    expect((await browser.post('/sign-out', fields, { Origin: 'https://evil.test' })).status).toBe(403);
    expect((await browser.open('/signed-in')).status).toBe(200);
  });

  test('a token of one session’s page is none of another’s', async () => {
    const browser = await signedIn();
    const { fields } = formOf(await browser.open('/sign-out'));
    const { token } = await openSessionOf(gatehouse, acme.admin.accountId);
    browser.cookies.set('gatehouse-session', token);
    expect((await browser.post('/sign-out', fields)).status).toBe(403);
  });

  test('the account page ends other sessions of the person, and nobody else’s', async () => {
    const browser = await signedIn();
    const other = await openSessionOf(gatehouse, acme.member.accountId);
    const foreign = await openSessionOf(gatehouse, acme.admin.accountId);
    const page = await browser.open('/signed-in');
    const { fields } = formOf(page, '/signed-in/sessions');
    const ended = await browser.post('/signed-in/sessions', { ...fields, session: other.id });
    expect([ended.status, ended.headers.location]).toEqual([303, `${testBaseUrl}/signed-in`]);
    expect((await gatehouse.bearer(other.token, 'get', '/api/v1/me')).status).toBe(401);
    expect((await browser.post('/signed-in/sessions', { ...fields, session: foreign.id })).status).toBe(404);
    expect((await gatehouse.bearer(foreign.token, 'get', '/api/v1/me')).status).toBe(200);
  });

  test('who is not signed in is asked to sign in', async () => {
    const answer = await openBrowser(gatehouse).open('/signed-in');
    expect([answer.status, answer.headers.location]).toEqual([303, `${testBaseUrl}/sign-in`]);
  });
});

test('letters are shown by a development server that was opened so, and by no other', async () => {
  expect((await gatehouse.request.get('/dev/mail')).status).toBe(404);
  const dev = await openTestGatehouse({ showMail: true });
  const browser = openBrowser(dev);
  await browser.submit(await browser.open('/sign-in'), { email: 'ann@home.test', action: 'link' });
  await dev.queue?.idle();
  const page = await browser.open('/dev/mail');
  const link = /href="([^"]*token=[0-9a-f]{64})"/.exec(page.text)?.[1] ?? '';
  expect((await browser.submit(await browser.open(link))).status).toBe(303);
});
