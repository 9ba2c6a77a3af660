/** The periodic sweep: finds what lost jobs or direct writes have left behind, repairs it and reports it (MAP-3). */
import { findGrants, findMember, refreshMemberRole, resolveMemberRole } from '../access/index.ts';
import { recordAudit } from '../events/index.ts';
import { enqueue } from '../queue/index.ts';
import { type Cause, type Member, PLATFORM, type ReadStore, type Store, type Transaction } from '../store/index.ts';
import { resolveWaiting } from './adoption.ts';
import { differenceSize } from './diff.ts';
import { findDifference, reconcilePerson } from './reconcile.ts';

export interface SweepReport {
  /** How many people were looked at. */
  readonly people: number;
  /** How many of them had not what they should have. */
  readonly repaired: number;
  /** How many grants were added, changed or taken away for that. */
  readonly grants: number;
}

/**
 * Compares every member's mapped grants and effective role with what they should be, and those of non-members with
 * nothing; repairs each person in a transaction of their own. Where something was repaired, an audit event
 * `drift.repaired` tells how much. Looks again at who waits for adoption, and at what
 * verified domains prove. One person whose repair fails stops nobody else's; the first such error is thrown at the end.
 */
export async function sweepOrganization(
  store: Store,
  cause: Cause,
  organizationId: string,
  goOn: () => boolean = () => true,
): Promise<SweepReport> {
  const failures: unknown[] = [];
  let people = 0;
  let repaired = 0;
  let grants = 0;
  for await (const accountId of streamPeople(store.read, organizationId)) {
    if (!goOn()) break;
    people += 1;
    try {
      if (!(await hasDrifted(store.read, organizationId, accountId))) continue;
      const changes = await store.transaction(cause, (tx) => repairPerson(tx, organizationId, accountId));
      if (changes === undefined) continue;
      repaired += 1;
      grants += changes;
    } catch (error) {
      failures.push(error);
    }
  }
  if (goOn()) await resolveWaiting(store, cause, organizationId);
  const report = { people, repaired, grants };
  await store.transaction(cause, (tx) => finish(tx, organizationId, report));
  if (failures.length > 0) throw failures[0];
  return report;
}

/** What becomes of a sweep of all organizations. */
export interface SweepListener {
  report(organizationId: string, report: SweepReport): void;
  failure(organizationId: string, error: unknown): void;
  /** Asked before each person: false where the process is about to end. */
  goOn(): boolean;
}

/** Sweeps every organization in turn; one that fails is told of and passed over. */
export async function sweepAll(store: Store, cause: Cause, on: SweepListener): Promise<void> {
  for await (const { _id } of store.read.organizations.stream(PLATFORM, {})) {
    if (!on.goOn()) return;
    try {
      on.report(_id, await sweepOrganization(store, cause, _id, on.goOn));
    } catch (error) {
      on.failure(_id, error);
    }
  }
}

/** The accounts of all members, then those of non-members who hold a mapped grant, each once. */
async function* streamPeople(reads: ReadStore, organizationId: string): AsyncGenerator<string> {
  for await (const { accountId } of reads.members.stream(organizationId, {})) yield accountId;
  const strangers = new Set<string>();
  for await (const { accountId } of reads.grants.stream(organizationId, { source: 'mapping' })) {
    if (strangers.has(accountId) || (await findMember(reads, organizationId, accountId))) continue;
    strangers.add(accountId);
    yield accountId;
  }
}

async function hasDrifted(reads: ReadStore, organizationId: string, accountId: string): Promise<boolean> {
  const member = await findMember(reads, organizationId, accountId);
  if (member && (await roleHasDrifted(reads, member))) return true;
  return differenceSize(await findDifference(reads, organizationId, accountId, member)) > 0;
}

async function roleHasDrifted(reads: ReadStore, member: Member): Promise<boolean> {
  const { organizationId, accountId, role } = member;
  const grants = await findGrants(reads, organizationId, { accountId, targetId: organizationId });
  return resolveMemberRole(member, grants) !== role;
}

/** Answers how many grants were changed; undefined where a job has been faster, and nothing was left to do. */
async function repairPerson(tx: Transaction, organizationId: string, accountId: string): Promise<number | undefined> {
  const before = await findMember(tx, organizationId, accountId);
  const changes = await reconcilePerson(tx, organizationId, accountId);
  const after = await refreshMemberRole(tx, organizationId, accountId);
  return changes === 0 && before?.role === after?.role ? undefined : changes;
}

async function finish(tx: Transaction, organizationId: string, report: SweepReport): Promise<void> {
  for (const { domain } of await tx.domains.find(organizationId, { verified: true })) {
    await enqueue(tx, organizationId, 'prove-domain', { domain });
  }
  if (report.repaired === 0) return;
  await recordAudit(tx, organizationId, {
    type: 'drift.repaired',
    targetKind: 'organization',
    targetId: organizationId,
    after: { ...report },
  });
}
