/** What the protocol accepted without effect: codes of the provisioning log (SCIM-5), beside those of provisioning/. */
export type ScimNote =
  /** A password was sent: people sign in through the identity provider, nothing is kept of it. */
  | 'password_not_kept'
  /** A read-only attribute was sent, such as a user's `groups`, and ignored as RFC 7644 §3.3 asks. */
  | 'read_only_ignored'
  /** One value of a multi-valued attribute was sent several times; it is kept once. */
  | 'repeated_value_ignored'
  /** A PATCH removes what the resource does not have. */
  | 'nothing_to_remove'
  /** A member's `type` or `$ref` says something else than its `value`, which counts. */
  | 'member_contradiction_ignored'
  /** Somebody to be taken out of a group is not in it. */
  | 'member_not_in_group'
  /** Somebody to be put into a group is in it already. */
  | 'member_already_in_group'
  /** A bulk of which an operation failed: the operations have rows of their own, under the same request id. */
  | 'bulk_operation_failed';
