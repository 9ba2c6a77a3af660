/** The resource types of a directory: those of RFC 7643. */
import type { Directory, ReadStore } from '../store/index.ts';
import type { ResourceType } from './attributes.ts';
import { groupType } from './schemas/group.ts';
import { userType } from './schemas/user.ts';

export interface ResourceTypes {
  readonly User: ResourceType;
  readonly Group: ResourceType;
}

/** What every directory has. */
export const standardTypes: ResourceTypes = { User: userType, Group: groupType };

/** The types as they are for this directory, whose row has just been read. */
export async function typesOf(_reads: ReadStore, _directory: Directory): Promise<ResourceTypes> {
  return standardTypes;
}
