import { z } from 'zod';
import { type Route, route } from '../route.ts';

/** Where everything of the decision point is (AuthZEN 1.0, section 9). */
export const discoveryRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/.well-known/authzen-configuration',
    tag: 'Decisions',
    summary: 'Read the configuration of the decision point',
    access: 'public',
    maxAge: 300,
    status: 200,
    response: z.strictObject({
      policy_decision_point: z.string(),
      access_evaluation_endpoint: z.string(),
      access_evaluations_endpoint: z.string(),
      search_subject_endpoint: z.string(),
      search_resource_endpoint: z.string(),
      search_action_endpoint: z.string(),
    }),
    handle: async (_call, { baseUrl }) => ({
      policy_decision_point: baseUrl,
      access_evaluation_endpoint: `${baseUrl}/access/v1/evaluation`,
      access_evaluations_endpoint: `${baseUrl}/access/v1/evaluations`,
      search_subject_endpoint: `${baseUrl}/access/v1/search/subject`,
      search_resource_endpoint: `${baseUrl}/access/v1/search/resource`,
      search_action_endpoint: `${baseUrl}/access/v1/search/action`,
    }),
  }),
];
