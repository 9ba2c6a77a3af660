/** One run of a plan, with faults or without; and what it has come to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyAudit } from '../../src/events/index.ts';
import { sweepOrganization } from '../../src/provisioning/index.ts';
import { createTenant, openPlatform, type Platform, seededRandom, type Tenant } from '../../src/simulator/index.ts';
import { type Disorder, type Done, openKiller } from './kills.ts';
import { type EngineName, openPlace, type Place } from './place.ts';
import { makePlan } from './plan.ts';
import { type Ledger, newLedger, openPushing, type Pushing, push } from './push.ts';
import { type Directory, findLost, findParked, readDirectory, type Snapshot, takeSnapshot } from './snapshot.ts';

export interface RunOptions {
  readonly engine: EngineName;
  readonly people: number;
  readonly seed: number;
  /** Absent in the run to compare with. */
  readonly disorder?: Omit<Disorder, 'answers'> & { readonly answers: number };
}

export interface RunResult {
  readonly snapshot: Snapshot;
  /** What was acknowledged and is not there, jobs that were given up, drift that only the sweep repaired, a harmed Owner. */
  readonly faults: readonly string[];
  readonly ledger: Ledger;
  readonly done: Done | undefined;
  /** Acknowledged states that were read again right after a kill. */
  readonly witnessed: number;
  /** In seconds since the start of the first process. */
  readonly times: { readonly pushedAfter: number; readonly drainedAfter: number; readonly endedAfter: number };
}

const domain = 'acme.example';
const owner = { email: `olivia@${domain}`, name: 'Olivia Owner' };
const drainMs = 120_000;

export async function runPlan({ engine, people, seed, disorder }: RunOptions): Promise<RunResult> {
  const begun = performance.now();
  const seconds = () => Math.round((performance.now() - begun) / 1000);
  const place = await openPlace(engine);
  try {
    const platform = openPlatform(place.url, place.operatorToken);
    const world = await prepare(platform, people, seed);
    const { tenant, pushings, ledger, projects } = world;
    const before = ledger.answers;
    const witness = openWitness(pushings, seed);
    const killer = disorder && openKiller(disorder, place.victims, ledger, seededRandom(seed + 1));
    const pass = killer?.pass ?? (async () => {});
    const pushed = Promise.all(pushings.map((pushing) => push(pushing, ledger, pass)));
    const [, done] = await Promise.all([pushed, killer?.run(pushed, witness.look)]);
    const pushedAfter = seconds();
    await drain(place, platform);
    const drainedAfter = seconds();
    const directories = await Promise.all(pushings.map(readDirectory));
    const snapshot = await takeSnapshot(tenant, projects, directories);
    const faults = [...witness.faults, ...findAllLost(pushings, directories), ...(await findParked(platform, tenant))];
    faults.push(...(await findOwnerHarm(platform, tenant)));
    faults.push(...(await endAndSweep(place, tenant)));
    ledger.answers -= before;
    const times = { pushedAfter, drainedAfter, endedAfter: seconds() };
    return { snapshot, faults, ledger, done, witnessed: witness.looked(), times };
  } finally {
    await place.close();
  }
}

/** The organization, its projects and mappings, and two IdPs with their groups: made before anything fails. */
async function prepare(platform: Platform, people: number, seed: number) {
  const tenant = await createTenant(platform, 'Acme', owner);
  const ledger = newLedger();
  const projects = [['default', tenant.defaultProject] as const];
  for (const name of ['research', 'production', 'batch']) projects.push([name, await tenant.addProject(name)] as never);
  const pushings: Pushing[] = [];
  for (const [index, vendor] of (['okta', 'entra'] as const).entries()) {
    await tenant.addDomain(`${vendor}.${domain}`);
    const endpoint = await tenant.addDirectory(vendor, true);
    const count = index === 0 ? Math.ceil(people / 2) : Math.floor(people / 2);
    const plan = makePlan(seed * 2 + index, vendor, count, domain);
    const pushing = await openPushing(vendor, endpoint, plan, seed, ledger);
    pushings.push(pushing);
    for (const [number, group] of pushing.groups.entries()) {
      const project = projects[1 + (number % 3)]?.[1];
      const target = number === 0 ? tenant.organization : project;
      if (target) await tenant.map(pushing.idp.scimId(group), target, number % 2 === 0 ? 'admin' : 'member');
    }
  }
  return { tenant, ledger, projects, pushings };
}

const findAllLost = (pushings: readonly Pushing[], directories: readonly Directory[]): readonly string[] =>
  pushings.flatMap((pushing, index) => {
    const directory = directories[index];
    return directory ? findLost(pushing, directory) : [];
  });

/** Right after a kill, some of what was acknowledged before is read again: it is there, whatever has died. */
function openWitness(pushings: readonly Pushing[], seed: number) {
  const random = seededRandom(seed + 2);
  const faults: string[] = [];
  let looked = 0;
  const lookAt = async ({ idp, endpoint, settled }: Pushing, id: string): Promise<void> => {
    const { profile, active } = idp.person(id);
    const response = await fetch(`${endpoint.baseUrl}/Users/${idp.scimId(id)}`, {
      headers: { Authorization: `Bearer ${endpoint.token}` },
    }).catch(() => undefined);
    if (!response || response.status >= 500) return;
    const found = (await response.json()) as { userName?: string; title?: string; active?: boolean };
    // Only if nothing has begun meanwhile is the answer about what was acknowledged.
    if (!settled.has(id)) return;
    looked += 1;
    if (found.userName === profile.userName && found.title === profile.title && found.active === active) return;
    faults.push(`right after a kill, ${profile.userName} was ${response.status} ${JSON.stringify(found)}`);
  };
  return {
    faults,
    looked: () => looked,
    async look() {
      for (const pushing of pushings) {
        const settled = [...pushing.settled];
        const latest = settled.slice(-4);
        const earlier = settled.length > 4 ? [random.pick(settled)] : [];
        await Promise.all([...latest, ...earlier].map((id) => lookAt(pushing, id)));
      }
    },
  };
}

const waitingJobs = /^gatehouse_outbox_jobs\{state="waiting"\} (\d+)$/m;

/** Waits until no job waits any more, twice in a row. */
async function drain({ url }: Place, platform: Platform): Promise<void> {
  const deadline = performance.now() + drainMs;
  for (let empty = 0; empty < 2; ) {
    const text = await fetch(`${platform.baseUrl}/metrics`).then(
      (response) => response.text(),
      () => '',
    );
    empty = waitingJobs.exec(text)?.[1] === '0' ? empty + 1 : 0;
    if (performance.now() > deadline) throw new Error(`${url}: the jobs do not drain`);
    await sleep(200);
  }
}

async function findOwnerHarm(platform: Platform, tenant: Tenant): Promise<readonly string[]> {
  const owners = (await tenant.members()).filter(({ isOwner }) => isOwner);
  const said = owners.map(({ email, role, status }) => `${email} ${role} ${status}`).join();
  const harm = said === `${owner.email} admin active` ? [] : [`the Owner is: ${said}`];
  const { decision } = await platform.may(owner.email, 'organization.update', tenant.organization);
  return decision ? harm : [...harm, 'the Owner may do nothing'];
}

/** Ends all processes gracefully, follows the audit chain, and sweeps: state has converged by itself, so that the sweep finds nothing to repair. */
async function endAndSweep(place: Place, { id }: Tenant): Promise<readonly string[]> {
  await Promise.all(place.victims.map((victim) => victim.stop()));
  const store = await place.openStore();
  try {
    const { verified, firstBroken } = await verifyAudit(store.read, id);
    const broken = verified ? [] : [`the audit chain is broken: ${JSON.stringify(firstBroken)}`];
    const { repaired } = await sweepOrganization(store, { actor: 'job:sweep', requestId: 'req-faults' }, id);
    return repaired === 0 ? broken : [...broken, `the sweep had to repair ${repaired} people`];
  } finally {
    await store.close();
  }
}
