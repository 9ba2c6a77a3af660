/** How tests name the rows of the list that they prove: in their titles, so that a run's own report says what was proven. */
import { requirements } from './requirements.ts';

const known = new Set(requirements.map(({ id }) => id));

/** `[7644-3.3-04 7644-3.3-06]`, for the title of one row of a table. Throws where the list has no such row. */
export function rows(...ids: string[]): string {
  const unknown = ids.filter((id) => !known.has(id));
  if (ids.length === 0 || unknown.length > 0)
    throw new Error(`The list has no row ${unknown.join(', ') || '(none named)'}`);
  return `[${ids.join(' ')}]`;
}

/** The title of a test that proves these rows. Throws where the list has no such row. */
export const proves = (title: string, ...ids: string[]): string => `${title} ${rows(...ids)}`;
