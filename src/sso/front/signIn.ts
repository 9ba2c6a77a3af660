/** `/sign-in`: an address leads to the organization's IdP, or to a letter with a link. */
import type { Request, Response } from 'express';
import { z } from 'zod';
import { askForLink, isEmailAddress } from '../../access/index.ts';
import { AppError } from '../../errors.ts';
import type { Connection } from '../../store/index.ts';
import { goOnPage, mailSentPage, signInPage, type Way } from '../pages/signIn.ts';
import { type ReturnOrigins, resolveReturnTo } from '../returnTo.ts';
import { findActiveConnections, findOrganization, findOrganizationOfAddress } from '../routing.ts';
import { sendPage } from './answer.ts';
import { causeIn, type FrontDeps, makeFormToken, markOf, readForm } from './browser.ts';

/** Of the address that is asked for; whatever else is in it means nothing. */
const query = z.object({
  organization: z.string().max(63).optional().catch(undefined),
  email: z.string().max(254).optional().catch(undefined),
  return_to: z.string().optional(),
  reauth: z.literal('1').optional().catch(undefined),
  /** Only the mailed link is offered: the person has to show that a mailbox is theirs. */
  by: z.literal('link').optional().catch(undefined),
});

/** A checked place to return to. Throws AppError invalid_request where it is given, but is none. */
export function placeOf(given: unknown, deps: ReturnOrigins): string | undefined {
  if (given === undefined || given === '') return undefined;
  const place = typeof given === 'string' ? resolveReturnTo(given, deps) : undefined;
  if (place !== undefined) return place;
  throw new AppError('invalid_request', 'The address to return to is none that this service leads to.');
}

type Parameters = Readonly<Record<string, string | undefined>>;

/** An address of ours with those of the parameters that there are. */
export function addressOf(baseUrl: string, path: '/sso/start' | '/sign-in', parameters: Parameters): string {
  const url = new URL(`${baseUrl}${path}`);
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** What a person may choose among. */
export const waysOf = (connections: readonly Connection[], baseUrl: string, parameters: Parameters): readonly Way[] =>
  connections.map(({ _id, name }) => ({
    name,
    url: addressOf(baseUrl, '/sso/start', { connection: _id, ...parameters }),
  }));

export async function showSignIn(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  const asked = query.parse(request.query);
  const returnTo = placeOf(asked.return_to, deps);
  const reads = deps.store.read;
  const byLink = asked.by === 'link';
  const organization =
    asked.organization === undefined || byLink ? undefined : await findOrganization(reads, asked.organization);
  const ways = organization
    ? waysOf(await findActiveConnections(reads, organization._id), deps.baseUrl, {
        return_to: returnTo,
        reauth: asked.reauth,
      })
    : [];
  sendPage(
    response,
    signInPage({
      formToken: makeFormToken(request, response, deps),
      email: asked.email,
      returnTo,
      reauth: asked.reauth,
      byLink,
      // one that has no connection looks like one that does not exist
      ...(organization && ways.length > 0 && { organization: { name: organization.name, ways } }),
    }),
  );
}

/**
 * Leads on to the IdP of the address's domain, or asks for a letter. Of the address itself nothing is looked up here: the
 * answer is the same, and takes the same time, whether anybody has it.
 */
export async function takeSignIn(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  deps.limits.admit(request.ip);
  const form = await readForm(request, response, deps);
  const returnTo = placeOf(form.return_to, deps);
  const reauth = form.reauth === '1' ? '1' : undefined;
  const email = (form.email ?? '').trim();
  if (!isEmailAddress(email)) {
    const fault = 'Enter an email address, such as name@example.com';
    const formToken = makeFormToken(request, response, deps);
    sendPage(response, signInPage({ formToken, email: email.slice(0, 254), returnTo, reauth, fault }));
    return;
  }
  const { store, baseUrl, limits } = deps;
  const organizationId = form.action === 'link' ? undefined : await findOrganizationOfAddress(store.read, email);
  if (organizationId !== undefined && (await findActiveConnections(store.read, organizationId)).length > 0) {
    sendPage(response, goOnPage(addressOf(baseUrl, '/sso/start', { email, reauth, return_to: returnTo })));
    return;
  }
  const whom = limits.whomToMail(email);
  if (whom !== 'nobody') {
    const browser = markOf(request, response, baseUrl);
    const cause = causeIn(response, 'system');
    await store.transaction(cause, (tx) =>
      askForLink(tx, { email, site: baseUrl, returnTo, browser, ownersOnly: whom === 'owners' }),
    );
  }
  sendPage(response, mailSentPage(email));
}
