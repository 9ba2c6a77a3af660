/** The story's people sign in: by SAML at Okta, by OpenID Connect at Entra ID, and each IdP's directory has the last word. */
import { z } from 'zod';
import { openSimulatedBrowser } from '../browser.ts';
import type { Idp } from '../idp.ts';
import { connectOidcIdp } from '../oidc/connect.ts';
import { openOidcIdp } from '../oidc/idp.ts';
import { connectSamlIdp } from '../saml/connect.ts';
import { makeSamlKey } from '../saml/key.ts';
import { openSamlIdpServer } from '../saml/server.ts';
import { samlVendors } from '../saml/vendors.ts';
import { idOf } from './beginning.ts';
import { alice, cast, chen, emil, mainDomain, olivia, type Scene } from './scene.ts';

/** Somebody whom Okta lets in, but whom it never pushed. */
const gil = cast('Gil', 'Moreau', mainDomain, 'Contractor');

const account = z.looseObject({ id: z.string() });
const record = z.looseObject({ outcome: z.string(), code: z.string(), detail: z.string() });

/** IdPs that let people in, for as long as the story's reader wants to try. */
export interface SignInPages {
  /** Where people begin, by IdP. */
  readonly links: readonly { readonly title: string; readonly url: string }[];
  close(): Promise<void>;
}

/** The people of a directory as the sign-in page of the same IdP knows them. */
const peopleOf = (idp: Idp, also: readonly (typeof gil)[] = []) => [
  ...idp.people.map(({ id, profile }) => ({ id, profile })).slice(0, 12),
  ...also.map((profile) => ({ id: profile.userName, profile })),
];

const shown = ({ id, profile }: ReturnType<typeof peopleOf>[number]) => ({
  id,
  email: profile.email,
  givenName: profile.givenName,
  familyName: profile.familyName,
  groups: [],
});

/** Opens the sign-in pages of both IdPs and connects them, each with the directory that it pushes. */
async function openPages({ platform, tenant, okta, entra, endpoints }: Scene) {
  const saml = await openSamlIdpServer({
    vendor: samlVendors.okta,
    keys: [await makeSamlKey('Okta of the demo')],
    people: peopleOf(okta, [gil]).map(shown),
    port: 0,
  });
  const oidc = await openOidcIdp({ vendor: 'entra', people: peopleOf(entra).map(shown) });
  const close = async () => void (await Promise.all([saml.close(), oidc.close()]));
  try {
    const byOkta = await connectSamlIdp(platform, tenant.id, saml, { directoryId: endpoints.okta.directoryId });
    const byEntra = await connectOidcIdp(platform, tenant.id, oidc, { directoryId: endpoints.entra.directoryId });
    const start = (id: string) => `${platform.baseUrl}/sso/start?connection=${id}`;
    return { okta: start(byOkta), entra: start(byEntra), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Signs people in, and shows who is let in and who is not. Answers where to try it. */
export async function signPeopleIn(scene: Scene): Promise<SignInPages> {
  const { stage, platform, tenant, okta, entra } = scene;
  stage.chapter('People sign in: SAML at Okta, OpenID Connect at Entra ID');
  stage.tell(
    'Each connection names the directory of its IdP: whoever is not in it, or not active there, stays outside.',
  );
  const pages = await openPages(scene);
  const signIn = async (link: string, who: string) => {
    const browser = openSimulatedBrowser();
    const end = await browser.go(link, who);
    const me = await browser.look(`${platform.baseUrl}/api/v1/me`);
    return { browser, end, accountId: me.status === 200 ? account.parse(JSON.parse(me.text)).id : undefined };
  };
  const comesIn = async (how: string, link: string, { displayName, email }: typeof alice) => {
    const { end, accountId } = await signIn(link, displayName);
    const member = await tenant.memberOf(email);
    const same = accountId !== undefined && member?.accountId === accountId;
    stage.expect(
      `${displayName} comes in ${how}, as the member whom the push had made (SSO-4, SSO-6)`,
      same,
      `${end.status} ${end.url} ${accountId} ${member?.accountId}`,
    );
  };
  await comesIn('by SAML', pages.okta, alice);
  await comesIn('by SAML', pages.okta, chen);
  await comesIn('by SAML, as the Owner', pages.okta, olivia);
  await comesIn('by OpenID Connect', pages.entra, emil);
  const dora = entra.people.find(({ profile }) => profile.displayName === 'Dora Holm');
  if (dora) await comesIn('by OpenID Connect under her new name', pages.entra, dora.profile);

  const refused = async (promise: string, who: string, code: string) => {
    const { end, accountId } = await signIn(pages.okta, who);
    const reference = /[0-9A-Z]{5}-[0-9A-Z]{5}/.exec(end.text)?.[0];
    const path = `/api/v1/organizations/${tenant.id}/sign-ins/${reference}`;
    const found = reference === undefined ? undefined : await platform.call(record, 'GET', path);
    if (found) stage.quote(`${reference}: ${found.detail}`);
    stage.expect(promise, accountId === undefined && found?.code === code, `${end.status} ${found?.code}`);
  };
  await refused('Gil, whom Okta lets in but never pushed, stays outside (SSO-4)', gil.displayName, 'not_in_directory');

  const { browser, accountId } = await signIn(pages.okta, chen.displayName);
  await okta.deactivate(idOf(okta, chen));
  const after = await browser.look(`${platform.baseUrl}/api/v1/me`);
  stage.expect(
    'Okta deactivates Chen: his session is dead in the very response (MEM-5)',
    after.status === 401,
    `${after.status}`,
  );
  await refused('Nor does he come in again', chen.displayName, 'deactivated_in_directory');
  await okta.reactivate(idOf(okta, chen));
  const again = await signIn(pages.okta, chen.displayName);
  stage.expect('Reactivated, he is who he was', again.accountId !== undefined && again.accountId === accountId);

  return {
    links: [
      { title: 'by SAML at Okta', url: pages.okta },
      { title: 'by OpenID Connect at Entra ID', url: pages.entra },
      { title: 'by your address', url: `${platform.baseUrl}/sign-in` },
    ],
    close: pages.close,
  };
}
