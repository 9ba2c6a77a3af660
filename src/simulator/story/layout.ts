/** Text in columns: how wide it stands in a terminal, cut, filled and broken to fit. */

/** Letters that take two columns (East Asian wide), and marks that take none. */
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const mark = /\p{Mn}/u;

const widthOf = (letter: string): number => (mark.test(letter) ? 0 : wide.test(letter) ? 2 : 1);

/** The columns that `text` takes. */
export function displayWidth(text: string): number {
  let columns = 0;
  for (const letter of text) columns += widthOf(letter);
  return columns;
}

/** `text` if it takes at most `columns`, else its beginning and an ellipsis. */
export function shorten(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let used = 1;
  for (const letter of text) {
    used += widthOf(letter);
    if (used > columns) break;
    kept += letter;
  }
  return `${kept}…`;
}

/** `text` and blanks up to `columns`. */
export const pad = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - displayWidth(text)));

/** `text` in lines of at most `columns`, broken at blanks; a longer word keeps its line. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (line !== '' && displayWidth(longer) > columns) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    lines.push(line);
  }
  return lines;
}

/** `text` in pieces of at most `columns` letters, wherever that breaks it: for what has no blanks. */
export function chop(text: string, columns: number): readonly string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; start += columns) pieces.push(text.slice(start, start + columns));
  return pieces;
}
