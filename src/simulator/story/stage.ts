/** Where a story is told: a terminal for the demo, a list for the tests. */

export interface Progress {
  update(done: number, total: number): void;
  /** Ends the line with what came of it. */
  done(result: string): void;
}

export interface Stage {
  chapter(title: string): void;
  /** A paragraph in plain words. */
  tell(text: string): void;
  /** A request that goes over the wire, with the part of its body that matters. */
  wire(from: string, line: string, body?: string): void;
  /** An answer to show as it came: an error of the protocol. */
  quote(text: string): void;
  /** A permission before and after. */
  change(what: string, before: boolean, after: boolean, note?: string): void;
  /** An expectation of the story, checked over HTTP: `found` says what was there instead. */
  expect(promise: string, met: boolean, found?: string): void;
  progress(label: string): Progress;
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
}

/** What came of a story. */
export interface Tally {
  readonly met: number;
  readonly failed: readonly string[];
}
