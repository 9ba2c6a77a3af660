/** The decision point: evaluations, searches and its own description, by the OpenID AuthZEN Authorization API 1.0 (PERM-5). */
import type { Route } from '../route.ts';
import { discoveryRoutes } from './discovery.ts';
import { evaluationRoutes } from './evaluations.ts';
import { searchRoutes } from './searches.ts';

export const decisionRoutes: readonly Route[] = [...evaluationRoutes, ...searchRoutes, ...discoveryRoutes];
