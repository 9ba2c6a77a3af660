/**
 * A route is declared once, as data with its handler: mounting, validation, authorization and the OpenAPI document all
 * come from the same declaration.
 */
import type { z } from 'zod';
import type { Decision, Permission, ServiceScope } from '../access/index.ts';
import type { ErrorCode } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { TxtLookup } from '../lib/dns.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import type { Sealer } from '../lib/secrets.ts';
import type { IdentityVersions } from '../provisioning/index.ts';
import type { Replay } from '../scim/index.ts';
import type { SignInLimits } from '../sso/index.ts';
import type { LastUses, ReadStore, Session, Store, Transaction } from '../store/index.ts';

/** Who asks. With `operator` an account's rights are used by the operator (Gatehouse-Act-As). */
export type Principal =
  | { readonly kind: 'operator' }
  | {
      readonly kind: 'account';
      readonly accountId: string;
      readonly session?: Session;
      readonly operator: boolean;
    }
  /** A service of the platform, by a credential of its own (OPS-4). */
  | { readonly kind: 'service'; readonly id: string; readonly scopes: readonly string[] };

/**
 * Who may call a route:
 * - `public`: anybody, without a token;
 * - `operator`: the operator, not acting as somebody;
 * - `self`: a person, about what is their own;
 * - a permission on the organization `{org}` or the project `{project}` of the path; the operator has them all.
 */
export type Access =
  | 'public'
  | 'operator'
  | 'self'
  | { readonly permission: Permission; readonly on: 'organization' | 'project' };

/** What handlers work with. */
export interface ApiDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly baseUrl: string;
  readonly outgoing: Outgoing;
  /** Whether what organizations name may be on loopback and private networks. */
  readonly allowPrivate: boolean;
  readonly limits: SignInLimits;
  /** How many days feeds reach back (EVT-1). */
  readonly eventDays: number;
  /** Notes when service credentials were last used (OPS-4). */
  readonly serviceUses: LastUses;
  readonly lookUpTxt: TxtLookup;
  /** Notes when API keys were last used (KEY-2). */
  readonly keyUses: LastUses;
  /** What node agents were told before (PRJ-7). */
  readonly identityVersions: IdentityVersions;
  /** Sends a request of the provisioning log again. */
  readonly replay: Replay;
  /** Whether this process is to end: what waits should answer now. */
  isClosing(): boolean;
}

/** One request as its handler sees it: authenticated, authorized, parsed. */
export interface Call<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly principal: Principal;
  readonly requestId: string;
  /** The decision that lets a person pass; absent for the operator and for services. */
  readonly decision: Decision | undefined;
  readonly reads: ReadStore;
  /** Whether the client has this very answer already (If-None-Match). */
  isKnown(answer: unknown): boolean;
  /** For a route that waits: throws where the one who asks may no longer, as at the beginning. */
  renew(): Promise<void>;
  /** For a route that waits: whether nobody waits for its answer any more. */
  isGone(): boolean;
  /** Runs a transaction whose cause names the principal and the request. */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

interface Declaration<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With parameters in braces: `/api/v1/organizations/{org}`. */
  readonly path: `/${string}`;
  readonly tag: Tag;
  /** One line in the imperative. */
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  /** In a sentence, who of those may: where its use case asks for more than the permission. */
  readonly whoMay?: string;
  /** Lets service credentials with this scope in too, wherever the operator may ask (OPS-4). */
  readonly scope?: ServiceScope;
  /** The operator may call it, and change something, while the organization is closed (ORG-2). */
  readonly onClosed?: true;
  /** Of a public route: whoever sends a token or a session's cookie is known to its handler; nobody has to. */
  readonly session?: 'optional';
  /** Says of a POST that it only asks: it changes nothing, and `write` is refused to its handler. */
  readonly readOnly?: true;
  /** Parameters that do not fit are names of nothing: 404. */
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly status: 200 | 201 | 202 | 204;
  readonly response?: R;
  /** Refusals of its own, beyond those that come from its access and input. */
  readonly errors?: readonly ErrorCode[];
  /** The answer carries the strong ETag of its content; a GET with that in If-None-Match is answered 304, without a body. */
  readonly etag?: true;
  /** Of a public route whose answer is the same to all: caches may keep it for so many seconds. */
  readonly maxAge?: number;
  handle(
    call: Call<z.output<P>, z.output<Q>, z.output<B>>,
    deps: ApiDeps,
  ): Promise<R extends z.ZodNever ? undefined : z.output<R>>;
}

export type Tag =
  | 'Accounts'
  | 'Organizations'
  | 'Members'
  | 'Domains'
  | 'Connections'
  | 'Directories'
  | 'Provisioning'
  | 'Mappings'
  | 'Projects'
  | 'Keys'
  | 'Resources'
  | 'Events'
  | 'Sessions'
  | 'Sign-in'
  | 'Me'
  | 'Decisions'
  | 'Platform'
  | 'Service';

/** Any route, as mounting and the document see it. */
export type Route = Declaration<z.ZodType, z.ZodType, z.ZodType, z.ZodType>;

/** Declares a route; exists for the types that it infers for the handler. */
export function route<
  P extends z.ZodType = z.ZodNever,
  Q extends z.ZodType = z.ZodNever,
  B extends z.ZodType = z.ZodNever,
  R extends z.ZodType = z.ZodNever,
>(declaration: Declaration<P, Q, B, R>): Route {
  return declaration as unknown as Route;
}

/** Whether a route may change something. */
export const mayWrite = ({ method, readOnly }: Pick<Route, 'method' | 'readOnly'>): boolean =>
  method !== 'get' && readOnly !== true;
