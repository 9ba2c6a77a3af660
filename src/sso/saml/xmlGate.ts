/**
 * The gate before the XML parser: every XML text from outside, responses and metadata alike, is read through parseXml.
 * The parser alone is too kind (it closes what was left open, passes over end tags that end nothing), and its time and that
 * of canonicalization grow with the square of what they are fed. So the text is scanned first, in time that is linear
 * in its length: bounded, well nested, one root, without document types and processing instructions (docs/sso-threats.md, B20 to B24).
 */
import { DOMParser } from '@xmldom/xmldom';

export interface XmlLimits {
  /** Of the text in UTF-8. */
  readonly bytes: number;
  readonly elements: number;
  readonly attributes: number;
  /** Elements inside of elements; the root is at depth 1. */
  readonly depth: number;
}

/** What an honest response needs at most: 2,000 groups, each in an attribute of its own with a value that tells its type. */
export const responseLimits: XmlLimits = { bytes: 600 * 1024, elements: 4_500, attributes: 11_000, depth: 32 };

/** What the metadata of one IdP needs at most; AD FS lists hundreds of claim types. */
export const metadataLimits: XmlLimits = { bytes: 512 * 1024, elements: 3_000, attributes: 6_000, depth: 32 };

/** A text that is not let through to the parser. The message says what is wrong with it, and repeats nothing of it. */
export class XmlRefused extends Error {
  readonly why: 'too_large' | 'malformed';

  constructor(why: 'too_large' | 'malformed', message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'XmlRefused';
    this.why = why;
  }
}

const malformed = (message: string, cause?: unknown) => new XmlRefused('malformed', message, { cause });
const tooLarge = (message: string) => new XmlRefused('too_large', message);

/** Parses an XML document that keeps these limits. Throws XmlRefused. */
export function parseXml(text: string, limits: XmlLimits): Document {
  // First of all, for whatever follows costs time by the length. A character is at least a byte.
  if (text.length > limits.bytes || Buffer.byteLength(text, 'utf8') > limits.bytes) {
    throw tooLarge(`it is longer than ${limits.bytes} bytes`);
  }
  const source = text.replace(/^\ufeff/, '').trim();
  refuseCharacters(source);
  scan(source, limits);
  const document = parse(source);
  refuseNames(document.documentElement);
  return document;
}

function parse(source: string): Document {
  const refuse = (message: unknown): never => {
    throw malformed('it is not well-formed XML', message);
  };
  const strict = { warning: refuse, error: refuse, fatalError: refuse };
  try {
    return new DOMParser({ errorHandler: strict }).parseFromString(source, 'text/xml');
  } catch (error) {
    throw error instanceof XmlRefused ? error : malformed('it is not well-formed XML', error);
  }
}

/** No URI holds these; canonicalization writes the name of a namespace as it is, so that one could write on behind its end. */
const noNamespace = /["<>&\t\n\r]/;
const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';

/**
 * Namespaces in XML §3, §5.1 and §6.3: a prefix is bound, to one name, and no name is there twice. The parser passes over all of that. And what two
 * readers could understand in two ways: a namespace that is no URI, and an attribute that is merely called like a declaration, which no canonical
 * form shows.
 */
function refuseNames(root: Element): void {
  const waiting: Element[] = [root];
  for (let element = waiting.pop(); element; element = waiting.pop()) {
    if (element.prefix && !element.namespaceURI) throw malformed('it has a prefix that is bound to no namespace');
    const attributes = Array.from(element.attributes);
    for (const each of attributes) {
      if (each.prefix && !each.namespaceURI) throw malformed('it has a prefix that is bound to no namespace');
      if (each.name.startsWith('xmlns')) refuseDeclaration(each);
    }
    refuseSameName(attributes);
    for (let child = element.firstChild; child; child = child.nextSibling) {
      if (child.nodeType === ELEMENT_NODE) waiting.push(child as Element);
    }
  }
}

function refuseDeclaration({ name, prefix, value }: Attr): void {
  if (name !== 'xmlns' && prefix !== 'xmlns') throw malformed('it has an attribute that is called like a namespace');
  if (noNamespace.test(value)) throw malformed('it has a namespace whose name is no URI');
  if (name !== 'xmlns' && value === '') throw malformed('it has a prefix that is bound to no namespace');
  const reserved = value === xmlnsNamespace || (value === xmlNamespace) !== (name === 'xmlns:xml');
  if (reserved || name === 'xmlns:xmlns') throw malformed('it binds a prefix, or a namespace, that is bound for good');
}

/** Two prefixes of one namespace make two attributes with one name; the parser looks at how they are written. */
function refuseSameName(attributes: readonly Attr[]): void {
  const prefixed = attributes.filter(({ prefix }) => prefix && prefix !== 'xmlns');
  if (prefixed.length < 2) return;
  const names = new Set(prefixed.map(({ namespaceURI, localName }) => `${namespaceURI} ${localName}`));
  if (names.size < prefixed.length) throw malformed('it has an attribute twice');
}

const ELEMENT_NODE = 1;

const numberReference = /&#(?:x([0-9a-f]{1,8})|([0-9]{1,10}));/giu;

/** What XML 1.0 §2.2 has no place for, written as itself or by its number. The parser takes it all. */
function refuseCharacters(source: string): void {
  if (/\p{Surrogate}/u.test(source) || !isText(source)) throw malformed('it holds characters that XML does not allow');
  for (const [, hex, decimal] of source.matchAll(numberReference)) {
    const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    const known = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
    if (!known || !isText(String.fromCodePoint(point)))
      throw malformed('it refers to characters that XML does not allow');
  }
}

function isText(source: string): boolean {
  for (let at = 0; at < source.length; at += 1) {
    const unit = source.charCodeAt(at);
    if (unit < 0x20 ? unit !== 0x9 && unit !== 0xa && unit !== 0xd : unit >= 0xfffe) return false;
  }
  return true;
}

const declaration = /<\?xml\s[^<>?]*\?>/y;
const comment = /<!--[\s\S]*?-->/y;
const cdata = /<!\[CDATA\[[\s\S]*?\]\]>/y;
const endTag = /<\/([^\s<>/]+)\s*>/y;
const startTag = /<([^\s<>/!?='"&]+)/y;
const attribute = /\s+[^\s<>/='"&]+\s*=\s*(?:"[^"<]*"|'[^'<]*')/y;
const startTagEnd = /\s*(\/?)>/y;

/** A position in a text, which patterns move on. */
class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** What the (sticky) pattern finds at this place, and moves behind it. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text) ?? undefined;
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  /** Moves to the next markup; answers the text before it, undefined where no markup follows. */
  toMarkup(): string | undefined {
    const next = this.text.indexOf('<', this.at);
    if (next < 0) return undefined;
    const passed = this.text.slice(this.at, next);
    this.at = next;
    return passed;
  }
}

/** Walks over all markup: bounds are kept, every element ends where it must, nothing stands beside the one root. */
function scan(source: string, limits: XmlLimits): void {
  const reader = new Reader(source);
  reader.take(declaration);
  const open: string[] = [];
  const counted = { elements: 0, attributes: 0 };
  for (let text = reader.toMarkup(); text !== undefined; text = reader.toMarkup()) {
    if (open.length === 0 && text.trim() !== '') throw malformed('it has text outside of its root element');
    if (reader.take(comment)) continue;
    if (open.length > 0 && reader.take(cdata)) {
      countElement(counted, limits);
      continue;
    }
    const ended = reader.take(endTag);
    if (ended) {
      if (open.pop() !== ended[1]) throw malformed('it has an end tag that does not end what is open');
      continue;
    }
    if (open.length === 0 && counted.elements > 0) throw malformed('it has something behind its root element');
    const name = scanStartTag(reader, counted, limits);
    if (name !== undefined) open.push(name);
    if (open.length > limits.depth) throw tooLarge(`its elements are nested deeper than ${limits.depth}`);
  }
  if (counted.elements === 0) throw malformed('it has no root element');
  if (open.length > 0) throw malformed('it ends before its elements do');
  if (source.slice(reader.at).trim() !== '') throw malformed('it has text outside of its root element');
}

/** A CDATA section counts as one: it costs as much, and is as short. */
function countElement(counted: { elements: number }, limits: XmlLimits): void {
  counted.elements += 1;
  if (counted.elements > limits.elements) throw tooLarge(`it has more than ${limits.elements} elements`);
}

/** Of one element, namespaces included: what canonicalization needs grows with their square. */
const OWN_ATTRIBUTES = 64;

/** Answers the name of an element that is open now; undefined for one that is empty. */
function scanStartTag(
  reader: Reader,
  counted: { elements: number; attributes: number },
  limits: XmlLimits,
): string | undefined {
  const begun = reader.take(startTag);
  if (!begun) throw malformed('it has a document type, a processing instruction, or broken markup');
  countElement(counted, limits);
  let own = 0;
  while (reader.take(attribute)) {
    counted.attributes += 1;
    own += 1;
    if (own > OWN_ATTRIBUTES) throw tooLarge(`an element of it has more than ${OWN_ATTRIBUTES} attributes`);
    if (counted.attributes > limits.attributes) throw tooLarge(`it has more than ${limits.attributes} attributes`);
  }
  const end = reader.take(startTagEnd);
  if (!end) throw malformed('it has broken markup');
  return end[1] === '/' ? undefined : begun[1];
}
