import { PLATFORM } from '../../src/store/index.ts';
import type { TestGatehouse } from '../support/gatehouse.ts';

/** What is tied to an account, by collection. */
export async function whatIsLeft(
  { store: { read } }: TestGatehouse,
  accountId: string,
): Promise<Readonly<Record<string, number>>> {
  const theirs = { accountId };
  const counts = {
    members: await read.members.count(PLATFORM, theirs),
    grants: await read.grants.count(PLATFORM, theirs),
    accountEmails: await read.accountEmails.count(PLATFORM, theirs),
    sessions: await read.sessions.count(PLATFORM, theirs),
    idpSessions: await read.idpSessions.count(PLATFORM, theirs),
    sshKeys: await read.sshKeys.count(PLATFORM, theirs),
    mailedLinks: await read.mailedLinks.count(PLATFORM, theirs),
    identities: await read.identities.count(PLATFORM, theirs),
    directoryUsers: await read.directoryUsers.count(PLATFORM, theirs),
    living: await read.accounts.count(PLATFORM, { _id: accountId, deletedAt: { $exists: false } }),
  };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
