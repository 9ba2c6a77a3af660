import { describe, expect, test } from '@jest/globals';
import {
  decideAccountReauthentication,
  mailboxesOf,
  type PresenceOfAccount,
  type Proof,
} from '../../../src/access/index.ts';

const proven = (provenBy: 'mailbox' | 'idp' | 'operator') => ({ proven: true, provenBy });
const unproven = { proven: false };

describe('the addresses that links are sent to (ACC-4, OWN-5)', () => {
  test.each([
    ['none', [], []],
    ['an unproven one', [unproven], []],
    ['one proven by its mailbox', [proven('mailbox')], [0]],
    ['one that the operator vouches for', [proven('operator')], [0]],
    ['all of one’s own', [proven('mailbox'), unproven, proven('operator')], [0, 2]],
    ['an IdP’s only where there is nothing else', [proven('idp'), unproven], [0]],
    ['not an IdP’s beside one’s own', [proven('idp'), proven('mailbox')], [1]],
  ] as const)('%s', (_title, emails, expected) => {
    const mailboxes = mailboxesOf<(typeof emails)[number]>(emails);
    expect(mailboxes.map((one) => (emails as readonly unknown[]).indexOf(one))).toEqual(expected);
  });
});

describe("who may change an account's addresses (ACC-4)", () => {
  const now = new Date('2030-01-01T00:00:00Z');
  const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
  const session: PresenceOfAccount = { kind: 'session', accountId: 'acc-1', madeBy: 'sign_in' };
  const mailbox = (minutes: number): Proof => ({ kind: 'mailbox', at: ago(minutes) });
  const idp = (minutes: number, forced: boolean): Proof => ({
    kind: 'connection',
    at: ago(minutes),
    organizationId: 'org-1',
    connectionId: 'con-1',
    subject: 's',
    ...(forced && { forced }),
  });
  const late = 'reauthentication_required';

  test.each<readonly [string, PresenceOfAccount, readonly Proof[], boolean, string | undefined]>([
    ['a link of now', session, [mailbox(0)], true, undefined],
    ['a link of ten minutes ago', session, [mailbox(10)], true, undefined],
    ['a link of longer ago', session, [mailbox(10.1)], true, late],
    ['an IdP, where there is a mailbox', session, [idp(0, true)], true, late],
    ['an IdP that asked, where there is none', session, [idp(0, true)], false, undefined],
    ['an IdP that did not ask', session, [idp(0, false)], false, late],
    ['an IdP that asked long ago', session, [idp(11, true)], false, late],
    ['the operator in the person’s place', { kind: 'act_as', accountId: 'acc-1' }, [], true, 'act_as_refused'],
    ['a session that the operator made', { ...session, madeBy: 'operator' }, [mailbox(0)], true, 'permission_denied'],
  ])('%s', (_title, presence, proofs, hasMailbox, code) => {
    expect(decideAccountReauthentication(presence, proofs, hasMailbox, now)?.code).toBe(code);
  });
});
