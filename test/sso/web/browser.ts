/** A browser of the tests: keeps cookies, follows nothing by itself, fills in and submits the forms of pages; whatever page refuses it is one that refusals show. */
import type { Response } from 'supertest';
import { type TestGatehouse, testBaseUrl } from '../../support/gatehouse.ts';
import { verifyRefusalPage } from '../refusalPage.ts';

export interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface Browser {
  readonly cookies: Map<string, string>;
  /** A page by its path, or by an address of ours. */
  open(address: string): Promise<Response>;
  /** Sends the form of a page, with these fields added or changed, and what the browser says of itself. */
  submit(
    page: Response,
    fields?: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
  /** Sends a form to a path. */
  post(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
}

const decode = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

/** The first form of a page, or the one that leads to `action`. */
export function formOf(page: Response, action?: string): Form {
  const forms = [...page.text.matchAll(/<form method="post" action="([^"]*)"[^>]*>(.*?)<\/form>/gs)];
  const found = forms.find((form) => action === undefined || form[1] === action);
  if (!found) throw new Error(`the page has no such form: ${page.status} ${page.text}`);
  const inputs = [...(found[2] ?? '').matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  return {
    action: decode(found[1] ?? ''),
    fields: Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, decode(value)])),
  };
}

export function openBrowser({ request }: TestGatehouse): Browser {
  const cookies = new Map<string, string>();
  const header = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const pathOf = (address: string) => address.replace(testBaseUrl, '') || '/';

  function keep(response: Response): Response {
    verifyRefusalPage(response);
    const lines: unknown = response.headers['set-cookie'];
    for (const line of Array.isArray(lines) ? lines.map(String) : []) {
      const [pair = '', ...attributes] = line.split('; ');
      const at = pair.indexOf('=');
      const name = pair.slice(0, at);
      if (attributes.includes('Max-Age=0')) cookies.delete(name);
      else cookies.set(name, pair.slice(at + 1));
    }
    return response;
  }

  const post: Browser['post'] = async (path, fields, headers = {}) =>
    keep(
      await request
        .post(path)
        .redirects(0)
        .set({ Cookie: header(), Origin: testBaseUrl, ...headers })
        .type('form')
        .send({ ...fields }),
    );
  return {
    cookies,
    open: async (address) => keep(await request.get(pathOf(address)).redirects(0).set('Cookie', header())),
    submit(page, fields = {}, headers = {}) {
      const form = formOf(page);
      return post(form.action, { ...form.fields, ...fields }, headers);
    },
    post,
  };
}
