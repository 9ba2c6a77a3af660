/** Schemas that several routes share. What goes out is strict: a field that no schema names is a fault in tests. */
import { z } from 'zod';
import { isEmailAddress } from '../../access/index.ts';
import type { Page } from '../../store/index.ts';

/** An id as it may stand in a path; anything else names nothing. */
const pathId = z.string().regex(/^[a-z]{3}-[0-9a-z]{26}$/);

export const inOrganization = z.object({ org: pathId });
export const inProject = z.object({ project: pathId });
export const idIn = <const N extends string>(name: N) => ({ [name]: pathId }) as { readonly [K in N]: typeof pathId };

export const id = z.string().max(64);

const mostSeconds = 30;

/** The parameter of a route that answers later where there is nothing yet. `what`: what is waited for, and when. */
export const waitFor = (what: string) =>
  z.coerce
    .number()
    .int()
    .min(0)
    .max(mostSeconds)
    .default(0)
    .meta({ description: `seconds to wait for ${what}, up to ${mostSeconds}` });

export const time = z.iso.datetime();
/** `admin` or `member`, in any case. */
export const roleInput = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['admin', 'member']))
  .meta({ description: '`admin` or `member`, in any case', examples: ['member'] });
export const role = z.enum(['admin', 'member']);
export const nameInput = z.string().trim().min(1).max(200);
export const emailInput = z
  .string()
  .max(254)
  .refine(isEmailAddress, 'must be an email address, such as jane@acme.example')
  .meta({ format: 'email' });

/** From where a request came (AUD-1). */
export const origin = z
  .strictObject({ address: z.string().optional(), userAgent: z.string().optional() })
  .meta({ id: 'Origin', description: 'the address as trusted proxies tell it, and what the client calls itself' });

/** Lists are read in pages. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50).meta({ description: 'at most so many items, up to 200' }),
  cursor: z.string().min(1).max(1000).optional().meta({ description: '`nextCursor` of the page before' }),
});

/** Of lists that are made whole: they are read whole, or in pages by who asks for them. */
export const wholeOrPageQuery = z.strictObject({
  limit: pageQuery.shape.limit
    .unwrap()
    .optional()
    .meta({ description: 'at most so many items, up to 200; all where absent' }),
  cursor: z
    .string()
    .regex(/^[a-z]{3}-[0-9a-z]{26}(\.[a-z]{3}-[0-9a-z]{26})?$/, 'must be the `nextCursor` of the page before')
    .optional()
    .meta({ description: '`nextCursor` of the page before' }),
});

/**
 * What such a query asks of a whole list, in the order of its keys: ids, or two of them with a dot between. It goes on behind the
 * key of the cursor, whether or not that item is still there.
 */
export function presentPart<T, V>(
  items: readonly T[],
  keyOf: (item: T) => string,
  { limit, cursor = '' }: z.output<typeof wholeOrPageQuery>,
  present: (item: T) => V,
) {
  const rest = items.filter((item) => keyOf(item) > cursor);
  const part = rest.slice(0, limit);
  const last = part.at(-1);
  return { items: part.map(present), ...(last && part.length < rest.length && { nextCursor: keyOf(last) }) };
}

export const listOf = <S extends z.ZodType>(item: S) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });

/** A page of rows as a list of what `present` makes of them. */
export function presentPage<R, V>({ items, nextCursor }: Page<R>, present: (row: R) => V) {
  return { items: items.map(present), ...(nextCursor !== undefined && { nextCursor }) };
}
