/**
 * The one way by which a push takes access away: suspensions, departures, and grants lost with a group. The
 * mass-removal guard (SCIM-6) decides here; every caller obeys both of its answers.
 */

/** How much pushes may take away within a window. An absent share sets no limit. */
export interface RemovalPolicy {
  /** Above 0, at most 1: the share of the organization's people, or of its mapped grants. */
  readonly greatestShare?: number;
}

/** No organization has set a limit: what an IdP takes away is taken away at once (MEM-5). */
export const unlimited: RemovalPolicy = {};

export interface RemovalTally {
  /** What this push would take away, and what the window has seen taken away before it. */
  readonly removing: number;
  readonly removedBefore: number;
  /** How many there were when the window began. */
  readonly population: number;
}

export type RemovalDecision = { readonly kind: 'apply' } | { readonly kind: 'hold'; readonly share: number };

/** Whether a removal is applied or held for an Admin (SCIM-6). `tally` is asked only where a limit is set. */
export function decideRemoval(policy: RemovalPolicy, tally: () => RemovalTally): RemovalDecision {
  if (policy.greatestShare === undefined) return { kind: 'apply' };
  const { removing, removedBefore, population } = tally();
  const share = population === 0 ? 0 : (removing + removedBefore) / population;
  return share > policy.greatestShare ? { kind: 'hold', share } : { kind: 'apply' };
}
