/** What the acts check, each by asking over HTTP. */
import type { Resource } from '../platform.ts';
import type { Scene } from './scene.ts';

/** Expects an answer of the permission check. */
export async function expectMay(
  { stage, platform }: Scene,
  promise: string,
  email: string,
  permission: string,
  resource: Resource,
  expected: boolean,
): Promise<void> {
  const { decision, context } = await platform.may(email, permission, resource);
  stage.expect(promise, decision === expected, `${decision ? 'allowed' : 'denied'}: ${context.reason.message}`);
}

export interface Watched {
  readonly who: string;
  readonly email: string;
  readonly permission: string;
  readonly place: string;
  readonly resource: Resource;
  /** What the check must answer after the change. */
  readonly expected: boolean;
}

/**
 * Does something at the IdP and shows how each watched permission changes by it; expects every one to be as announced
 * within a second of the SCIM response (MAP-5), or with `inResponse` in the very response (MEM-5).
 */
export async function watch(
  scene: Scene,
  promise: string,
  watched: readonly Watched[],
  act: () => Promise<unknown>,
  { inResponse = false } = {},
): Promise<void> {
  const { stage, platform, timings, promptMs } = scene;
  const before = await Promise.all(watched.map((one) => platform.may(one.email, one.permission, one.resource)));
  scene.showWire(true);
  await act();
  scene.showWire(false);
  const settled = await Promise.all(
    watched.map((one) => platform.settle(one.email, one.permission, one.resource, one.expected, inResponse ? 0 : 5000)),
  );
  const faults: string[] = [];
  for (const [index, one] of watched.entries()) {
    const was = before[index]?.decision ?? false;
    const ms = settled[index];
    if (ms === undefined || ms > promptMs)
      faults.push(`${one.who}: ${one.permission} ${ms === undefined ? 'never came' : `took ${Math.round(ms)} ms`}`);
    else if (was !== one.expected && !inResponse) timings.push(ms);
    const { decision } = await platform.may(one.email, one.permission, one.resource);
    const note =
      ms === undefined || was === one.expected
        ? undefined
        : inResponse
          ? 'in the response'
          : `${ms.toFixed(0)} ms after`;
    stage.change(`${one.who}: ${one.permission} on ${one.place}?`, was, decision, note);
  }
  stage.expect(promise, faults.length === 0, faults.join('; '));
}
