/** Slugs: how an organization is named in addresses. */

const form = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether `text` is a slug: 1 to 63 lower-case letters, digits and inner hyphens. */
export const isSlug = (text: string): boolean => form.test(text);

/** A slug from a name: accents dropped, everything else that a slug cannot hold becomes a hyphen. */
export function deriveSlug(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'organization' : slug;
}

const batch = 50;
const batches = 40;

/** `base`, `base-2`, `base-3`, … in batches, to be asked for one batch at a time. */
export function* slugCandidates(base: string): Generator<readonly string[]> {
  for (let start = 1; start <= batch * batches; start += batch) {
    yield Array.from({ length: batch }, (_, i) => (start + i === 1 ? base : `${base}-${start + i}`));
  }
}
