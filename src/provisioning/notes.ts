/** What a push was accepted without, as the provisioning log names it (SCIM-5): code → what it means to an Admin. */
export const notes = {
  email_held_by_another: 'another person holds this address: this one signs in without it (ACC-3)',
  waiting_for_adoption: 'an account with this address exists, and the domain is not verified: it waits (SCIM-3)',
  governed_by_another_directory: 'another directory governs this person: only groups count (SCIM-3)',
  removed_member_stays_out: 'an Admin has removed this person; only a push of active: true brings them back (MEM-4)',
  departed_member_stays_suspended: 'another directory has deleted this person, who stays suspended (SCIM-3)',
  recycled_identity: 'the userName or address of one who had left, without the immutable id: came back without grants',
  removal_held: 'too much would be removed at once: held for an Admin (SCIM-6)',
  group_not_bound: 'a mapping of a deleted group with this externalId could not be bound to this one (MAP-1)',
} as const;

export type Note = keyof typeof notes;
