/** The member list (MEM-1): members and, behind them, those who are invited; searched by name and address. */
import { AppError } from '../errors.ts';
import { caseKey } from '../lib/text.ts';
import { type Filter, type Invitation, type Member, PLATFORM, type ReadStore } from '../store/index.ts';
import { type Contact, findContacts } from './accounts.ts';
import { listInvitations } from './invitations.ts';
import type { Role } from './permissions.ts';

export interface MemberQuery {
  /** Part of a name or an address, in any case. */
  readonly search?: string | undefined;
  readonly role?: Role | undefined;
  readonly status?: Member['status'] | 'invited' | undefined;
  readonly source?: Member['source'] | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Somebody of the list. `name` and `email` as the directory says them, else the account (ACC-1). */
export type Listed =
  | {
      readonly kind: 'member';
      readonly member: Member;
      readonly name: string | undefined;
      readonly email: string | undefined;
      /** When the person last signed in by a link, or through a connection of this organization; not elsewhere. */
      readonly lastSignInAt: Date | undefined;
    }
  | { readonly kind: 'invited'; readonly invitation: Invitation };

export interface ListedPage {
  readonly items: readonly Listed[];
  readonly nextCursor?: string;
}

/** Begins the cursor of a page of invitations; the store's own cursors have no dot. */
const invitedMark = 'invited.';

/** A search reads at most so many rows for one page, and may answer a short page, or an empty one, that goes on. */
const searched = 2000;
const batch = 200;

/**
 * A page of the list, in the order of joining, invitations in the order of sending at its end. Throws `invalid_request` for a cursor
 * that is none.
 */
export async function listPeople(
  reads: ReadStore,
  organizationId: string,
  query: MemberQuery,
  now: Date,
): Promise<ListedPage> {
  const { status, source, cursor } = query;
  const invited = (status ?? 'invited') === 'invited' && (source ?? 'invitation') === 'invitation';
  if (cursor?.startsWith(invitedMark)) {
    if (!invited) throw new AppError('invalid_request', 'The cursor belongs to another list');
    return pageInvited(reads, organizationId, query, now, cursor.slice(invitedMark.length) || undefined);
  }
  if (status === 'invited') return pageInvited(reads, organizationId, query, now, undefined);
  const page = await pageMembers(reads, organizationId, query);
  if (page.nextCursor !== undefined || !invited) return page;
  const room = query.limit - page.items.length;
  const rest = await pageInvited(reads, organizationId, { ...query, limit: Math.max(room, 1) }, now, undefined);
  if (room === 0) return rest.items.length === 0 ? page : { ...page, nextCursor: invitedMark };
  return { ...rest, items: [...page.items, ...rest.items] };
}

async function pageMembers(reads: ReadStore, organizationId: string, query: MemberQuery): Promise<ListedPage> {
  const { role, status, source, limit } = query;
  const filter: Filter<Member> = {
    ...(role && { role }),
    ...(status && status !== 'invited' && { status }),
    ...(source && { source }),
  };
  const match = matcher(query.search);
  const items: Listed[] = [];
  let { cursor } = query;
  // Names are the account's where no directory tells one, and so no index of the organization's has them all.
  for (let read = 0; read < searched; ) {
    const size = match ? batch : limit;
    const page = await reads.members.page(organizationId, filter, { limit: size, cursor });
    const people = await describeMembers(reads, organizationId, page.items);
    const found = match ? people.filter(({ name, email }) => match(name, email)) : people;
    const fitting = found.slice(0, limit - items.length);
    items.push(...fitting);
    const last = fitting.at(-1);
    if (match && found.length > fitting.length && last) {
      // the page is full in the middle of a batch: go on behind its last one
      return {
        items,
        nextCursor: await cursorBehind(reads, organizationId, filter, { cursor, last: last.member, page: page.items }),
      };
    }
    cursor = page.nextCursor;
    if (cursor === undefined) return { items };
    read += size;
    if (items.length >= limit) break;
  }
  return { items, ...(cursor !== undefined && { nextCursor: cursor }) };
}

/** The store's cursor behind one of the rows of a page that has been read. */
async function cursorBehind(
  reads: ReadStore,
  organizationId: string,
  filter: Filter<Member>,
  at: { readonly cursor: string | undefined; readonly last: Member; readonly page: readonly Member[] },
): Promise<string> {
  const limit = at.page.findIndex(({ _id }) => _id === at.last._id) + 1;
  const { nextCursor } = await reads.members.page(organizationId, filter, { limit, cursor: at.cursor });
  return nextCursor ?? invitedMark;
}

/** Members with what lists show of them. */
export async function describeMembers(
  reads: ReadStore,
  organizationId: string,
  members: readonly Member[],
): Promise<readonly Extract<Listed, { kind: 'member' }>[]> {
  const accountIds = members.map(({ accountId }) => accountId);
  const [contacts, signIns] = await Promise.all([
    findContacts(reads, accountIds),
    findLastSignIns(reads, organizationId, accountIds),
  ]);
  return members.map((member) => ({
    kind: 'member',
    member,
    ...shownAs(member, contacts.get(member.accountId)),
    lastSignInAt: signIns.get(member.accountId),
  }));
}

/** What the directory says of the person comes before what the account says (ACC-1). */
function shownAs({ profile }: Member, contact: Contact | undefined) {
  return { name: profile?.displayName ?? contact?.name, email: profile?.email ?? contact?.email };
}

/** The last sign-ins that say something here: by a link, which counts everywhere, and through the organization's connections. */
async function findLastSignIns(
  reads: ReadStore,
  organizationId: string,
  accountIds: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  if (accountIds.length === 0) return new Map();
  const [accounts, identities] = await Promise.all([
    reads.accounts.find(PLATFORM, { _id: { $in: accountIds } }),
    reads.identities.find(organizationId, { accountId: { $in: accountIds }, link: 'linked' }),
  ]);
  const last = new Map<string, Date>();
  const note = (accountId: string, at: Date | undefined): void => {
    const before = last.get(accountId);
    if (at && (before === undefined || before < at)) last.set(accountId, at);
  };
  for (const { _id, lastLinkSignInAt } of accounts) note(_id, lastLinkSignInAt);
  for (const { accountId, lastSignInAt } of identities) note(accountId, lastSignInAt);
  return last;
}

type Match = (...texts: readonly (string | undefined)[]) => boolean;

function matcher(search: string | undefined): Match | undefined {
  if (search === undefined) return undefined;
  const part = caseKey(search);
  return (...texts) => texts.some((text) => text !== undefined && caseKey(text).includes(part));
}

async function pageInvited(
  reads: ReadStore,
  organizationId: string,
  { search, role, limit }: MemberQuery,
  now: Date,
  from: string | undefined,
): Promise<ListedPage> {
  const match = matcher(search);
  const items: Listed[] = [];
  let cursor = from;
  for (let read = 0; read < searched; read += limit) {
    const page = await listInvitations(reads, organizationId, {
      state: 'pending',
      now,
      limit: limit - items.length,
      cursor,
    });
    // one who was brought in meanwhile is in the list already, as the member
    const found = page.items.filter(
      (one) => one.memberId === undefined && (!role || one.role === role) && (!match || match(one.email)),
    );
    items.push(...found.map((invitation) => ({ kind: 'invited', invitation }) as const));
    cursor = page.nextCursor;
    if (cursor === undefined) return { items };
    if (items.length >= limit) break;
  }
  return { items, ...(cursor !== undefined && { nextCursor: invitedMark + cursor }) };
}
