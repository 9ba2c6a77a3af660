/** Whether the principal may call a route; what it cannot see is not there: 404, not 403 (PRJ-1). */
import {
  type Decision,
  evaluate,
  getOrganization,
  getProject,
  organizationClosed,
  type Permission,
  type ReasonCode,
  type ResourceRef,
  refuseClosed,
} from '../access/index.ts';
import { AppError } from '../errors.ts';
import { findStepUpUrl } from '../sso/index.ts';
import { PLATFORM, type ReadStore } from '../store/index.ts';
import type { Principal, Route } from './route.ts';

/** Refusals to those to whom the organization or project does not show at all. */
const unseen: ReadonlySet<ReasonCode> = new Set([
  'not_a_member',
  'no_project_access',
  'project_not_joined',
  'unknown_resource',
]);

/**
 * Passes, and answers the decision where it stood on a permission of a person. Else throws AppError: operator_only,
 * scope_insufficient (a service credential without the route's scope, or a route that has none), permission_denied,
 * not_found (there is no such thing, or none that this principal can see), token_revoked (the session's part in this
 * organization has been ended), step_up_required (the organization asks for a sign-in of its own, SSO-5).
 */
export async function authorize(
  { access, scope }: Pick<Route, 'access' | 'scope'>,
  principal: Principal,
  params: Readonly<Record<string, string>>,
  reads: ReadStore,
  baseUrl: string,
): Promise<Decision | undefined> {
  if (access === 'public') return undefined;
  if (principal.kind === 'service') demandScope(scope, principal.scopes);
  if (access === 'operator') {
    if (principal.kind !== 'account') return undefined;
    throw new AppError('operator_only', 'Only the operator may do this, and not in the place of somebody else.');
  }
  if (access === 'self') {
    if (principal.kind === 'account') return undefined;
    throw new AppError(
      'permission_denied',
      'The operator is no person and has nothing of their own; name one with Gatehouse-Act-As.',
    );
  }
  const id = (access.on === 'organization' ? params.org : params.project) ?? '';
  return demand(principal, access.permission, { kind: access.on, id }, reads, baseUrl);
}

/** A service passes where the route names one of its scopes, and nowhere else (OPS-4). */
function demandScope(scope: Route['scope'], scopes: readonly string[]): void {
  if (scope === undefined) throw new AppError('scope_insufficient', 'No scope of a service credential opens this.');
  if (scopes.includes(scope)) return;
  const message = `This needs the scope ${scope}; the service credential has ${scopes.join(', ')}.`;
  throw new AppError('scope_insufficient', message, { details: { scope, scopes } });
}

/**
 * The same for one permission, also one that a handler asks beside its route's own: which one a request needs may depend on
 * its body. Answers the decision that allows a person; the operator, and a service that its route has let in,
 * pass wherever the resource is.
 */
export async function demand(
  principal: Principal,
  permission: Permission,
  resource: ResourceRef,
  reads: ReadStore,
  baseUrl: string,
): Promise<Decision | undefined> {
  const { kind, id } = resource;
  if (principal.kind !== 'account') {
    await (kind === 'organization' ? getOrganization(reads, id) : getProject(reads, id));
    return undefined;
  }
  const { accountId, session } = principal;
  const decision = await evaluate(reads, { accountId, permission, resource, ...(session && { session }) });
  const { allowed, reason, message } = decision;
  if (allowed) return decision;
  if (unseen.has(reason)) throw new AppError('not_found', `There is no ${resource.kind} ${resource.id}.`);
  if (reason === 'project_archived') throw new AppError('project_archived', `${message}.`);
  if (reason === 'organization_closed') throw organizationClosed();
  if (reason === 'session_ended') {
    throw new AppError('token_revoked', 'This session has ended in the organization. Sign in again.');
  }
  if (reason === 'step_up_required') {
    const organizationId = resource.kind === 'organization' ? resource.id : await organizationOf(reads, resource.id);
    const signInUrl = await findStepUpUrl(reads, baseUrl, organizationId, accountId);
    throw new AppError('step_up_required', `${message}.`, { details: { organizationId, signInUrl } });
  }
  throw new AppError('permission_denied', `${message}.`, { details: { permission, reason } });
}

const organizationOf = async (reads: ReadStore, projectId: string): Promise<string> =>
  (await getProject(reads, projectId)).organizationId;

/**
 * The operator looks at a closed organization, restores or deletes it, and changes nothing else in it, nor does a service (ORG-2).
 * Throws `organization_closed`.
 */
export async function refuseInClosed(params: Readonly<Record<string, string>>, reads: ReadStore): Promise<void> {
  if (params.org !== undefined) await refuseClosed(reads, params.org);
  if (params.project === undefined) return;
  const project = await reads.projects.get(PLATFORM, params.project);
  if (project?.organizationClosed) throw organizationClosed();
}
