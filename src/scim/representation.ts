/** Resources as they are answered (RFC 7643 §3). */
import { createHash } from 'node:crypto';
import type { Directory, DirectoryGroup, DirectoryUser, Edge } from '../store/index.ts';
import type { ResourceType } from './attributes.ts';
import { isObject, type Resource } from './input.ts';
import { resourceOf } from './records.ts';

/** Where the resources of a directory are found: `https://host/scim/v2/dir-…`. */
export type BaseUrl = string;

export const baseUrlOf = (publicUrl: string, directory: Pick<Directory, '_id'>): BaseUrl =>
  `${publicUrl.replace(/\/+$/, '')}/scim/v2/${directory._id}`;

type AnyRow = DirectoryUser | DirectoryGroup;

/** The absolute URI of a resource. */
export const locationOf = (base: BaseUrl, type: ResourceType, id: string): string => `${base}${type.endpoint}/${id}`;

/** The weak entity tag of a row (RFC 7644 §3.14). */
export const versionOf = (row: Pick<AnyRow, 'version'>): string => `W/"${row.version}"`;

/**
 * The resource with a version that also tells what stands in `parts`, whose order means nothing: `W/"3"` becomes
 * `W/"3-…"`. preconditions.ts knows the form.
 */
export function covering(resource: Resource, parts: readonly Resource[]): Resource {
  const { meta } = resource;
  if (!isObject(meta)) return resource;
  const content = JSON.stringify(parts.map((part) => JSON.stringify(part)).sort());
  const mark = createHash('sha256').update(content).digest('base64url').slice(0, 16);
  return { ...resource, meta: { ...meta, version: String(meta.version).replace(/"$/, `-${mark}"`) } };
}

/** The row as a resource; memberships are not in it. */
export function represent(type: ResourceType, base: BaseUrl, row: AnyRow): Resource {
  const resource = resourceOf(row);
  return {
    schemas: [type.core.urn, ...Object.keys(resource).filter((key) => /^urn:/i.test(key))],
    id: row._id,
    ...resource,
    meta: {
      resourceType: type.name,
      created: row.createdAt.toISOString(),
      lastModified: row.updatedAt.toISOString(),
      location: locationOf(base, type, row._id),
      version: versionOf(row),
    },
  };
}

/** What people read of somebody: the name for display, else the full name, else the name to sign in with. */
export function displayOf(row: AnyRow): string {
  if (row.displayName !== undefined) return row.displayName;
  const { name } = row.attributes;
  const formatted = isObject(name) ? name.formatted : undefined;
  if (typeof formatted === 'string' && formatted !== '') return formatted;
  return 'userName' in row ? row.userName : row._id;
}

/** A group's member (RFC 7643 §4.2). */
export const memberOfGroup = (
  base: BaseUrl,
  edge: Pick<Edge, 'memberId' | 'memberKind'>,
  display?: string,
): Resource => ({
  value: edge.memberId,
  $ref: `${base}/${edge.memberKind}s/${edge.memberId}`,
  ...(display !== undefined && { display }),
  type: edge.memberKind,
});

/** A group that a user is a member of, directly or through other groups (RFC 7643 §4.1.2). */
export const groupOfUser = (base: BaseUrl, group: DirectoryGroup, type: 'direct' | 'indirect'): Resource => ({
  value: group._id,
  $ref: `${base}/Groups/${group._id}`,
  display: group.displayName,
  type,
});
