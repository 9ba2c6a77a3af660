/** The management API: every route, one file per noun. A path stands before those that have a parameter in the place of one of its words. */
import { decisionRoutes } from '../authzen/index.ts';
import type { Route } from '../route.ts';
import { accountRoutes } from './accounts.ts';
import { claimGroupRoutes } from './claimGroups.ts';
import { collaboratorRoutes } from './collaborators.ts';
import { ssoConnectionRoutes } from './connections.ts';
import { directoryRoutes } from './directories.ts';
import { domainRoutes } from './domains.ts';
import { emailRoutes } from './emails.ts';
import { eventRoutes } from './events.ts';
import { expiryRoutes } from './expiries.ts';
import { explainRoutes } from './explain.ts';
import { identityRoutes } from './identities.ts';
import { identityExportRoutes } from './identityExport.ts';
import { invitationRoutes } from './invitations.ts';
import { keyRoutes } from './keys.ts';
import { mappingRoutes } from './mappings.ts';
import { meRoutes } from './me.ts';
import { memberBulkRoutes } from './memberBulk.ts';
import { memberRoutes } from './members.ts';
import { oauthClientRoutes } from './oauthClients.ts';
import { organizationRoutes } from './organizations.ts';
import { ownershipRoutes } from './ownership.ts';
import { profileRoutes } from './profile.ts';
import { projectKeyRoutes } from './projectKeys.ts';
import { projectRoutes } from './projects.ts';
import { provisioningLogRoutes } from './provisioningLog.ts';
import { recordRoutes } from './records.ts';
import { resourceRoutes } from './resources.ts';
import { schemaRoutes } from './schemas.ts';
import { serviceCredentialRoutes } from './serviceCredentials.ts';
import { sessionRoutes } from './sessions.ts';
import { signInRoutes } from './signIns.ts';
import { webhookRoutes } from './webhooks.ts';

export const apiRoutes: readonly Route[] = [
  ...decisionRoutes,
  ...keyRoutes,
  ...sessionRoutes,
  ...meRoutes,
  ...profileRoutes,
  ...emailRoutes,
  ...accountRoutes,
  ...organizationRoutes,
  ...memberBulkRoutes,
  ...memberRoutes,
  ...invitationRoutes,
  ...ownershipRoutes,
  ...domainRoutes,
  ...ssoConnectionRoutes,
  ...claimGroupRoutes,
  ...expiryRoutes,
  ...directoryRoutes,
  ...schemaRoutes,
  ...oauthClientRoutes,
  ...provisioningLogRoutes,
  ...recordRoutes,
  ...eventRoutes,
  ...webhookRoutes,
  ...mappingRoutes,
  ...projectRoutes,
  ...collaboratorRoutes,
  ...projectKeyRoutes,
  ...resourceRoutes,
  ...signInRoutes,
  ...identityRoutes,
  ...identityExportRoutes,
  ...explainRoutes,
  ...serviceCredentialRoutes,
];
