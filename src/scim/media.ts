/** The media types of answers (RFC 7644 §3.8). */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import express, { type Request } from 'express';
import { AppError } from '../errors.ts';

export const SCIM_MEDIA = 'application/scim+json';

/** Clients name the charset in Accept too, where it means nothing. */
function takes(accept: string, media: string): boolean {
  const asked: Request = Object.create(express.request, { headers: { value: { accept } } });
  return asked.accepts([media, `${media}; charset=utf-8`]) !== false;
}

/** What clients have sent as Accept, and what was settled: there are few of them, and parsing one costs. */
const settled = new Map<string, string | undefined>();
const mostSettled = 500;

function settle(accept: string): string | undefined {
  const known = settled.get(accept);
  if (known !== undefined) return known;
  const media = [SCIM_MEDIA, 'application/json'].find((one) => takes(accept, one));
  if (settled.size < mostSettled) settled.set(accept, media);
  return media;
}

/**
 * Settles the type of the answer: SCIM's own wherever the client takes it, plain JSON where it takes only that.
 * Throws AppError not_acceptable where it takes neither.
 */
export function negotiate({ accept }: IncomingHttpHeaders, response: ServerResponse): void {
  const media = settle(accept || '*/*');
  if (media === undefined)
    throw new AppError('not_acceptable', `Answers are ${SCIM_MEDIA} or application/json: Accept takes neither`);
  response.setHeader('Content-Type', `${media}; charset=utf-8`);
}
