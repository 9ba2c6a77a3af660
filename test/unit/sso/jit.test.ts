import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decideSignIn, type SignInDecision, type SignInFacts } from '../../../src/sso/jit.ts';

const active = { status: 'active', owner: false } as const;
const suspended = { status: 'suspended', owner: false } as const;
const owner = { status: 'active', owner: true } as const;

const open: SignInFacts = { jit: true, directory: false, blocked: false };
const closed: SignInFacts = { ...open, jit: false };
const inDirectory: SignInFacts = { jit: false, directory: true, blocked: false };
const vouched = { vouched: true, inVerifiedDomain: true } as const;
const refuse = (reason: string) => ({ kind: 'refuse', reason }) as SignInDecision;

const table: readonly (readonly [string, SignInFacts, SignInDecision])[] = [
  // the subject is known
  [
    'a known subject enters (SSO-6)',
    { ...open, known: { accountId: 'a', member: active } },
    { kind: 'enter', accountId: 'a', membership: 'keep' },
  ],
  [
    'a known subject enters whatever its address is now (SSO-6)',
    {
      ...open,
      known: { accountId: 'a', member: active },
      email: { ...vouched, holder: { accountId: 'b', otherSubject: false } },
    },
    { kind: 'enter', accountId: 'a', membership: 'keep' },
  ],
  [
    'a removed member comes back at the next sign-in (MEM-4)',
    { ...open, known: { accountId: 'a' } },
    { kind: 'enter', accountId: 'a', membership: 'add' },
  ],
  [
    'a removed and blocked member does not (MEM-4)',
    { ...open, known: { accountId: 'a' }, blocked: true },
    refuse('blocked'),
  ],
  [
    'a removed member stays out where nobody is made at sign-in',
    { ...closed, known: { accountId: 'a' } },
    refuse('not_provisioned'),
  ],
  [
    'a suspended member is refused (MEM-1)',
    { ...open, known: { accountId: 'a', member: suspended } },
    refuse('member_suspended'),
  ],
  // nobody is known
  [
    'a stranger is made, the address proven inside a verified domain (SSO-3, SSO-4)',
    { ...open, email: vouched },
    { kind: 'create', claim: 'proven' },
  ],
  [
    'a stranger from outside the verified domains is made without an address (SSO-3)',
    { ...open, email: { vouched: true, inVerifiedDomain: false } },
    { kind: 'create', claim: 'none' },
  ],
  [
    'an address that the IdP does not vouch for proves nothing',
    { ...open, email: { vouched: false, inVerifiedDomain: true } },
    { kind: 'create', claim: 'none' },
  ],
  ['a stranger without an address is made without one (ACC-3)', open, { kind: 'create', claim: 'none' }],
  [
    'a stranger is refused where nobody is made at sign-in (SSO-4)',
    { ...closed, email: vouched },
    refuse('not_provisioned'),
  ],
  // the address is an account's
  [
    'an account is linked by proven address inside a verified domain (SSO-6)',
    { ...open, email: { ...vouched, holder: { accountId: 'b', member: active, otherSubject: false } } },
    { kind: 'link', accountId: 'b', membership: 'keep' },
  ],
  [
    'an invited stranger’s account is linked and joins',
    { ...open, email: { ...vouched, holder: { accountId: 'b', otherSubject: false } } },
    { kind: 'link', accountId: 'b', membership: 'add' },
  ],
  [
    'an account outside the verified domains is never taken over (SSO-3)',
    {
      ...open,
      email: {
        vouched: true,
        inVerifiedDomain: false,
        holder: { accountId: 'b', member: active, otherSubject: false },
      },
    },
    { kind: 'queue', reason: 'unverified_domain', accountId: 'b' },
  ],
  [
    'an account is never linked by an address that the IdP does not vouch for',
    {
      ...open,
      email: {
        vouched: false,
        inVerifiedDomain: true,
        holder: { accountId: 'b', member: active, otherSubject: false },
      },
    },
    { kind: 'queue', reason: 'address_not_vouched', accountId: 'b' },
  ],
  [
    'nor where the domain is not verified either: to verify it would not be enough',
    {
      ...open,
      email: {
        vouched: false,
        inVerifiedDomain: false,
        holder: { accountId: 'b', member: active, otherSubject: false },
      },
    },
    { kind: 'queue', reason: 'address_not_vouched', accountId: 'b' },
  ],
  [
    'an account that is another subject already is a question (SSO-6)',
    { ...open, email: { ...vouched, holder: { accountId: 'b', member: active, otherSubject: true } } },
    { kind: 'queue', reason: 'other_subject', accountId: 'b' },
  ],
  [
    'a suspended member does not come in by linking',
    { ...open, email: { ...vouched, holder: { accountId: 'b', member: suspended, otherSubject: false } } },
    refuse('member_suspended'),
  ],
  [
    'the Owner is linked and never refused (OWN-1)',
    { ...closed, email: { ...vouched, holder: { accountId: 'b', member: owner, otherSubject: false } } },
    { kind: 'link', accountId: 'b', membership: 'keep' },
  ],
  // the connection names a directory
  [
    'who is not in the directory is refused, whatever the address says (SSO-4)',
    { ...inDirectory, email: { ...vouched, holder: { accountId: 'b', member: active, otherSubject: false } } },
    refuse('not_in_directory'),
  ],
  [
    'who is in the directory is linked (SSO-4)',
    { ...inDirectory, pushed: { link: 'linked', active: true, accountId: 'c', member: active, otherSubject: false } },
    { kind: 'link', accountId: 'c', membership: 'keep' },
  ],
  [
    'whose proven addresses all lie outside of the verified domains is a question, though a push has named them (SSO-3)',
    {
      ...inDirectory,
      pushed: { link: 'linked', active: true, accountId: 'c', member: owner, otherSubject: false, outside: true },
    },
    { kind: 'queue', reason: 'unverified_domain', accountId: 'c' },
  ],
  [
    'who is deactivated in the directory is refused (SSO-4)',
    {
      ...inDirectory,
      known: { accountId: 'c', member: suspended },
      pushed: { link: 'linked', active: false, accountId: 'c', member: suspended, otherSubject: false },
    },
    refuse('deactivated_in_directory'),
  ],
  [
    'who waits for adoption is refused until then (SCIM-3)',
    { ...inDirectory, pushed: { link: 'waiting', active: true, otherSubject: false } },
    refuse('waiting_for_adoption'),
  ],
  [
    'a removed member of the directory comes back (MEM-4)',
    {
      ...inDirectory,
      known: { accountId: 'c' },
      pushed: { link: 'linked', active: true, accountId: 'c', otherSubject: false },
    },
    { kind: 'enter', accountId: 'c', membership: 'add' },
  ],
  [
    'a known subject that the directory takes for somebody else is a question (SSO-6)',
    {
      ...inDirectory,
      known: { accountId: 'a', member: active },
      pushed: { link: 'linked', active: true, accountId: 'c', member: active, otherSubject: false },
    },
    { kind: 'queue', reason: 'other_subject', accountId: 'c' },
  ],
  [
    'the Owner enters though the directory does not know them (OWN-5)',
    { ...inDirectory, known: { accountId: 'o', member: owner } },
    { kind: 'enter', accountId: 'o', membership: 'keep' },
  ],
];

describe('what becomes of one who comes from an IdP', () => {
  test.each(table)('%s', (_title, facts, decision) => {
    expect(decideSignIn(facts)).toEqual(decision);
  });

  const member = fc.option(fc.record({ status: fc.constantFrom('active', 'suspended'), owner: fc.boolean() }), {
    nil: undefined,
  });
  const standing = fc.record({ accountId: fc.constantFrom('a', 'b'), member, otherSubject: fc.boolean() });
  const anyFacts = fc.record({
    jit: fc.boolean(),
    directory: fc.boolean(),
    blocked: fc.boolean(),
    known: fc.option(standing, { nil: undefined }),
    pushed: fc.option(
      fc.record({
        link: fc.constantFrom('linked', 'waiting'),
        active: fc.boolean(),
        accountId: fc.constantFrom('a', 'b'),
        member,
        otherSubject: fc.boolean(),
      }),
      { nil: undefined },
    ),
    email: fc.option(
      fc.record({
        vouched: fc.boolean(),
        inVerifiedDomain: fc.boolean(),
        holder: fc.option(standing, { nil: undefined }),
      }),
      { nil: undefined },
    ),
  });

  test('no facts let an IdP reach an account outside of what its organization has proved, or a suspended member (SSO-3, MEM-1)', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const facts = given as unknown as SignInFacts;
        const decision = decideSignIn(facts);
        if (decision.kind !== 'enter' && decision.kind !== 'link') return;
        const reached = decision.accountId;
        const proven =
          facts.email?.vouched && facts.email.inVerifiedDomain && facts.email.holder?.accountId === reached;
        const ways = [
          facts.known?.accountId === reached,
          facts.directory && facts.pushed?.accountId === reached,
          !facts.directory && proven,
        ];
        expect(ways).toContain(true);
        const members = [facts.known, facts.directory ? facts.pushed : facts.email?.holder].filter(
          (one) => one?.accountId === reached,
        );
        expect(
          members.some((one) => one?.member === undefined || one.member.owner || one.member.status === 'active'),
        ).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
