/** What IdPs have told us: directories and their tokens, users, groups, who is in which group, the provisioning log. */
/** Who may do what is access/'s; turning the one into the other is provisioning/'s. */
export * from './authenticate.ts';
export type { WriteBuffer } from './buffer.ts';
export * from './directories.ts';
export * from './edges.ts';
export * from './emails.ts';
export * from './groups.ts';
export * from './log.ts';
export * from './nesting.ts';
export * from './oauth/index.ts';
export * from './records.ts';
export * from './schemas.ts';
export * from './tokens.ts';
export * from './tokenUse.ts';
export * from './users.ts';
