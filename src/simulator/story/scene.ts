/** Everything that the acts of the story share: the platform, the organization, both IdPs, and the people who matter. */

import type { IdpPerson } from '../dialect.ts';
import { type Idp, openEntraIdp, openOktaIdp } from '../idp.ts';
import type { Platform, Resource } from '../platform.ts';
import { makePopulation, type Profile } from '../population.ts';
import type { Exchange } from '../scimClient.ts';
import { createTenant, type Endpoint, type Tenant } from '../tenant.ts';
import type { Stage } from './stage.ts';

export const mainDomain = 'northwind.example';
export const labDomain = 'labs.northwind.example';

export interface Scene {
  readonly stage: Stage;
  readonly platform: Platform;
  readonly tenant: Tenant;
  readonly projects: { readonly production: Resource; readonly research: Resource; readonly inference: Resource };
  readonly endpoints: { readonly okta: Endpoint; readonly entra: Endpoint };
  readonly okta: Idp;
  readonly entra: Idp;
  /** Shows what the IdPs send from here on, or no longer. */
  showWire(shown: boolean): void;
  /** Milliseconds from a SCIM response to the changed permission check, of every change of the story (MAP-5). */
  readonly timings: number[];
  /** The most that one of them may be. */
  readonly promptMs: number;
}

/** A person whom the story follows. */
export function cast(givenName: string, familyName: string, domain: string, department: string): Profile {
  const userName = `${givenName}.${familyName}@${domain}`.toLowerCase();
  return {
    userName,
    givenName,
    familyName,
    displayName: `${givenName} ${familyName}`,
    email: userName,
    department,
    title: department,
  };
}

export const olivia = cast('Olivia', 'Okafor', mainDomain, 'Executive');
export const alice = cast('Alice', 'Ng', mainDomain, 'Engineering');
export const ben = cast('Ben', 'Novak', mainDomain, 'Engineering');
export const chen = cast('Chen', 'Wei', mainDomain, 'Engineering');
export const dora = cast('Dora', 'Lindqvist', labDomain, 'Research');
export const emil = cast('Emil', 'Rossi', labDomain, 'Research');
export const fay = cast('Fay', 'Adler', labDomain, 'Research');

/** The people of each IdP: those whom the story follows, filled up with others. */
export function everybody(domain: string, heroes: readonly Profile[], count: number, seed: number): readonly Profile[] {
  const taken = heroes.map(({ userName }) => userName.replace(/@.*/, ''));
  return [...heroes, ...makePopulation({ seed, count: count - heroes.length, domain, taken })];
}

/** The person of this IdP with this userName. */
export function personOf(idp: Idp, { userName }: Profile): IdpPerson {
  const person = idp.people.find(({ profile }) => profile.userName === userName);
  if (!person) throw new Error(`${userName} is not in the IdP`);
  return person;
}

/** The organization as it is before any push. */
export async function openScene(stage: Stage, platform: Platform, promptMs: number): Promise<Scene> {
  const tenant = await createTenant(platform, 'Northwind', { email: olivia.email, name: olivia.displayName });
  for (const domain of [mainDomain, labDomain]) await tenant.addDomain(domain);
  const projects = {
    production: await tenant.addProject('production'),
    research: await tenant.addProject('research'),
    inference: await tenant.addProject('inference'),
  };
  const endpoints = {
    okta: await tenant.addDirectory('Okta (Northwind)'),
    entra: await tenant.addDirectory('Entra ID (Northwind Labs)', true),
  };
  let shown = false;
  const onExchange = (from: string) => (exchange: Exchange) => {
    if (!shown) return;
    const { method, path, status } = exchange;
    stage.wire(from, `${method} ${decodeURIComponent(shortIds(path))} → ${status}`, operationsOf(exchange));
  };
  return {
    stage,
    platform,
    tenant,
    projects,
    endpoints,
    okta: openOktaIdp({ ...endpoints.okta, seed: 11, onExchange: onExchange('Okta') }),
    entra: openEntraIdp({ ...endpoints.entra, seed: 12, onExchange: onExchange('Entra') }),
    showWire(on) {
      shown = on;
    },
    timings: [],
    promptMs,
  };
}

/** Ids cut to their last letters. */
const shortIds = (text: string): string => text.replace(/(usr|grp)-[0-9a-z]{20}(?=[0-9a-z]{6})/g, '$1-…');

/** The operations of a PATCH as text. */
function operationsOf({ request }: Exchange): string | undefined {
  if (typeof request !== 'object' || request === null || !('Operations' in request)) return undefined;
  return shortIds(JSON.stringify(request.Operations));
}
