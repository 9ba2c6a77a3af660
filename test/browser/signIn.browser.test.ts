/** Sign-in in a real Chromium, over https and between two sites: with and without scripts, and for everybody (SSO-2, OWN-5). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';
import { type BrowserWorld, openBrowserWorld } from './world.ts';

let world: BrowserWorld;
let connectionId: string;

beforeAll(async () => {
  world = await openBrowserWorld();
  connectionId = await world.connect('redirect', 'Acme Okta');
}, 120_000);
afterAll(() => world?.close());

async function withPage<T>(scripts: boolean, work: (page: Page, context: BrowserContext) => Promise<T>): Promise<T> {
  const context = await world.browser.newContext({ javaScriptEnabled: scripts, ignoreHTTPSErrors: true });
  try {
    return await work(await context.newPage(), context);
  } finally {
    await context.close();
  }
}

/** What axe finds against WCAG 2.2 AA. */
async function faultsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const run = `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })`;
  const { violations } = await page.evaluate<{
    violations: readonly { id: string; nodes: readonly { html: string }[] }[];
  }>(run);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const continueWith = async (page: Page, email: string): Promise<void> => {
  await page.goto(`${world.url}/sign-in`);
  await page.getByLabel('Email address').fill(email);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
};

describe.each([
  ['with scripts', true],
  ['without scripts', false],
])('%s', (_title, scripts) => {
  test('an address leads to the IdP of its domain and back to an account that is signed in (SSO-2, SSO-3)', async () => {
    await withPage(scripts, async (page, context) => {
      await continueWith(page, 'ann@acme.test');
      await page.waitForURL(/localhost/);
      await page.getByRole('button', { name: 'Sign in as Ann' }).click();
      await page.waitForURL(/signed-in/);
      expect(await page.locator('main').textContent()).toContain('Acme');
      const cookies = await context.cookies(world.url);
      expect(cookies.find(({ name }) => name === '__Host-gatehouse')).toMatchObject({
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
      });
    });
  });

  test('an IdP that wants its requests posted gets them, by itself or by a button', async () => {
    const post = await world.connect('post', 'Acme by POST');
    await withPage(scripts, async (page) => {
      await page.goto(`${world.url}/sso/start?connection=${post}`);
      if (!scripts) await page.getByRole('button', { name: 'Continue' }).click();
      await page.waitForURL(/localhost/);
      await page.getByRole('button', { name: 'Sign in as Ann' }).click();
      await page.waitForURL(/signed-in/);
    });
    const path = `/api/v1/organizations/${world.organizationId}/connections/${post}`;
    await world.ask(200, 'patch', path, { status: 'disabled' });
  });

  test('an answer that is refused ends on a page with a reference and without the reason (OPS-1)', async () => {
    world.idp.honest = false;
    try {
      await withPage(scripts, async (page) => {
        await page.goto(`${world.url}/sso/start?connection=${connectionId}`);
        await page.getByRole('button', { name: 'Sign in as Ann' }).click();
        const text = await page.locator('main').textContent();
        expect(text).toMatch(/[0-9A-Z]{5}-[0-9A-Z]{5}/);
        expect(text).not.toMatch(/audience/i);
        expect(new URL(page.url()).origin).toBe(world.url);
      });
    } finally {
      world.idp.honest = true;
    }
  });

  test('the Owner signs in by a mailed link, whatever the IdP does (OWN-5)', async () => {
    await withPage(scripts, async (page) => {
      await page.goto(`${world.url}/sign-in`);
      await page.getByLabel('Email address').fill('olivia@acme.test');
      const before = world.mailbox.to('olivia@acme.test').length;
      await page.getByRole('button', { name: 'Email me a sign-in link' }).click();
      expect(await page.locator('main').textContent()).toContain('olivia@acme.test');
      const letters = await world.mailbox.waitFor('olivia@acme.test', before + 1);
      const link = letters.map((letter) => letter.link).findLast((one) => one !== undefined) ?? '';
      await page.goto(link);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(/signed-in/);
    });
  });
});

test.each([
  ['with scripts, on pages for everybody', true],
  ['without scripts', false],
])(
  'somebody outside of the verified domains says from their mailbox who they are, and comes in, %s (SSO-6)',
  async (_title, scripts) => {
    const email = `pat.${scripts}@elsewhere.test`;
    await world.ask(201, 'post', '/api/v1/accounts', { email });
    world.idp.email = email;
    try {
      await withPage(scripts, async (page) => {
        const look = async (title: string) => {
          await page.getByRole('heading', { level: 1, name: title }).waitFor();
          if (scripts) expect([title, ...(await faultsOf(page))]).toEqual([title]);
        };
        const signIn = () => page.getByRole('button', { name: 'Sign in as Ann' }).click();
        await page.goto(`${world.url}/sso/start?connection=${connectionId}`);
        await signIn();
        await look('You cannot be signed in');
        await page.getByRole('link', { name: 'Confirm by email that it is you' }).click();
        await look('Confirm that it is you');
        await page.getByRole('button', { name: 'Send me the link' }).click();
        await look('Check your mail');
        const [letter] = await world.mailbox.waitFor(email);
        await page.goto(letter?.link ?? '');
        await look('Is this you?');
        expect(await page.locator('main').textContent()).toMatch(/Acme[\s\S]*https:\/\/idp.test/);
        await page.getByRole('button', { name: 'Yes, this is me' }).click();
        await look('Connected');
        await page.getByRole('link', { name: 'Sign in' }).click();
        await signIn();
        await page.waitForURL(/signed-in/);
      });
    } finally {
      world.idp.email = undefined;
    }
  },
);

test('every page of sign-in can be used by everybody (WCAG 2.2 AA by axe)', async () => {
  await withPage(true, async (page) => {
    const found: Record<string, readonly string[]> = {};
    const look = async (what: string, title: string) => {
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(title);
      const faults = await faultsOf(page);
      if (faults.length > 0) found[what] = faults;
    };
    await page.goto(`${world.url}/sign-in`);
    await look('sign-in', 'Sign in');
    expect(await page.evaluate(`document.documentElement.lang`)).toBe('en');
    await page.goto(`${world.url}/sign-in?organization=acme`);
    await look('sign-in to an organization', 'Sign in to Acme');
    await page.goto(`${world.url}/sso/start?connection=con-unknown`);
    await look('refusal', 'There is nothing here');
    await page.goto(`${world.url}/sign-in`);
    await page.evaluate(`document.querySelector('form').noValidate = true`);
    await page.getByLabel('Email address').fill('no address');
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    expect(await page.getByRole('alert').count()).toBe(1);
    await look('sign-in with a fault', 'Sign in');
    await page.goto(`${world.url}/sign-in`);
    await page.getByLabel('Email address').fill('someone@nowhere.test');
    await page.getByRole('button', { name: 'Email me a sign-in link' }).click();
    await look('check your mail', 'Check your mail');
    const [letter] = await world.mailbox.waitFor('someone@nowhere.test');
    await page.goto(letter?.link ?? '');
    await look('mailed link', 'Make an account');
    await page.goto(`${world.url}/sso/start?connection=${connectionId}`);
    await page.getByRole('button', { name: 'Sign in as Ann' }).click();
    await page.waitForURL(/signed-in/);
    await look('signed in', 'You are signed in');
    await page.goto(`${world.url}/sign-out`);
    await look('sign-out', 'Sign out');
    await page.getByRole('button').first().click();
    await look('signed out', 'You are signed out');
    expect(found).toEqual({});
  });
}, 60_000);

test('so can every page between here and the IdP, and of sign-ins and tests that fail (WCAG 2.2 AA by axe)', async () => {
  const post = await world.connect('post', 'Acme by POST, too');
  const home = `/api/v1/organizations/${world.organizationId}/connections`;
  const tryOut = async () =>
    ((await world.ask(201, 'post', `${home}/${connectionId}/test`)) as { url?: string }).url ?? '';
  try {
    await withPage(true, async (page) => {
      const signIn = () => page.getByRole('button', { name: 'Sign in as Ann' }).click();
      const look = async (title: string) => {
        await page.getByRole('heading', { level: 1, name: title }).waitFor();
        expect([title, ...(await faultsOf(page))]).toEqual([title]);
      };
      await page.goto(`${world.url}/sso/start?organization=acme`);
      await look('Choose how to sign in');
      await page.route('**/sign-in/go-on.js', (route) => route.abort());
      await page.goto(`${world.url}/sso/start?connection=${post}`);
      await look('Going on to your organization');
      await page.goto(await tryOut());
      await signIn();
      await look('The connection works');
      world.idp.honest = false;
      await page.goto(await tryOut());
      await signIn();
      await look('The test has failed');
      await page.goto(`${world.url}/sso/start?connection=${connectionId}`);
      await signIn();
      await look('Sign-in failed');
    });
  } finally {
    world.idp.honest = true;
    await world.ask(200, 'patch', `${home}/${post}`, { status: 'disabled' });
  }
}, 60_000);

test('sign-in is done by keyboard alone, and the page with a fault is read from its beginning', async () => {
  await withPage(true, async (page) => {
    await page.goto(`${world.url}/sign-in`);
    await page.keyboard.press('Tab');
    const focused = () => page.evaluate<string>(`document.activeElement?.id ?? ''`);
    for (let i = 0; i < 5 && (await focused()) !== 'email'; i++) await page.keyboard.press('Tab');
    await page.keyboard.type('ann@acme.test');
    await page.keyboard.press('Enter');
    await page.waitForURL(/localhost/);
  });
});

test('no page may be framed by another site', async () => {
  await withPage(true, async (page) => {
    await page.goto(`${world.url}/docs`);
    await page.setContent(`<iframe src="${world.url}/sign-in"></iframe>`);
    await page.waitForFunction('window.frames.length === 1');
    const [, frame] = page.frames();
    await frame?.waitForLoadState().catch(() => {});
    expect(frame?.url()).toMatch(/^chrome-error:/);
  });
});
