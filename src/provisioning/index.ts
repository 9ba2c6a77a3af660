/**
 * The only bridge from what IdPs have told (directory/) to what people may do (access/): pushes become memberships in
 * the push's own transaction, groups become grants through mappings and reconciliation.
 */
export { adoptConfirmed, listWaiting, proveDomain, type WaitingPerson } from './adoption.ts';
export { findConcerned, reconcileLater } from './concerned.ts';
export { type ExplainedCandidate, explainAccount, findAccountByAddress, type Origin } from './explain.ts';
export { changeMembers, createGroup, deleteGroup, updateGroup } from './groups.ts';
export { listIdentities, type ProjectIdentity } from './identityExport.ts';
export { IdentityVersions, type NamedIdentities } from './identityVersions.ts';
export {
  acceptInvitation,
  invite,
  inviteAgain,
  type ReceivedInvitation,
  readInvitation,
} from './invited.ts';
export { memberAdded } from './joined.ts';
export {
  changeMapping,
  createMapping,
  deleteMapping,
  type GrantsChoice,
  getMapping,
  listMappings,
  type NewMapping,
} from './mappings.ts';
export { createPerson, deletePerson, type PersonResult, resolveWaitingPerson, updatePerson } from './people.ts';
export { reconcilePeople, reconcilePerson } from './reconcile.ts';
export { sweepAll, sweepOrganization } from './sweep.ts';
