/** The store: one interface, the schemas, two engines. Areas import this file and nothing below it. */
export { rowsByName } from './byName.ts';
export type { JsonObject } from './define.ts';
export { removeExpired } from './expired.ts';
export * from './filter.ts';
export * from './lastUses.ts';
export type * from './schemas/index.ts';
export { organizationCollections } from './schemas/index.ts';
export { countFormerlySealed, reseal } from './sealed.ts';
export * from './store.ts';
