/** Who made a key or a resource, as far as the one who asks may know (KEY-1, PRJ-6). */
import type { ReadStore } from '../store/index.ts';
import { type Contact, findContacts } from './accounts.ts';
import { isByHand } from './grants.ts';

/** What a row says of its maker: the actor, and the person in whose place the operator made it. */
export interface Made {
  readonly createdBy?: string | undefined;
  readonly onBehalfOf?: string | undefined;
}

export interface Maker {
  readonly kind: 'operator' | 'account' | 'service';
  /** Absent where the maker is no person, or one whom the one who asks may not see. */
  readonly accountId?: string;
  readonly name?: string;
  /** While the person is a member of the organization or a collaborator of the project. */
  readonly email?: string;
  /** The person is from outside of the organization. */
  readonly external?: true;
  /** The account was deleted since, and names nobody. */
  readonly deleted?: true;
}

export interface MakerOptions {
  /** Only people who were added to the project by hand, and oneself: what an External Collaborator may see (PRJ-6). */
  readonly explicitOnly?: boolean;
  /** The account that asks. */
  readonly askedBy?: string | undefined;
}

/**
 * Finds who made these rows of a project, in three reads however many they are. Answers a function that tells the maker of
 * a row; undefined for what nobody made (the Organization Default Key).
 */
export async function findMakers(
  reads: ReadStore,
  organizationId: string,
  projectId: string,
  rows: readonly Made[],
  { explicitOnly = false, askedBy }: MakerOptions = {},
): Promise<(row: Made) => Maker | undefined> {
  const ids = [...new Set(rows.flatMap((row) => personOf(row) ?? []))];
  const among = { accountId: { $in: ids } };
  const [contacts, members, grants] =
    ids.length === 0
      ? [new Map<string, Contact>(), [], []]
      : await Promise.all([
          findContacts(reads, ids),
          reads.members.find(organizationId, among),
          reads.grants.find(organizationId, { ...among, targetId: projectId }),
        ]);
  const inside = new Set(members.map(({ accountId }) => accountId));
  const added = new Set(grants.filter(isByHand).map(({ accountId }) => accountId));

  function person(accountId: string): Omit<Maker, 'kind'> {
    if (explicitOnly && !added.has(accountId) && accountId !== askedBy) return {};
    const { name, email, deleted } = contacts.get(accountId) ?? {};
    const present = inside.has(accountId) || added.has(accountId);
    return {
      accountId,
      ...(name !== undefined && { name }),
      ...(present && email !== undefined && { email }),
      ...(present && !inside.has(accountId) && { external: true }),
      ...(deleted && { deleted }),
    };
  }

  return (row) => {
    if (row.createdBy === undefined) return undefined;
    const accountId = personOf(row);
    return { kind: kindOf(row.createdBy), ...(accountId !== undefined && person(accountId)) };
  };
}

const accountActor = 'account:';

function kindOf(createdBy: string): Maker['kind'] {
  if (createdBy.startsWith(accountActor)) return 'account';
  return createdBy.startsWith('service:') ? 'service' : 'operator';
}

function personOf({ createdBy, onBehalfOf }: Made): string | undefined {
  return createdBy?.startsWith(accountActor) ? createdBy.slice(accountActor.length) : onBehalfOf;
}
