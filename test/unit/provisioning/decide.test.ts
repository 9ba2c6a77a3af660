import { describe, expect, test } from '@jest/globals';
import {
  decideConflict,
  decideDeparture,
  decideIdentity,
  decideMembership,
  type Identity,
  type IdentityFacts,
  type Membership,
  type MembershipFacts,
} from '../../../src/provisioning/decide.ts';

const nobody: IdentityFacts = { address: true, addressHeldInDirectory: false, domainVerified: false };
const holds = (member: 'none' | 'present' | 'departed') => ({ holder: { accountId: 'acc-holder', member } });

const identities: readonly (readonly [promise: string, facts: Partial<IdentityFacts>, expected: Identity])[] = [
  [
    'an unknown address outside verified domains is an account that claims it without proof (ACC-2)',
    {},
    { kind: 'new', claim: 'unproven', conflict: false },
  ],
  [
    'an unknown address inside a verified domain is proven by the IdP (ACC-2)',
    { domainVerified: true },
    { kind: 'new', claim: 'proven', conflict: false },
  ],
  [
    'a person without an address is an account without one (ACC-3)',
    { address: false },
    { kind: 'new', claim: 'none', conflict: false },
  ],
  [
    'a second user with the same address is an account of its own without it, and the conflict is told (ACC-3)',
    { addressHeldInDirectory: true, ...holds('present') },
    { kind: 'new', claim: 'none', conflict: true },
  ],
  [
    'a second user with the same address in a verified domain claims it no more (ACC-3)',
    { addressHeldInDirectory: true, domainVerified: true },
    { kind: 'new', claim: 'none', conflict: true },
  ],
  [
    'whoever is a member already is adopted, verified domain or not (SCIM-3)',
    holds('present'),
    { kind: 'found', accountId: 'acc-holder' },
  ],
  [
    'an account from elsewhere is linked when its domain is verified (SCIM-3)',
    { ...holds('none'), domainVerified: true },
    { kind: 'found', accountId: 'acc-holder' },
  ],
  ['an account from elsewhere waits when its domain is not verified (SCIM-3)', holds('none'), { kind: 'waiting' }],
  [
    'an equal immutable id is the same person, whatever address comes with it (SCIM-3)',
    { departedWithSameId: 'acc-departed', departedWithSameName: 'acc-other' },
    { kind: 'returned', accountId: 'acc-departed', conflict: false },
  ],
  [
    "an equal immutable id with somebody else's address is the same person, and the conflict is told (ACC-3)",
    { departedWithSameId: 'acc-departed', ...holds('present') },
    { kind: 'returned', accountId: 'acc-departed', conflict: true },
  ],
  [
    'a recycled userName inherits nothing (SCIM-3)',
    { departedWithSameName: 'acc-departed' },
    { kind: 'recycled', accountId: 'acc-departed', conflict: false },
  ],
  [
    'a departed member found by address without the immutable id is recycled, verified domain or not (SCIM-3)',
    { ...holds('departed'), domainVerified: true },
    { kind: 'recycled', accountId: 'acc-holder', conflict: false },
  ],
  [
    'an address that an account has proven weighs more than a departed namesake (SCIM-3)',
    { departedWithSameName: 'acc-departed', ...holds('present') },
    { kind: 'found', accountId: 'acc-holder' },
  ],
  [
    'a departed namesake whose address another user goes by is recycled without it, and the conflict is told (ACC-3, SCIM-3)',
    { departedWithSameName: 'acc-departed', addressHeldInDirectory: true, ...holds('present') },
    { kind: 'recycled', accountId: 'acc-departed', conflict: true },
  ],
  [
    'an equal immutable id with an address that the account itself has proven is no conflict (ACC-3)',
    { departedWithSameId: 'acc-holder', addressHeldInDirectory: true, ...holds('departed') },
    { kind: 'returned', accountId: 'acc-holder', conflict: false },
  ],
  [
    'a link never moves, whatever the userName or the address becomes (SCIM-3)',
    { linkedTo: 'acc-own', departedWithSameId: 'acc-departed', ...holds('present') },
    { kind: 'known', accountId: 'acc-own' },
  ],
];

describe('whose account a pushed person is', () => {
  test.each(identities)('%s', (_promise, facts, expected) => {
    expect(decideIdentity({ ...nobody, ...facts })).toEqual(expected);
  });
});

describe('whose an address is (ACC-3)', () => {
  test.each([
    ['free: no conflict', false, undefined, false],
    ['another user of the directory goes by it, and nobody has it proven: a conflict', true, undefined, true],
    ['another account has it proven: a conflict', false, 'acc-other', true],
    ["the person's own account has it proven: no conflict, whoever else goes by it", true, 'acc-own', false],
  ] as const)('%s', (_promise, addressHeldInDirectory, holder, expected) => {
    const facts = { addressHeldInDirectory, ...(holder && { holder: { accountId: holder } }) };
    expect(decideConflict(facts, 'acc-own')).toBe(expected);
  });
});

const present = { status: 'active', governedBy: 'this', departed: false } as const;
const pushed: MembershipFacts = { identity: 'known', active: true, statesActive: false, member: present };
const absent = { member: undefined };

const memberships: readonly (readonly [
  promise: string,
  facts: Partial<MembershipFacts>,
  expected: Partial<Membership>,
])[] = [
  ['a new person is a member', { identity: 'new', ...absent }, { step: 'add', status: 'active', governs: true }],
  [
    'a new person pushed as inactive is a suspended member (MEM-5)',
    { identity: 'new', active: false, ...absent },
    { step: 'add', status: 'suspended', governs: true },
  ],
  [
    'an account linked from elsewhere becomes a member (SCIM-3)',
    { identity: 'found', ...absent },
    { step: 'add', status: 'active', governs: true },
  ],
  [
    'a removed member comes back by a push that says active: true (MEM-4)',
    { statesActive: true, ...absent },
    { step: 'add', status: 'active', governs: true, recycled: false },
  ],
  [
    'a removed member stays out when a push does not say so (MEM-4)',
    absent,
    { step: 'keep', note: 'removed_member_stays_out' },
  ],
  [
    'a removed member stays out when the push says inactive (MEM-4)',
    { active: false, ...absent },
    { step: 'keep', note: 'removed_member_stays_out' },
  ],
  ['an ordinary push changes nothing', {}, { step: 'keep', governs: true }],
  ['active: false suspends (MEM-5)', { active: false }, { step: 'suspend', governs: true }],
  [
    'active: false for somebody suspended changes nothing',
    { active: false, member: { ...present, status: 'suspended' } },
    { step: 'keep' },
  ],
  [
    'active: true reactivates (MEM-5)',
    { statesActive: true, member: { ...present, status: 'suspended' } },
    { step: 'reactivate', governs: true, recycled: false },
  ],
  [
    'a push that does not say active: true reactivates nobody (MEM-4)',
    { member: { ...present, status: 'suspended' } },
    { step: 'keep' },
  ],
  [
    'a member by hand is adopted: the directory governs from now on (SCIM-3)',
    { identity: 'found', statesActive: true, member: { ...present, governedBy: 'nobody' } },
    { step: 'keep', governs: true, recycled: false },
  ],
  [
    'a member by hand whom the directory calls inactive is adopted and suspended (MEM-5)',
    { identity: 'found', active: false, member: { ...present, governedBy: 'nobody' } },
    { step: 'suspend', governs: true },
  ],
  [
    'a member of another directory is given groups only (SCIM-3)',
    { identity: 'found', active: false, member: { ...present, governedBy: 'another' } },
    { step: 'keep', governs: false, note: 'governed_by_another_directory' },
  ],
  [
    'another directory does not reactivate either (SCIM-3)',
    { statesActive: true, member: { status: 'suspended', governedBy: 'another', departed: false } },
    { step: 'keep', governs: false, note: 'governed_by_another_directory' },
  ],
  [
    'who returns with the immutable id has everything back (SCIM-3)',
    { identity: 'returned', statesActive: true, member: { status: 'suspended', governedBy: 'nobody', departed: true } },
    { step: 'reactivate', governs: true, recycled: false },
  ],
  [
    'who returns without it comes back with nothing (SCIM-3)',
    { identity: 'recycled', statesActive: true, member: { status: 'suspended', governedBy: 'nobody', departed: true } },
    { step: 'reactivate', governs: true, recycled: true },
  ],
  [
    'a recycled identity pushed as inactive loses everything all the same (SCIM-3)',
    { identity: 'recycled', active: false, member: { status: 'suspended', governedBy: 'nobody', departed: true } },
    { step: 'keep', governs: true, recycled: true },
  ],
  [
    'another directory that still has a departed member takes them up by active: true (MEM-4, SCIM-3)',
    { statesActive: true, member: { status: 'suspended', governedBy: 'nobody', departed: true } },
    { step: 'reactivate', governs: true, recycled: false },
  ],
  [
    'another directory that does not say active: true does not undo a departure (MEM-4)',
    { member: { status: 'suspended', governedBy: 'nobody', departed: true } },
    { step: 'keep', governs: false, note: 'departed_member_stays_suspended' },
  ],
  [
    'another directory that says active: false does not undo a departure (MEM-4)',
    { active: false, member: { status: 'suspended', governedBy: 'nobody', departed: true } },
    { step: 'keep', governs: false, note: 'departed_member_stays_suspended' },
  ],
];

describe('what a push does to the membership', () => {
  test.each(memberships)('%s', (_promise, facts, expected) => {
    expect(decideMembership({ ...pushed, ...facts })).toMatchObject(expected);
  });
});

describe('what a deletion does to the membership (SCIM-3)', () => {
  test.each([
    ['the member departs when its own directory user is deleted', present, 'depart'],
    ['nothing happens to the member of another directory', { ...present, governedBy: 'another' }, 'keep'],
    ['nothing happens to a member whom no directory governs', { ...present, governedBy: 'nobody' }, 'keep'],
    ['nothing happens where there is no member', undefined, 'keep'],
  ] as const)('%s', (_promise, member, expected) => {
    expect(decideDeparture(member)).toBe(expected);
  });
});
