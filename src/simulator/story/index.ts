/** The demo's story: two IdPs push two hundred people through joins, moves, leaves and renames, every promise checked. */
/** It talks to Gatehouse over HTTP only, so that it plays against any instance; the stage decides where it is told. */
import type { Platform } from '../platform.ts';
import { foundOrganization, mapGroups, pushGroups, pushPeople } from './beginning.ts';
import { keepProvenance, showRoles, showTimings, touchTheOwner } from './ending.ts';
import { join, joinTogether, leaveAndReturn, leaveForGood, move, rename } from './middle.ts';
import { openScene, type Scene } from './scene.ts';
import { type SignInPages, signPeopleIn } from './signingIn.ts';
import type { Stage } from './stage.ts';

export type { Scene } from './scene.ts';
export type { SignInPages } from './signingIn.ts';
export * from './stage.ts';
export * from './terminal.ts';

/**
 * Plays the whole story and answers its scene, and the sign-in pages of its IdPs, which stay open until they are closed;
 * failed expectations are the stage's to count. `promptMs`: how soon after the answer to the IdP a check must have changed;
 * a second, unless the servers are known to be slow.
 */
export async function playStory(
  stage: Stage,
  platform: Platform,
  sizes = { okta: 120, entra: 80 },
  promptMs = 1000,
): Promise<{ readonly scene: Scene; readonly pages: SignInPages }> {
  const scene = await openScene(stage, platform, promptMs);
  await foundOrganization(scene);
  await pushPeople(scene, sizes);
  await pushGroups(scene);
  await mapGroups(scene);
  await join(scene);
  await joinTogether(scene);
  await move(scene);
  await leaveAndReturn(scene);
  await leaveForGood(scene);
  await rename(scene);
  await touchTheOwner(scene);
  await keepProvenance(scene);
  await showRoles(scene);
  const pages = await signPeopleIn(scene);
  showTimings(scene);
  return { scene, pages };
}
