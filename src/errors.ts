/**
 * The one error type of the product and the closed table of its codes.
 *
 * Areas throw AppError and know nothing of HTTP; http, scim, the sign-in page and the workers are the only
 * interpreters (code → kind → status, scimType, retry). A code is part of the public contract: it is never reused.
 */

/** What a code means to a protocol. http/errors.ts turns a kind into a status, scim/errors.ts into a SCIM error. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'gone'
  | 'method_not_allowed'
  | 'conflict'
  | 'stale'
  | 'not_acceptable'
  | 'unsupported_media'
  | 'too_large'
  | 'rate_limited'
  | 'not_implemented'
  | 'unavailable';

const catalogue = {
  // anything from outside that does not parse
  invalid_request: 'invalid',
  malformed_json: 'invalid',
  unsupported_content_type: 'unsupported_media',
  not_acceptable: 'not_acceptable',
  body_too_large: 'too_large',
  // who is asking
  authentication_required: 'unauthenticated',
  token_invalid: 'unauthenticated',
  token_expired: 'unauthenticated',
  token_revoked: 'unauthenticated',
  permission_denied: 'forbidden',
  operator_only: 'forbidden',
  scope_insufficient: 'forbidden',
  act_as_refused: 'forbidden',
  csrf_refused: 'forbidden',
  step_up_required: 'forbidden',
  // what is asked for
  not_found: 'not_found',
  route_not_found: 'not_found',
  method_not_allowed: 'method_not_allowed',
  // feeds
  cursor_expired: 'gone',
  // rules of accounts, organizations, members, the Owner
  email_taken: 'conflict',
  last_email: 'conflict',
  account_owns_organizations: 'conflict',
  ssh_key_invalid: 'invalid',
  ssh_key_exists: 'conflict',
  too_many_ssh_keys: 'conflict',
  slug_taken: 'conflict',
  organization_closed: 'forbidden',
  not_closed: 'conflict',
  grace_over: 'conflict',
  account_not_found: 'invalid',
  already_a_member: 'conflict',
  member_suspended: 'conflict',
  member_blocked: 'forbidden',
  invitation_pending: 'conflict',
  invitation_expired: 'conflict',
  invitation_closed: 'conflict',
  invitation_of_another: 'conflict',
  invitations_off: 'forbidden',
  sign_in_required: 'forbidden',
  owner_protected: 'forbidden',
  reauthentication_required: 'forbidden',
  heir_not_eligible: 'conflict',
  transfer_pending: 'conflict',
  transfer_expired: 'conflict',
  role_from_mapping: 'conflict',
  role_from_organization: 'conflict',
  governed_by_directory: 'conflict',
  domain_taken: 'conflict',
  no_active_connection: 'conflict',
  domain_shared: 'invalid',
  domain_unproven: 'conflict',
  dns_unanswered: 'conflict',
  // projects, collaborators
  project_name_taken: 'conflict',
  default_project_protected: 'conflict',
  multi_project_off: 'forbidden',
  projects_remain: 'conflict',
  project_archived: 'conflict',
  resources_remain: 'conflict',
  mappings_remain: 'conflict',
  not_organization_member: 'conflict',
  already_a_collaborator: 'conflict',
  // keys
  default_key_protected: 'conflict',
  // resources
  resource_exists: 'conflict',
  cluster_not_found: 'invalid',
  cluster_in_use: 'conflict',
  // directories and SCIM (scim/errors.ts adds the scimType)
  scim_uniqueness: 'conflict',
  scim_invalid_filter: 'invalid',
  scim_invalid_path: 'invalid',
  scim_invalid_value: 'invalid',
  scim_invalid_syntax: 'invalid',
  scim_mutability: 'invalid',
  scim_no_target: 'invalid',
  scim_too_many: 'invalid',
  scim_invalid_version: 'invalid',
  scim_not_supported: 'not_implemented',
  bulk_reference_failed: 'conflict',
  schema_limit: 'conflict',
  replay_not_possible: 'conflict',
  replay_incomplete: 'conflict',
  scim_invalid_cursor: 'invalid',
  scim_invalid_count: 'invalid',
  directory_busy: 'unavailable',
  // what is read elsewhere, at an address that somebody has named
  address_refused: 'invalid',
  remote_unreachable: 'invalid',
  remote_too_large: 'invalid',
  // connections
  metadata_invalid: 'invalid',
  certificate_invalid: 'invalid',
  issuer_invalid: 'invalid',
  issuer_fixed: 'conflict',
  connection_untested: 'conflict',
  key_waiting: 'conflict',
  key_in_use: 'conflict',
  // sign-in (sso/ gives each its page)
  sign_in_expired: 'invalid',
  sign_in_elsewhere: 'forbidden',
  link_expired: 'invalid',
  form_expired: 'forbidden',
  confirmation_required: 'conflict',
  nothing_to_confirm: 'conflict',
  // the token endpoint of a directory (scim/oauth/ gives each the name of RFC 6749 §5.2)
  oauth_invalid_request: 'invalid',
  oauth_invalid_client: 'unauthenticated',
  oauth_unsupported_grant_type: 'invalid',
  oauth_invalid_scope: 'invalid',
  oauth_key_exists: 'conflict',
  oauth_issuer_exists: 'conflict',
  issuer_keys_unavailable: 'unavailable',
  rate_limited: 'rate_limited',
  // webhooks
  too_many_webhooks: 'conflict',
  webhook_disabled: 'conflict',
  // mappings
  mapping_exists: 'conflict',
  grants_choice_required: 'invalid',
  // the machine itself
  stale: 'stale',
  store_unavailable: 'unavailable',
  shutting_down: 'unavailable',
} as const satisfies Record<string, ErrorKind>;

/** Every code that an error of Gatehouse can carry. */
export type ErrorCode = keyof typeof catalogue;

/** The whole table, for the OpenAPI document and for the tests that walk it. */
export const errorCatalogue: Readonly<Record<ErrorCode, ErrorKind>> = catalogue;

/**
 * A refusal or failure with a stable code.
 *
 * `message` is for the person or the IdP that reads it: it says what is wrong and what to do, and never holds a secret.
 * `details` are machine-readable facts (the fields at fault, the mapping that holds a role).
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details;
  }

  get kind(): ErrorKind {
    return catalogue[this.code];
  }
}

/** Whether `error` is an AppError with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is AppError {
  return error instanceof AppError && error.code === code;
}
