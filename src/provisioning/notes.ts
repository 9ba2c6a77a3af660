/** What a push was accepted without, or what an Admin should look at: codes of the provisioning log (SCIM-5). */
export type Note =
  /** Somebody else has this address: the person signs in without it (ACC-3). */
  | 'email_held_by_another'
  /** An account with this address exists, and the organization has not verified the domain (SCIM-3). */
  | 'waiting_for_adoption'
  /** Another directory governs this person: only groups count (SCIM-3). */
  | 'governed_by_another_directory'
  /** An Admin has removed this person: only a push of `active: true` brings them back (MEM-4). */
  | 'removed_member_stays_out'
  /** The governing directory has deleted this person, whom only a push of `active: true` brings back (MEM-4, SCIM-3). */
  | 'departed_member_stays_suspended'
  /** Came back under the userName or address of one who had left, without the immutable id: without grants (SCIM-3). */
  | 'recycled_identity'
  /** Too much would be removed at once: held for an Admin (SCIM-6). */
  | 'removal_held'
  /** A mapping of a deleted group with this externalId: this group has one of its own on the same target (MAP-1). */
  | 'group_not_bound';
