/**
 * The form in which texts that compare without case are stored and looked up (`emailKey`, `userNameKey`,
 * `displayNameKey`): Unicode NFC, lower case. Blanks are kept: "a b" and "a  b" are two names.
 */
export function caseKey(text: string): string {
  return text.normalize('NFC').toLowerCase();
}
