/** What all scenarios of a run share. */
import type { Answer, Client } from './client.ts';
import { type Figure, type Load, measure } from './measure.ts';
import type { World } from './world.ts';

export interface Bench {
  readonly world: World;
  /** To Gatehouse, and to the floors that flush every commit and that do not. */
  readonly client: Client;
  readonly full: Client;
  readonly normal: Client;
  readonly connections: number;
  readonly quick: boolean;
  /** How many people are pushed where it is measured how a directory grows. */
  readonly many: number;
  readonly roundMs: number;
  readonly rounds: number;
}

export const patchSchemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];

export const created = ({ status }: Answer) => status === 201;
export const ok = ({ status }: Answer) => status === 200 || status === 204;

/** The figures of these loads, in their order. */
export const figuresOf = ({ connections, roundMs, rounds }: Bench, loads: readonly Load[]): Promise<Figure[]> =>
  measure(loads, connections, roundMs, rounds);

/** The one at this place; a list that is too short is a fault of the bench. */
export function must<T>(list: readonly T[], at: number): T {
  const found = list[at];
  if (found === undefined) throw new Error(`the bench has nothing at ${at}`);
  return found;
}
