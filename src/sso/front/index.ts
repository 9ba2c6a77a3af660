/** The front door: the pages at which people sign in and out, and what becomes of their forms. No script is needed. */
import { type NextFunction, type Request, type Response, Router } from 'express';
import { AppError, type ErrorKind, hasCode } from '../../errors.ts';
import { scriptPath, stylePath } from '../pages/frame.ts';
import { lettersPage } from '../pages/letters.ts';
import { refusalPage } from '../pages/refusal.ts';
import { script, style } from '../pages/style.ts';
import type { Refusals } from '../refusals.ts';
import { endOtherSession, showAccount, showSignOut, takeSignOut } from './account.ts';
import { sendPage } from './answer.ts';
import type { FrontDeps } from './browser.ts';
import { showAsk, takeAsk } from './confirm.ts';
import { showInvitation, takeInvitation } from './invitation.ts';
import { showLink, takeLinkForm } from './link.ts';
import { showSignIn, takeSignIn } from './signIn.ts';

export type { FrontDeps } from './browser.ts';

type Handler = (deps: FrontDeps, request: Request, response: Response) => Promise<void>;

const routes: Readonly<Record<string, { readonly get?: Handler; readonly post?: Handler }>> = {
  '/sign-in': { get: showSignIn, post: takeSignIn },
  '/sign-in/confirm': { get: showAsk, post: takeAsk },
  '/sign-in/link': { get: showLink, post: takeLinkForm },
  '/sign-in/invitation': { get: showInvitation, post: takeInvitation },
  '/signed-in': { get: showAccount },
  '/signed-in/sessions': { post: endOtherSession },
  '/sign-out': { get: showSignOut, post: takeSignOut },
};

/** The router of the pages, to be mounted at the root. What goes wrong in it is answered with a page. */
export function openFront(deps: FrontDeps, refusals: Refusals): Router {
  const router = Router();
  for (const [path, { get, post }] of Object.entries(routes)) {
    const place = router.route(path);
    if (get) place.get((request: Request, response: Response) => get(deps, request, response));
    if (post) place.post((request: Request, response: Response) => post(deps, request, response));
    place.all((_request: Request, response: Response) => {
      response.setHeader('Allow', [...(get ? ['GET', 'HEAD'] : []), ...(post ? ['POST'] : [])].join(', '));
      throw new AppError('method_not_allowed', 'This page cannot be asked for in that way.');
    });
    place.all(answerRefusals(refusals));
  }
  const { letters } = deps;
  if (letters) router.get('/dev/mail', (_request, response) => sendPage(response, lettersPage(letters)));
  router.get(stylePath, (_request, response) => sendStatic(response, 'text/css', style));
  router.get(scriptPath, (_request, response) => sendStatic(response, 'text/javascript', script));
  return router;
}

function sendStatic(response: Response, type: string, text: string): void {
  response.setHeader('Content-Type', `${type}; charset=utf-8`);
  response.setHeader('Cache-Control', 'public, max-age=300');
  response.end(text);
}

const statuses: Readonly<Partial<Record<ErrorKind, number>>> = {
  invalid: 400,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_media: 415,
  rate_limited: 429,
};

const titles: Readonly<Partial<Record<ErrorKind, string>>> = {
  rate_limited: 'Too many attempts',
  not_found: 'There is nothing here',
};

/** What Express's parser of forms found wrong: an error with a status of its own, in words for whoever sees the page. */
function formFault(error: unknown): AppError | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  switch (error.status) {
    case 413:
      return new AppError('body_too_large', 'What was sent is larger than anything that belongs here.');
    case 415:
      return new AppError('unsupported_content_type', 'What was sent is no form in UTF-8.');
    case 400:
      return new AppError('invalid_request', 'What was sent cannot be read.');
    default:
      return undefined;
  }
}

/** A refusal as a page, with the id of the request as its reference, which log and audit have too; anything else is for the app to answer and to log. */
export function answerRefusals(refusals: Refusals) {
  return async (given: unknown, _request: Request, response: Response, next: NextFunction): Promise<void> => {
    const error = given instanceof AppError ? given : formFault(given);
    const status = error && statuses[error.kind];
    if (error === undefined || status === undefined || response.headersSent) return next(given);
    await refusals.tell(response, error);
    if (hasCode(error, 'rate_limited')) response.setHeader('Retry-After', String(error.details?.retryAfter ?? 60));
    sendPage(
      response,
      refusalPage({
        status,
        title: titles[error.kind] ?? 'That did not work',
        message: error.message,
        reference: String(response.locals.requestId),
      }),
    );
  };
}
