/** The messages around resources (RFC 7644 §3.4.2, RFC 9865 §2). */
import type { LongList } from './long.ts';

export const LIST_URN = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const SEARCH_URN = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

/** A page of a list. */
export interface ListPage {
  /** All that match, where the page is not everything. */
  readonly total: number;
  readonly count: number;
  readonly resources: readonly object[] | LongList;
  /** In pages by index. */
  readonly startIndex?: number;
  /** In pages by cursor, but the last. */
  readonly nextCursor?: string | undefined;
}

export const listPage = ({ total, count, resources, startIndex, nextCursor }: ListPage): object => ({
  schemas: [LIST_URN],
  totalResults: total,
  ...(startIndex !== undefined && { startIndex }),
  itemsPerPage: count,
  ...(nextCursor !== undefined && { nextCursor }),
  Resources: resources,
});

/** A list that is all there is. */
export const listResponse = (resources: readonly object[]): object =>
  listPage({ total: resources.length, count: resources.length, resources, startIndex: 1 });
