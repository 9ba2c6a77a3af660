/**
 * What meets every request first. What IdPs and services of the platform ask all day is answered here, on Node's own request
 * and response: Express, which is behind for all the rest, costs more than such an answer does (docs/decisions/0030).
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { parse } from 'node:querystring';
import type { Express } from 'express';
import type { Scim } from '../scim/index.ts';
import type { AnswerExact } from './mount.ts';
import { type Answering, nameRoute, type observeRequests, requestIdOf } from './observe.ts';

export interface FrontOptions {
  readonly app: Express;
  readonly observe: ReturnType<typeof observeRequests>;
  /** Of every answer. */
  readonly headers: Map<string, string>;
  readonly exact: ReadonlyMap<string, AnswerExact>;
  readonly scim: Scim['door'];
  /** Answers with an error; false where another answer has begun. */
  answerError(error: unknown, response: Answering): boolean;
}

/** The listener for all requests. An address that it cannot read as it stands is Express's to read. */
export function openFront({ app, observe, headers, exact, scim, answerError }: FrontOptions): RequestListener {
  const addressOf = addressReader(app);

  function answerExactly(message: IncomingMessage, response: Answering): boolean {
    const { url = '', method = '' } = message;
    const mark = url.indexOf('?');
    const found = exact.get(`${method} ${mark < 0 ? url : url.slice(0, mark)}`);
    if (found === undefined || url.includes('#')) return false;
    const told = {
      headers: message.headers,
      params: {},
      query: mark < 0 ? {} : parse(url.slice(mark + 1)),
      get ip() {
        return addressOf(message);
      },
    };
    follow(found(message, response, told), response);
    return true;
  }

  function answerScim(message: IncomingMessage, response: Answering, address: () => string | undefined): boolean {
    const requestId = requestIdOf(response);
    const answered = scim(message, response, { requestId, address, nameRoute: (name) => nameRoute(response, name) });
    if (answered) follow(answered, response);
    return answered !== undefined;
  }

  function follow(answered: Promise<void>, response: Answering): void {
    answered.catch((error: unknown) => {
      if (!answerError(error, response)) response.destroy();
    });
  }

  return (message: IncomingMessage, plain: ServerResponse): void => {
    const response = begin(plain);
    const address = () => addressOf(message);
    observe(message, response, address);
    response.setHeaders(headers);
    const found = message.url?.startsWith('/scim/')
      ? answerScim(message, response, address)
      : answerExactly(message, response);
    if (!found) app(message, response);
  };
}

const begin = (response: ServerResponse): Answering => Object.assign(response, { locals: {} });

/** From which address a request comes, as Express tells it by its setting of trusted proxies. */
function addressReader(app: Express) {
  return (message: IncomingMessage): string | undefined => {
    const { headers, socket } = message;
    // nobody but a proxy says so, and without one it is whoever is on the line
    if (headers['x-forwarded-for'] === undefined) return socket.remoteAddress;
    return Reflect.get(app.request, 'ip', { app, headers, socket });
  };
}
