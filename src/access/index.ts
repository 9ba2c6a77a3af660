/**
 * What people may do: accounts, organizations, members and their Owner, projects, collaborators, grants, keys, sessions.
 * The permission tables and the one decision over them live here; what an IdP has said lives in directory/.
 */
export * from './accessibleProjects.ts';
export * from './accountDeletion.ts';
export * from './accounts.ts';
export * from './announcement.ts';
export * from './apiKeys.ts';
export * from './blocks.ts';
export * from './closing.ts';
export * from './collaboratorList.ts';
export * from './collaborators.ts';
export * from './connectionNews.ts';
export * from './decide.ts';
export * from './defaultKey.ts';
export * from './deletion.ts';
export * from './domainChecks.ts';
export * from './domainNames.ts';
export {
  claimDomain,
  findDomains,
  forceVerifyDomain,
  getDomain,
  ownsVerifiedDomain,
  recordOf,
  removeDomain,
  verifyDomain,
} from './domains.ts';
export * from './emailAddress.ts';
export * from './evaluate.ts';
export * from './explain.ts';
export * from './formerPeople.ts';
export * from './governance.ts';
export * from './grants.ts';
export * from './idpSessions.ts';
export * from './invitationRoles.ts';
export * from './invitations.ts';
export * from './letters.ts';
export * from './linkSignIn.ts';
export * from './mailboxes.ts';
export * from './mailedLinks.ts';
export * from './makers.ts';
export * from './mappedGrants.ts';
export * from './memberList.ts';
export * from './memberRole.ts';
export * from './members.ts';
export * from './organizations.ts';
export * from './owner.ts';
export * from './ownership.ts';
export * from './ownershipNews.ts';
export * from './permissions.ts';
export * from './presence.ts';
export * from './profile.ts';
export * from './projectEnd.ts';
export * from './projectKeys.ts';
export * from './projects.ts';
export * from './registered.ts';
export * from './resources.ts';
export * from './resourceTypes.ts';
export * from './search.ts';
export * from './serviceCredentials.ts';
export * from './sessions.ts';
export * from './sessionWorth.ts';
export * from './webhookNews.ts';
