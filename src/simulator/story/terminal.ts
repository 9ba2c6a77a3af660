/** The stage in a terminal: 80 columns, colours on a terminal that has them, plain lines elsewhere. */
import { chop, displayWidth, pad, shorten, wrap } from './layout.ts';
import type { Progress, Stage, Tally } from './stage.ts';

const width = 78;

type Paint = (text: string) => string;

export interface Terminal extends Stage {
  readonly tally: Tally;
  line(text?: string): void;
  readonly bold: Paint;
  readonly dim: Paint;
}

/** `stream` decides by itself whether it has colours: none in a pipe, none where NO_COLOR is set. */
export function openTerminal(stream: NodeJS.WriteStream): Terminal {
  const live = stream.isTTY === true;
  const coloured = live && stream.hasColors();
  const paint =
    (code: number): Paint =>
    (text) =>
      coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
  const [bold, dim, red, green, yellow, cyan] = [1, 2, 31, 32, 33, 36].map(paint) as [
    Paint,
    Paint,
    Paint,
    Paint,
    Paint,
    Paint,
  ];
  const line = (text = ''): void => {
    stream.write(`${text}\n`);
  };
  const lines = (text: string, indent: string, style: Paint): void => {
    for (const part of wrap(text, width - indent.length)) line(indent + style(part));
  };
  const word = (allowed: boolean): string => (allowed ? green('yes') : red('no'));
  const failed: string[] = [];
  let met = 0;
  let chapters = 0;

  return {
    line,
    bold,
    dim,
    get tally() {
      return { met, failed };
    },
    chapter(title) {
      chapters += 1;
      const heading = `${chapters}. ${title} `;
      line();
      line(bold(cyan(heading)) + dim('─'.repeat(Math.max(3, width - displayWidth(heading)))));
    },
    tell(text) {
      lines(text, '', (part) => part);
    },
    wire(from, text, body) {
      line(`   ${yellow(pad(from, 6))} ${dim(shorten(text, width - 10))}`);
      if (body !== undefined) for (const part of chop(body, width - 12).slice(0, 3)) line(`            ${dim(part)}`);
    },
    quote(text) {
      for (const part of wrap(text, width - 9)) line(`   ${red('│')} ${part}`);
    },
    change(what, before, after, note) {
      const tail = note === undefined ? '' : dim(`  ${note}`);
      line(`     ${what}  ${word(before)} → ${word(after)}${tail}`);
    },
    expect(promise, ok, found) {
      if (ok) met += 1;
      else failed.push(promise);
      const [first = '', ...rest] = wrap(promise, width - 5);
      line(`   ${ok ? green('✓') : red('✗')} ${first}`);
      for (const part of rest) line(`     ${part}`);
      if (!ok && found !== undefined) lines(`found: ${found}`, '     ', red);
    },
    progress: (label) =>
      live ? bar(stream, label, { dim, green }) : { update() {}, done: (result) => line(`   ${label}  ${result}`) },
    table(head, rows) {
      const widths = head.map((title, column) =>
        Math.max(displayWidth(title), ...rows.map((row) => displayWidth(row[column] ?? ''))),
      );
      const spare = width - 3 - 2 * (head.length - 1);
      const last = widths.length - 1;
      widths[last] = Math.min(widths[last] ?? 0, spare - widths.slice(0, last).reduce((sum, each) => sum + each, 0));
      const draw = (row: readonly string[]) =>
        `   ${row.map((cell, column) => pad(shorten(cell, widths[column] ?? 0), widths[column] ?? 0)).join('  ')}`.trimEnd();
      line(bold(draw(head)));
      line(dim(`   ${widths.map((each) => '─'.repeat(each)).join('  ')}`));
      for (const row of rows) {
        const [first = '', ...rest] = wrap(row[last] ?? '', widths[last] ?? 0);
        line(draw([...row.slice(0, last), first]));
        for (const part of rest) line(draw([...row.slice(0, last).map(() => ''), part]));
      }
    },
  };
}

function bar(stream: NodeJS.WriteStream, label: string, { dim, green }: { dim: Paint; green: Paint }): Progress {
  const cells = 24;
  let drawn = -1;
  return {
    update(done, total) {
      const filled = Math.floor((done / total) * cells);
      if (filled === drawn && done !== total) return;
      drawn = filled;
      stream.write(`\r   ${label}  ${green('█'.repeat(filled))}${dim('░'.repeat(cells - filled))}  ${done}/${total}`);
    },
    done: (result) => {
      stream.write(`\r\u001b[K   ${label}  ${result}\n`);
    },
  };
}
