import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { openTerminal } from '../../../src/simulator/story/index.ts';
import { displayWidth, shorten, wrap } from '../../../src/simulator/story/layout.ts';

/** A stage in memory; with `colours` it passes for a terminal that has them, or has none because NO_COLOR is set. */
function openScreen({ isTTY = false, colours = false } = {}) {
  const stream = new PassThrough();
  const written: string[] = [];
  stream.on('data', (bytes: Buffer) => written.push(bytes.toString()));
  const terminal = openTerminal(
    Object.assign(stream, { isTTY, hasColors: () => colours }) as unknown as NodeJS.WriteStream,
  );
  return { terminal, text: () => written.join('') };
}

function act(terminal: ReturnType<typeof openTerminal>): void {
  terminal.chapter('A chapter whose title says what it is about');
  terminal.tell('word '.repeat(60));
  terminal.wire('Okta', `PATCH /Groups/${'x'.repeat(90)}`, `[${'{"op":"add"},'.repeat(30)}]`);
  terminal.quote('403 '.repeat(40));
  terminal.change('Alice: cluster.create on production?', false, true, '12 ms after');
  terminal.expect('A promise that is long enough to be broken into two lines at the very least, and then some', true);
  terminal.expect('Another', false, 'something else');
  const progress = terminal.progress('People');
  progress.update(1, 2);
  progress.done('2 people');
  terminal.table(
    ['project', 'why'],
    [
      ['production', 'group gpu-production-admins + '.repeat(6)],
      ['佐藤', 'by hand'],
    ],
  );
}

describe('the stage in a terminal', () => {
  test('stays within 80 columns', () => {
    const { terminal, text } = openScreen();
    act(terminal);
    for (const line of text().split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  test.each([
    ['in a pipe', { isTTY: false, colours: true }],
    ['on a terminal with NO_COLOR', { isTTY: true, colours: false }],
  ])('has no colours %s', (_, screen) => {
    const { terminal, text } = openScreen(screen);
    act(terminal);
    const escapes = text().split('\u001b[').slice(1);
    expect(escapes.filter((rest) => /^\d+m/.test(rest))).toEqual([]);
  });

  test('has colours where the terminal has them', () => {
    const { terminal, text } = openScreen({ isTTY: true, colours: true });
    act(terminal);
    expect(text()).toContain('\u001b[32m✓\u001b[0m');
  });

  test('counts what was met and names what was not', () => {
    const { terminal, text } = openScreen();
    act(terminal);
    expect(terminal.tally).toEqual({ met: 1, failed: ['Another'] });
    expect(text()).toContain('found: something else');
  });
});

test.each([
  ['plain', 5],
  ['佐藤', 4],
  ['Nguye\u0302\u0303n', 6],
])('%s takes %d columns', (text, columns) => {
  expect(displayWidth(text)).toBe(columns);
});

test('text is shortened with an ellipsis, and wrapped at blanks', () => {
  expect(shorten('production', 6)).toBe('produ…');
  expect(shorten('佐藤健', 4)).toBe('佐…');
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
});
