/** Reading of a parsed document: elements by namespace and name, attributes, text. Nothing here decides. */

/** What is read of a node, whatever kind it is. */
function* nodesBelow(node: Node): Generator<Node> {
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    yield child;
    yield* nodesBelow(child);
  }
}

const ELEMENT = 1;
const TEXT = 3;
const CDATA = 4;

const isElement = (node: Node): node is Element => node.nodeType === ELEMENT;

/** All elements of a document, or below an element, in their order. */
export function elementsBelow(node: Node): readonly Element[] {
  return [...nodesBelow(node)].filter(isElement);
}

/**
 * Makes CDATA sections the text that they are (XML 1.0 §2.7), one with the text around them, as every canonical form does (Canonical XML §2.3): whoever
 * reads on reads a value whole.
 */
export function writeOutCharacterData(document: Document): void {
  const sections = [...nodesBelow(document)].filter(({ nodeType }) => nodeType === CDATA);
  for (const section of sections) {
    const { parentNode, nodeValue } = section;
    if (nodeValue) parentNode?.replaceChild(document.createTextNode(nodeValue), section);
    else parentNode?.removeChild(section);
  }
  if (sections.length > 0) document.documentElement.normalize();
}

/** Whether there is anything but elements and text: comments, character data, processing instructions. */
export function hasOddNodes(document: Document): boolean {
  for (const { nodeType, parentNode } of nodesBelow(document)) {
    // The declaration of XML itself, which this parser keeps as a processing instruction before the root.
    if (nodeType === 7 && parentNode === document) continue;
    if (nodeType !== ELEMENT && nodeType !== TEXT) return true;
  }
  return false;
}

export function childrenOf(element: Element): readonly Element[] {
  const children: Element[] = [];
  for (let child = element.firstChild; child !== null; child = child.nextSibling) {
    if (isElement(child)) children.push(child);
  }
  return children;
}

export function isNamed(element: Element, namespace: string, name: string): boolean {
  return element.localName === name && element.namespaceURI === namespace;
}

export function childrenNamed(element: Element, namespace: string, name: string): readonly Element[] {
  return childrenOf(element).filter((child) => isNamed(child, namespace, name));
}

/** The attribute of this name without a prefix; undefined where it is absent. */
export function attributeOf(element: Element, name: string): string | undefined {
  return element.hasAttribute(name) ? (element.getAttribute(name) ?? undefined) : undefined;
}

export const textOf = (element: Element): string => element.textContent ?? '';

/** The namespaces that hold around an element, by their prefixes; '' is the default one. */
export function namespacesAbove(element: Element): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let node = element.parentNode; node !== null; node = node.parentNode) {
    for (const { name, prefix, localName, value } of Array.from((node as Element).attributes ?? [])) {
      const declared = name === 'xmlns' ? '' : prefix === 'xmlns' ? localName : undefined;
      if (declared !== undefined && !found.has(declared)) found.set(declared, value);
    }
  }
  return found;
}
