import { describe, expect, test } from '@jest/globals';
import {
  authenticatedAt,
  decideWorth,
  type Proof,
  proofsOf,
  type Worth,
  type WorthFacts,
  writeProofs,
} from '../../../src/access/index.ts';

const at = new Date('2026-03-01T10:00:00Z');
const ours: Proof = { kind: 'connection', at, organizationId: 'org-a', connectionId: 'con-a', subject: 's' };
const theirs: Proof = { ...ours, organizationId: 'org-b', connectionId: 'con-b' };
const mailbox: Proof = { kind: 'mailbox', at };
const operator: Proof = { kind: 'operator', at };

const plain: WorthFacts = {
  proofs: [],
  ended: false,
  organizationId: 'org-a',
  ssoEnforced: false,
  trusts: 'external_collaborators',
  standing: 'member',
};

type Row = readonly [string, Partial<WorthFacts>, Worth];

const table: readonly Row[] = [
  ["the organization's own IdP counts", { proofs: [ours] }, 'counts'],
  ['its own IdP counts where SSO is enforced', { proofs: [ours], ssoEnforced: true }, 'counts'],
  ['a mailbox counts where SSO is not enforced', { proofs: [mailbox] }, 'counts'],
  [
    'a mailbox asks a Member for more where SSO is enforced (SSO-5)',
    { proofs: [mailbox], ssoEnforced: true },
    'step_up',
  ],
  [
    'a mailbox always counts for the Owner (OWN-5)',
    { proofs: [mailbox], ssoEnforced: true, standing: 'owner' },
    'counts',
  ],
  [
    'a mailbox counts for an External Collaborator where SSO is enforced (PRJ-6)',
    { proofs: [mailbox], ssoEnforced: true, standing: 'external' },
    'counts',
  ],
  [
    "another's IdP counts for an External Collaborator by default (SSO-5)",
    { proofs: [theirs], standing: 'external' },
    'counts',
  ],
  ["another's IdP asks a Member for more by default (SSO-5)", { proofs: [theirs] }, 'step_up'],
  ["another's IdP counts for a Member where everybody is trusted", { proofs: [theirs], trusts: 'everybody' }, 'counts'],
  [
    "another's IdP never counts for a Member where SSO is enforced",
    { proofs: [theirs], trusts: 'everybody', ssoEnforced: true },
    'step_up',
  ],
  [
    "another's IdP counts for nobody where nobody is trusted",
    { proofs: [theirs], trusts: 'nobody', standing: 'external' },
    'step_up',
  ],
  ["another's IdP asks the Owner for a mailbox", { proofs: [theirs], standing: 'owner' }, 'step_up'],
  ['one good proof among several is enough', { proofs: [theirs, mailbox, ours], ssoEnforced: true }, 'counts'],
  ['what the operator made counts', { proofs: [operator] }, 'counts'],
  ['what the operator made steps up where SSO is enforced', { proofs: [operator], ssoEnforced: true }, 'step_up'],
  [
    'what the operator made counts for the Owner there',
    { proofs: [operator], ssoEnforced: true, standing: 'owner' },
    'counts',
  ],
  ['what has ended is ended, whatever was proven', { proofs: [ours, mailbox, operator], ended: true }, 'ended'],
  ['nothing proven is worth nothing', { proofs: [] }, 'step_up'],
];

describe('what a session is worth in an organization', () => {
  test.each(table)('%s', (_title, facts, worth) => {
    expect(decideWorth({ ...plain, ...facts })).toBe(worth);
  });

  test('proofs come back from the row as they were written, a newer one of a connection in place of the older (SSO-7)', () => {
    const later: Proof = { ...ours, at: new Date(at.getTime() + 1000), index: 'i-2' };
    const row = { proofs: writeProofs([ours, mailbox, later]), madeBy: 'sign_in', createdAt: at } as const;
    expect(proofsOf(row)).toEqual([later, mailbox]);
  });

  test('a session from before proofs were kept tells by who made it', () => {
    expect(proofsOf({ proofs: undefined as never, madeBy: 'operator', createdAt: at })).toEqual([operator]);
    expect(proofsOf({ proofs: undefined as never, madeBy: 'sign_in', createdAt: at })).toEqual([mailbox]);
  });

  test('the operator authenticates nobody (OWN-4)', () => {
    expect(authenticatedAt([operator], 'org-a')).toBeUndefined();
    expect(authenticatedAt([operator, mailbox], 'org-a')).toEqual(at);
  });

  test("another organization's IdP authenticates nobody for what only the person may do (OWN-4)", () => {
    expect(authenticatedAt([{ ...ours, forced: true }], 'org-a')).toEqual(at);
    expect(authenticatedAt([{ ...theirs, forced: true }], 'org-a')).toBeUndefined();
  });

  test('an IdP that only says whom it knows has not asked the person (OWN-4)', () => {
    expect(authenticatedAt([ours], 'org-a')).toBeUndefined();
  });
});
