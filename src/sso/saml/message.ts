/** From what was posted to a document that may be looked at: strict base64, strict UTF-8, through the gate, elements and text only. */
import { SignInFault } from '../protocol.ts';
import { hasOddNodes, writeOutCharacterData } from './dom.ts';
import { parseXml, responseLimits, XmlRefused } from './xmlGate.ts';

/** A message as text, and the same parsed. */
export interface Message {
  readonly text: string;
  readonly document: Document;
}

/** With its padding or without. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
/** Base64 of the largest message, with line breaks. */
const ENCODED_LIMIT = Math.ceil(responseLimits.bytes * 1.4);
const utf8 = new TextDecoder('utf-8', { fatal: true });
const declaration =
  /^<\?xml\s+version=(["'])1\.0\1(?:\s+encoding=(["'])utf-8\2)?(?:\s+standalone=(["'])(?:yes|no)\3)?\s*\?>/i;

/**
 * Reads a form field that holds a SAML message. Line breaks in the base64 are allowed, with blanks around them, since many IdPs make them.
 * A blank anywhere else was a `+` that somebody has not escaped.
 * Throws SignInFault `malformed` or `too_large`.
 */
export function readMessage(field: string): Message {
  if (field.length > ENCODED_LIMIT)
    throw new SignInFault('too_large', `The message is longer than ${ENCODED_LIMIT} characters`);
  const packed = field
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .join('');
  if (packed === '' || !base64.test(packed)) throw new SignInFault('malformed', 'The message is not base64');
  return parseText(Buffer.from(packed, 'base64'));
}

/** Reads a message from its bytes. Throws SignInFault `malformed` or `too_large`. */
export function parseText(bytes: Buffer): Message {
  return parseMessage(decode(bytes));
}

/** Reads a message that is text already. Throws SignInFault `malformed` or `too_large`. */
export function parseMessage(text: string): Message {
  const begun = text.trimStart();
  if (begun.startsWith('<?xml') && !declaration.test(begun)) {
    throw new SignInFault(
      'malformed',
      'The message declares another encoding than UTF-8, or another version of XML than 1.0',
    );
  }
  // XML 1.0 §2.11: whoever parses does so first; what is signed has been computed over this.
  const lines = text.replace(/\r\n?/g, '\n');
  const document = parse(lines);
  writeOutCharacterData(document);
  if (hasOddNodes(document)) {
    throw new SignInFault('malformed', 'The message holds comments, which no IdP sends');
  }
  return { text: lines, document };
}

/** The mark that .NET writes in front of UTF-8 is no part of the text (Unicode §23.8). */
function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new SignInFault('malformed', 'The message is not UTF-8', { cause });
  }
}

function parse(text: string): Document {
  try {
    return parseXml(text, responseLimits);
  } catch (cause) {
    if (!(cause instanceof XmlRefused)) throw cause;
    throw new SignInFault(cause.why, `The message is refused before it is read: ${cause.message}`, { cause });
  }
}
