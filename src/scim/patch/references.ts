/** References to other resources, such as the manager: what stands beside the id goes where the id becomes another. */
import type { Attribute, ResourceType } from '../attributes.ts';
import { isObject, type Resource } from '../resource.ts';

/** A reference as it was before the PATCH. */
interface Reference {
  readonly keys: readonly string[];
  readonly before: Resource;
}

/** What describes the one that `value` names. */
const describing = ['$ref', 'display', 'displayName'];

const isReference = ({ multiValued, subAttributes }: Attribute): boolean =>
  !multiValued && subAttributes?.has('value') === true && subAttributes.has('$ref');

/** The references that the resource holds, in a copy. */
export function referencesIn(type: ResourceType, resource: Resource): readonly Reference[] {
  const found: Reference[] = [];
  for (const table of [type.core, ...type.extensions]) {
    const holder = table === type.core ? resource : resource[table.urn];
    if (!isObject(holder)) continue;
    for (const attribute of table.attributes.values()) {
      const before = holder[attribute.name];
      if (!isObject(before) || !isReference(attribute)) continue;
      const keys = table === type.core ? [attribute.name] : [table.urn, attribute.name];
      found.push({ keys, before: { ...before } });
    }
  }
  return found;
}

/**
 * Takes away what still describes somebody whose id has been replaced. Changes `resource`.
 *
 * @param parts what the operations name (keys, one a line): that is the client's own word, and stays
 */
export function dropStale(references: readonly Reference[], resource: Resource, parts: ReadonlySet<string>): void {
  for (const { keys, before } of references) {
    const now = keys.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), resource);
    if (!isObject(now) || now.value === before.value) continue;
    for (const name of describing) {
      const stale = now[name] !== undefined && now[name] === before[name];
      if (stale && !parts.has([...keys, name].join('\n'))) delete now[name];
    }
  }
}
