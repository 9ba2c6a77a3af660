/** A browser without a screen: keeps cookies, follows redirects, fills in the one form of a page. For people of the simulator. */

export interface Visit {
  readonly status: number;
  readonly url: string;
  readonly text: string;
}

export interface SimulatedBrowser {
  /**
   * Opens an address and goes on, through redirects and pages with a form, until there is nothing to go on by. Where a page
   * offers people by buttons, the one called `who` is pressed. Throws where the way is longer than any sign-in's.
   */
  go(address: string, who: string): Promise<Visit>;
  /** Opens a page as it is, with the cookies that there are. */
  look(address: string): Promise<Visit>;
}

const HOPS = 20;

const decode = (text: string): string =>
  text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');

/** The form that goes on from here, filled in; undefined where the page is an end. */
function formOf(
  page: string,
  base: string,
  who: string,
): { readonly url: string; readonly body: URLSearchParams } | undefined {
  const form = /<form method="post" action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(page);
  if (!form) return undefined;
  const [, action = '', inside = ''] = form;
  const fields = [...inside.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  const body = new URLSearchParams(fields.map(([, name = '', value = '']) => [decode(name), decode(value)]));
  const people = [...inside.matchAll(/<button name="person" value="([^"]*)">([^<]*)<\/button>/g)];
  const person = people.find(([, , name = '']) => decode(name) === who);
  if (person) body.set('person', decode(person[1] ?? ''));
  else if (people.length > 0 || !body.has('SAMLResponse')) return undefined;
  return { url: new URL(decode(action), base).href, body };
}

export function openSimulatedBrowser(): SimulatedBrowser {
  const jars = new Map<string, Map<string, string>>();

  async function ask(url: string, body?: URLSearchParams): Promise<Response> {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie },
      ...(body && { body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return response;
  }

  async function follow(address: string, who: string | undefined): Promise<Visit> {
    let url = address;
    let response = await ask(url);
    for (let hop = 0; hop < HOPS; hop += 1) {
      const location = response.headers.get('location');
      if (location !== null) {
        url = new URL(location, url).href;
        response = await ask(url);
        continue;
      }
      const text = await response.text();
      const form = who === undefined ? undefined : formOf(text, url, who);
      if (!form) return { status: response.status, url, text };
      url = form.url;
      response = await ask(url, form.body);
    }
    throw new Error(`the way from ${address} never ends`);
  }

  return { go: follow, look: (address) => follow(address, undefined) };
}
