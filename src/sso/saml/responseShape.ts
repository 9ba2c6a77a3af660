/**
 * What a response is made of, before and whatever is signed in it: one response with one assertion, each where it belongs,
 * each name once. Signature wrapping needs a second one of something; here is none.
 */
import { SignInFault } from '../protocol.ts';
import { attributeOf, childrenNamed, elementsBelow, isNamed } from './dom.ts';
import { assertionNs, protocolNs, signatureNs } from './names.ts';
import { readSignature, type SignatureShape } from './signatureShape.ts';

export interface ResponseShape {
  readonly response: Element;
  readonly signature?: SignatureShape;
  /** Exactly one of the two, unless the IdP tells of a failure. */
  readonly assertion?: { readonly element: Element; readonly signature?: SignatureShape };
  readonly encrypted?: Element;
}

const malformed = (detail: string) => new SignInFault('malformed', detail);

/** Throws SignInFault where the document is no response, or holds more than one of anything that counts. */
export function readResponseShape(document: Document): ResponseShape {
  const response = document.documentElement;
  if (!isNamed(response, protocolNs, 'Response'))
    throw malformed(`The message is a ${response.localName}, not a Response`);
  const elements = elementsBelow(document);
  refuseSharedIds(elements);
  const assertion = onlyOne(elements, response, 'Assertion');
  const encrypted = onlyOne(elements, response, 'EncryptedAssertion');
  if (elements.filter(({ localName }) => localName === 'Response').length > 1)
    throw malformed('A response holds another one');
  if (assertion && encrypted) throw malformed('The response holds two assertions');
  refuseStraySignatures(elements, [response, assertion]);
  const signature = readSignature(response);
  const signed = assertion && readSignature(assertion);
  return {
    response,
    ...(signature && { signature }),
    ...(assertion && { assertion: { element: assertion, ...(signed && { signature: signed }) } }),
    ...(encrypted && { encrypted }),
  };
}

/** The same for what was encrypted: an assertion by itself. */
export function readDecryptedShape(document: Document): NonNullable<ResponseShape['assertion']> {
  const element = document.documentElement;
  const elements = elementsBelow(document);
  const held = elements.filter(({ localName }) => /^(Encrypted)?Assertion$|^Response$/.test(localName));
  if (!isNamed(element, assertionNs, 'Assertion') || held.length > 1) {
    throw malformed('What was encrypted is not one assertion');
  }
  refuseSharedIds(elements);
  refuseStraySignatures(elements, [element]);
  const signature = readSignature(element);
  return { element, ...(signature && { signature }) };
}

/** The one element of this name, whose place is directly in the response; the library looks at its local name only. */
function onlyOne(elements: readonly Element[], response: Element, name: string): Element | undefined {
  const found = elements.filter(({ localName }) => localName === name);
  const [one] = childrenNamed(response, assertionNs, name);
  if (found.length > 1) throw malformed(`The message holds ${found.length} elements called ${name}`);
  if (found.length === 1 && one === undefined) throw malformed(`The ${name} does not stand directly in the response`);
  return one;
}

/** An id names one element, in whatever spelling of the attribute. */
export function refuseSharedIds(elements: readonly Element[]): void {
  const seen = new Set<string>();
  for (const element of elements) {
    const ids = ['ID', 'Id', 'id', 'xml:id'].map((name) => attributeOf(element, name)).filter((id) => id !== undefined);
    for (const id of ids) {
      if (seen.has(id)) throw malformed('Two elements of the message have the same id');
      seen.add(id);
    }
  }
}

/** Every signature of the message stands directly in what it may sign. */
export function refuseStraySignatures(elements: readonly Element[], places: readonly (Element | undefined)[]): void {
  for (const element of elements) {
    if (!isNamed(element, signatureNs, 'Signature')) continue;
    const parent = places.find((place) => place !== undefined && element.parentNode === place);
    if (parent === undefined) throw new SignInFault('signature_invalid', 'A signature stands where none belongs');
  }
}
