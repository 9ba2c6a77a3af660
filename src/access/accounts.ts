/** Accounts and their addresses (ACC-1, ACC-2, ACC-3). "The account exists" means: one with that address proven. */
import { AppError } from '../errors.ts';
import { isId, newId } from '../lib/ids.ts';
import { caseKey } from '../lib/text.ts';
import { type Account, type AccountEmail, PLATFORM, type ReadStore, type Transaction } from '../store/index.ts';

/** Who says that an address is its account's own. */
export type ProvenBy = 'mailbox' | 'idp' | 'operator';

/**
 * Makes an account with a proven address. The address is taken as a valid one, parsed at the edge.
 * Throws `email_taken` where another account has it proven (ACC-2).
 */
export async function createAccount(
  tx: Transaction,
  input: { readonly email: string; readonly name?: string | undefined; readonly provenBy: ProvenBy },
): Promise<Account> {
  if (await findAccountByProvenEmail(tx, input.email)) {
    throw new AppError('email_taken', `There is an account with the address ${input.email} already`);
  }
  const account = await insertAccount(tx, input.name);
  await insertEmail(tx, account._id, input.email, input.provenBy);
  return account;
}

/**
 * Makes an account for a person that an IdP has told of. Without an address the person signs in by SSO only; an address
 * that is not proven is a note that finds nobody and keeps nobody else from it (ACC-2, ACC-3). Whose a proven address is
 * has been looked up by the caller, in the same transaction: where a race has given it away since, the unique index says so.
 */
export async function createProvisionedAccount(
  tx: Transaction,
  input: {
    readonly name?: string | undefined;
    readonly email?: { readonly address: string; readonly proven: boolean } | undefined;
  },
): Promise<Account> {
  const { name, email } = input;
  const account = await insertAccount(tx, name);
  if (email) await insertEmail(tx, account._id, email.address, email.proven ? 'idp' : undefined);
  return account;
}

function insertAccount(tx: Transaction, name: string | undefined): Promise<Account> {
  return tx.accounts.insert(PLATFORM, { _id: newId('account'), ...(name !== undefined && { name }) });
}

function insertEmail(
  tx: Transaction,
  accountId: string,
  email: string,
  provenBy: ProvenBy | undefined,
): Promise<AccountEmail> {
  return tx.accountEmails.insert(PLATFORM, {
    _id: newId('accountEmail'),
    accountId,
    email,
    emailKey: caseKey(email),
    ...(provenBy ? { proven: true, provenBy, provenAt: tx.at } : { proven: false }),
  });
}

/** Notes an address on the account without proof: it finds nobody and keeps nobody else from it (ACC-2). */
export async function claimEmail(tx: Transaction, accountId: string, email: string): Promise<void> {
  await lockAccount(tx, accountId);
  await insertEmail(tx, accountId, email, undefined);
}

/**
 * Marks an address as the account's own, adding it where the account did not have it.
 * Answers false, and changes nothing, where another account has it proven (ACC-2).
 */
export async function proveEmail(tx: Transaction, accountId: string, email: string, by: ProvenBy): Promise<boolean> {
  await lockAccount(tx, accountId);
  const holder = await findProven(tx, email);
  if (holder) return holder.accountId === accountId;
  const own = await tx.accountEmails.findOne(PLATFORM, { accountId, emailKey: caseKey(email) });
  if (own) {
    await tx.accountEmails.updateOne(
      PLATFORM,
      { _id: own._id },
      { $set: { proven: true, provenBy: by, provenAt: tx.at } },
    );
  } else {
    await insertEmail(tx, accountId, email, by);
  }
  return true;
}

/** The account that has proven this address; compared without case. */
export async function findAccountByProvenEmail(reads: ReadStore, email: string): Promise<Account | undefined> {
  const holder = await findProven(reads, email);
  return holder && reads.accounts.get(PLATFORM, holder.accountId);
}

/** The id of that account: one look-up, whether there is one or not. */
export async function findHolder(reads: ReadStore, email: string): Promise<string | undefined> {
  return (await findProven(reads, email))?.accountId;
}

function findProven(reads: ReadStore, email: string): Promise<AccountEmail | undefined> {
  return reads.accountEmails.findOne(PLATFORM, { emailKey: caseKey(email), proven: true });
}

/** The account by its id, or by a proven address. */
export async function findAccount(reads: ReadStore, idOrEmail: string): Promise<Account | undefined> {
  if (!isId('account', idOrEmail)) return findAccountByProvenEmail(reads, idOrEmail);
  const account = await reads.accounts.get(PLATFORM, idOrEmail);
  return account?.deletedAt === undefined ? account : undefined;
}

/** The account by its id; throws `not_found`. */
export async function getAccount(reads: ReadStore, accountId: string): Promise<Account> {
  const account = await reads.accounts.get(PLATFORM, accountId);
  if (!account || account.deletedAt) throw new AppError('not_found', `There is no account ${accountId}`);
  return account;
}

/**
 * Makes sure that the account is not deleted by another transaction before this one, which ties something to it, commits. Throws
 * `not_found`, also for one that is deleted.
 */
export async function lockAccount(tx: Transaction, accountId: string): Promise<Account> {
  const account = await lockIfAlive(tx, accountId);
  if (!account) throw new AppError('not_found', `There is no account ${accountId}`);
  return account;
}

/** The same; undefined where there is no such account, or no longer. */
export async function lockIfAlive(tx: Transaction, accountId: string): Promise<Account | undefined> {
  const account = await tx.accounts.lock(PLATFORM, accountId);
  return account?.deletedAt === undefined ? account : undefined;
}

/** The account by its id, also one that is deleted: who made something stays told (KEY-1). Throws `not_found`. */
export async function getAccountEver(reads: ReadStore, accountId: string): Promise<Account> {
  const account = await reads.accounts.get(PLATFORM, accountId);
  if (!account) throw new AppError('not_found', `There is no account ${accountId}`);
  return account;
}

/** All addresses of an account, proven and not, in the order of adding. */
export function findAccountEmails(reads: ReadStore, accountId: string): Promise<readonly AccountEmail[]> {
  return reads.accountEmails.find(PLATFORM, { accountId });
}

/** How lists show a person: the account's name and its first address, proven ones first. */
export interface Contact {
  readonly accountId: string;
  readonly name?: string;
  readonly email?: string;
  /** The account was deleted, and has neither. */
  readonly deleted?: true;
}

/** The contacts of these accounts, by account id; accounts that do not exist are absent. */
export async function findContacts(
  reads: ReadStore,
  accountIds: readonly string[],
): Promise<ReadonlyMap<string, Contact>> {
  if (accountIds.length === 0) return new Map();
  const [accounts, emails] = await Promise.all([
    reads.accounts.find(PLATFORM, { _id: { $in: accountIds } }),
    reads.accountEmails.find(PLATFORM, { accountId: { $in: accountIds } }),
  ]);
  const shown = new Map<string, AccountEmail>();
  for (const email of emails) {
    const before = shown.get(email.accountId);
    if (!before || (email.proven && !before.proven)) shown.set(email.accountId, email);
  }
  return new Map(
    accounts.map(({ _id: accountId, name, deletedAt }) => {
      const email = shown.get(accountId)?.email;
      const contact = { accountId, ...(name && { name }), ...(email && { email }) };
      return [accountId, deletedAt === undefined ? contact : { ...contact, deleted: true }];
    }),
  );
}
