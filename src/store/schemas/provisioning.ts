import { organizationCollection } from '../define.ts';

/** Members of this directory group get this role (MAP-1, by id). */
export const mappings = organizationCollection('mappings', {
  directoryId: { type: String, required: true },
  groupId: { type: String, required: true },
  groupExternalId: { type: String },
  target: { type: String, enum: ['organization', 'project'], required: true },
  targetId: { type: String, required: true },
  role: { type: String, enum: ['admin', 'member'], required: true },
});
mappings.schema.index({ organizationId: 1, groupId: 1, targetId: 1 }, { unique: true });
mappings.schema.index({ organizationId: 1, targetId: 1 });
