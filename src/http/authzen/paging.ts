/** Pages of search results (AuthZEN 1.0, section 8.2): opaque tokens that go on after the last result of the page before. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../lib/canonicalJson.ts';
import { invalidRequest } from '../errors.ts';
import { properties } from './asking.ts';

/** So many results a page has where none says otherwise, and at most. */
const usualLimit = 200;
export const mostResults = 1000;

export const pageInput = z
  .object({
    token: z.string().max(2000).optional().meta({ description: '`next_token` of the page before' }),
    limit: z
      .int()
      .min(0)
      .optional()
      .meta({
        description: `at most so many results, up to ${mostResults}; ${usualLimit} where absent`,
      }),
    properties,
  })
  .optional();

type PageInput = z.output<typeof pageInput>;

export const pageOutput = z.strictObject({
  next_token: z.string().meta({ description: 'empty on the last page' }),
  count: z.int(),
});

/** Where a page begins, and how long it may be. */
export interface PagePlace {
  readonly after: string;
  readonly limit: number;
  /** Stands for the question, which stays the same from page to page. */
  readonly about: string;
}

const token = z.tuple([z.string(), z.int().min(0).max(mostResults), z.string()]);

/**
 * Where the page begins that is asked for. Throws invalid_request for a token that is none, and where the question, or the
 * limit, is not that of the page before.
 */
export function readPlace(page: PageInput, question: unknown): PagePlace {
  const about = createHash('sha256').update(canonicalJson(question)).digest('base64url').slice(0, 22);
  const limit = page?.limit === undefined ? undefined : Math.min(page.limit, mostResults);
  if (!page?.token) return { after: '', limit: limit ?? usualLimit, about };
  const read = token.safeParse(parseToken(page.token));
  if (!read.success) throw refuse('is not one that a search has answered');
  const [after, before, known] = read.data;
  if (known !== about) throw refuse('belongs to another question: repeat the one that it was answered to');
  if (limit !== undefined && limit !== before)
    throw refuse(`belongs to pages of ${before}: the limit must stay the same`);
  return { after, limit: before, about };
}

function parseToken(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

const refuse = (message: string) =>
  invalidRequest(`The body is not as this route takes it: page.token: ${message}`, [
    { in: 'body', field: 'page.token', message },
  ]);

/** The results of one page, from all that come after its place. */
export async function takePage(
  results: AsyncIterable<string> | Iterable<string>,
  { after, limit, about }: PagePlace,
): Promise<{ readonly names: readonly string[]; readonly page: z.output<typeof pageOutput> }> {
  const names: string[] = [];
  let more = false;
  for await (const name of results) {
    more = names.length === limit;
    if (more) break;
    names.push(name);
  }
  const place = [names.at(-1) ?? after, limit, about];
  const next_token = more ? Buffer.from(JSON.stringify(place)).toString('base64url') : '';
  return { names, page: { next_token, count: names.length } };
}
