/** What follows when a handler has thrown: pure rules. */
import { AppError } from '../errors.ts';
import { cut } from '../lib/text.ts';
import type { Retry } from './jobs.ts';

/**
 * How long a job rests after its failed attempt number `attempt` (from 1): `firstMs` doubled with each attempt up to
 * `capMs`, of which the upper half is at random, so that what failed together does not come back together.
 * `random` is a number from 0 up to 1.
 */
export function backoffMs(attempt: number, { firstMs, capMs }: Retry, random: number): number {
  const full = Math.min(capMs, firstMs * 2 ** Math.max(0, attempt - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

export type Verdict =
  /** Try again after this time; `counts` where it used up an attempt. */
  | { readonly next: 'retry'; readonly afterMs: number; readonly counts: boolean }
  /** Give up until somebody replays it. */
  | { readonly next: 'park' };

/**
 * - `unavailable` (the store or the process, not the job, is at fault): again for as long as it takes, as after a first
 *   attempt but never beyond five seconds or so, and without using up an attempt;
 * - `stale` (another change came between) and errors that are no AppError: again with backoff until the last attempt;
 * - any other refusal is the answer of a rule and would be the same again: parked at once.
 */
export function decideRetry(error: unknown, attempt: number, retry: Retry, random: number): Verdict {
  if (error instanceof AppError && error.kind === 'unavailable') {
    const steady = { ...retry, capMs: Math.min(retry.capMs, 5_000) };
    return { next: 'retry', afterMs: backoffMs(4, steady, random), counts: false };
  }
  const mayPass = !(error instanceof AppError) || error.kind === 'stale';
  if (!mayPass || attempt >= retry.attempts) return { next: 'park' };
  return { next: 'retry', afterMs: backoffMs(attempt, retry, random), counts: true };
}

const longestText = 2_000;

/** The error as it stands on a parked row: name or code, message, and the causes below it; no stack. */
export function errorText(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at !== undefined && parts.length < 4; at = at instanceof Error ? at.cause : undefined) {
    parts.push(at instanceof AppError ? `${at.code}: ${at.message}` : String(at));
  }
  return cut(parts.join(' ← ').replaceAll('\0', ''), longestText);
}
