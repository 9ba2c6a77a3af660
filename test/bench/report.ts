/** The table that a run of the bench prints. */
import type { Figure } from './measure.ts';

export interface Line {
  readonly what: string;
  readonly figure: string;
  readonly floor: string;
  readonly ratio: string;
  /** CPU time of the server per call, and that of what stands beside it. */
  readonly cpu: string;
}

export const say = (text: string) => process.stdout.write(`${text}\n`);
export const perSecond = ({ rate }: Figure) => `${Math.round(rate)}/s`;

const microseconds = ({ cpu }: Figure) => (cpu === undefined ? '' : `${Math.round(cpu)} µs`);

/** A rate, alone or beside another one. */
export function rateLine(
  what: string,
  figure: Figure,
  beside?: { readonly figure: Figure; readonly what: string },
): Line {
  return {
    what,
    figure: perSecond(figure),
    floor: beside ? `${perSecond(beside.figure)} ${beside.what}` : '',
    ratio: beside ? (figure.rate / beside.figure.rate).toFixed(2) : '',
    cpu: [figure, ...(beside ? [beside.figure] : [])].map(microseconds).join(' / '),
  };
}

/** Something else than a rate. */
export const plainLine = (what: string, figure: string, floor = ''): Line => ({
  what,
  figure,
  floor,
  ratio: '',
  cpu: '',
});

/** A line as it is told at once, for whoever waits, and for a run that does not come to its table. */
export const brief = ({ what, figure, floor, ratio }: Line) =>
  `${what}: ${[figure, ...(ratio ? [`${ratio} of`] : []), ...(floor ? [floor] : [])].join(' ')}`;

export function print(lines: readonly Line[]): void {
  say('');
  say('| what | Gatehouse | beside it | ratio | CPU per call |');
  say('|---|---|---|---|---|');
  for (const { what, figure, floor, ratio, cpu } of lines)
    say(`| ${what} | ${figure} | ${floor} | ${ratio} | ${cpu} |`);
}
