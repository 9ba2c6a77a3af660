/** `/sign-in/confirm`: asks for the letter by which a person confirms that they are whom an organization names. */
import type { Request, Response } from 'express';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { Sealer } from '../../lib/secrets.ts';
import { askToConfirm, type Question } from '../confirmations.ts';
import { askedPage, askPage } from '../pages/confirm.ts';
import { sendPage } from './answer.ts';
import { causeIn, type FrontDeps, makeFormToken, readForm } from './browser.ts';

/** So long after the sign-in the page may still be used. */
const askLifeMs = 30 * 60_000;

const sealedAsk = z.strictObject({
  ask: z.literal(1),
  organizationId: z.string(),
  about: z.enum(['identity', 'directory_user']),
  id: z.string(),
  /** As claimed: what letters are counted by. */
  email: z.string().optional(),
  until: z.number(),
});

interface Asked {
  readonly organizationId: string;
  readonly question: Question;
  readonly email?: string | undefined;
}

/** The address that asks for the letter, for the page of a sign-in that has just ended in this question, and for nobody else. */
export function askAddress(
  { sealer, clock, baseUrl }: Pick<FrontDeps, 'sealer' | 'clock' | 'baseUrl'>,
  { organizationId, question, email }: Asked,
): string {
  const until = clock.now().getTime() + askLifeMs;
  const ask = sealer.seal(JSON.stringify({ ask: 1, organizationId, ...question, email, until }));
  return `${baseUrl}/sign-in/confirm?ask=${encodeURIComponent(ask)}`;
}

function openAsk(text: unknown, sealer: Sealer, now: Date): Asked {
  try {
    const { organizationId, about, id, email, until } = sealedAsk.parse(JSON.parse(sealer.open(String(text))));
    if (now.getTime() < until) return { organizationId, question: { about, id }, email };
  } catch {
    // Told below: nothing of what was sent is worth a word.
  }
  throw new AppError('sign_in_expired', 'This page is too old. Sign in again through your organization.');
}

export async function showAsk(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  const { ask } = request.query;
  openAsk(ask, deps.sealer, deps.clock.now());
  sendPage(response, askPage(makeFormToken(request, response, deps), String(ask)));
}

/** The answer is the same whatever the account has, and whether a letter leaves. */
export async function takeAsk(deps: FrontDeps, request: Request, response: Response): Promise<void> {
  deps.limits.admit(request.ip);
  const form = await readForm(request, response, deps);
  const { organizationId, question, email } = openAsk(form.ask, deps.sealer, deps.clock.now());
  if (deps.limits.mayMail(email ?? question.id)) {
    const cause = causeIn(response, 'system');
    await deps.store.transaction(cause, (tx) => askToConfirm(tx, organizationId, question, deps.baseUrl));
  }
  sendPage(response, askedPage);
}
