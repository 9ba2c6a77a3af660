/**
 * The form in which texts that compare without case are stored and looked up (`emailKey`, `userNameKey`,
 * `displayNameKey`): Unicode NFC, lower case. Blanks are kept: "a b" and "a  b" are two names.
 */
export function caseKey(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** On one line, without control characters, marks of direction and halves of characters: each becomes a blank. */
export const printable = (text: string): string => text.replace(unprintable, ' ');

/** The beginning of a text, at most `limit` UTF-16 units; a character is never cut in half: no row takes such a half. */
export const cut = (text: string, limit: number): string =>
  text.length <= limit ? text : text.slice(0, limit).replace(/[\uD800-\uDBFF]$/, '');

/** The same with a mark where there was more, which counts among the `limit`. */
export const shortened = (text: string, limit: number): string =>
  text.length <= limit ? text : `${cut(text, limit - 1)}…`;

/**
 * What somebody sent, for an error message: printable, in quotation marks, cut to `limit` characters.
 *
 * @param limit as of `cut`
 */
export function quoted(text: string, limit = 100): string {
  const shown = printable(cut(text, limit));
  return JSON.stringify(text.length <= limit ? shown : `${shown}…`);
}
