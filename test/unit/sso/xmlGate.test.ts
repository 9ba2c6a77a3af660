import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { metadataLimits, parseXml, responseLimits, type XmlLimits, XmlRefused } from '../../../src/sso/saml/xmlGate.ts';

const small: XmlLimits = { bytes: 1_000, elements: 5, attributes: 4, depth: 3 };

function refusalOf(text: string, limits: XmlLimits = responseLimits): string | undefined {
  try {
    parseXml(text, limits);
    return undefined;
  } catch (error) {
    if (error instanceof XmlRefused) return error.why;
    throw error;
  }
}

test('an element has as many attributes as any message needs, and no more: canonicalization would take their square', () => {
  const many = (count: number) => `<a ${Array.from({ length: count }, (_, i) => `xmlns:p${i}="urn:${i}"`).join(' ')}/>`;
  expect(refusalOf(many(64))).toBeUndefined();
  expect(refusalOf(many(65))).toBe('too_large');
});

describe('XML that is let through', () => {
  test.each([
    ['plain', '<a/>'],
    ['with a declaration', '<?xml version="1.0" encoding="UTF-8"?>\n<a><b/></a>'],
    ['behind a byte order mark and blanks', '\ufeff  \n<a/>\n'],
    ['with comments', '<!-- < a --><a><!-- <b> --><b/></a><!-- end -->'],
    ['with character data', '<a><![CDATA[<b> & </c>]]></a>'],
    ['with a > in a text and in an attribute', '<a b=">"> > </a>'],
    ['with both kinds of quotes', `<a b='"' c = "'" ><x:y xmlns:x="urn:x" x:z="1" /></a >`],
    ['in another language', '<a xml:lang="de" xmlns:b="urn:b"><b:c b:d="1"/></a>'],
    ['with references', '<a b="&lt;&#x20AC;">&amp;&#8364;&#128512;</a>'],
  ])('%s', (_what, text) => {
    expect(refusalOf(text)).toBeUndefined();
  });

  test('means what it says', () => {
    const root = parseXml('<a xmlns="urn:a" b="1 &gt; 0">x<c>y</c>&#65;</a>', responseLimits).documentElement;
    expect([root.namespaceURI, root.localName, root.getAttribute('b'), root.textContent]).toEqual([
      'urn:a',
      'a',
      '1 > 0',
      'xyA',
    ]);
  });
});

describe('XML that is refused before it is parsed (docs/sso-threats.md, B20 to B24)', () => {
  test.each([
    ['nothing', ''],
    ['only a text', 'text'],
    ['only a comment', '<!-- a -->'],
    ['a document type', '<!DOCTYPE a><a/>'],
    ['a document type in lower case', '<!doctype a><a/>'],
    ['entities of its own', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['a processing instruction', '<a><?php echo 1 ?></a>'],
    ['a style sheet', '<?xml-stylesheet href="x"?><a/>'],
    ['a namespace that writes on behind its end', `<a xmlns:b='urn:b" c="d'/>`],
    ['a namespace with markup', '<a xmlns="urn:a&lt;b>"/>'],
    ['a namespace with a reference that stays one', '<a xmlns="urn:a&amp;b"/>'],
    ['an attribute that is called like a namespace', '<a xmlnsb="urn:b"/>'],
    ['a second declaration', '<?xml version="1.0"?><?xml version="1.0"?><a/>'],
    ['a declaration inside', '<a><?xml version="1.0"?></a>'],
    ['an element left open', '<a><b></b>'],
    ['an end tag of something else', '<a></b></a>'],
    ['crossed elements', '<a><b></a></b>'],
    ['an end tag too many', '<a/></a>'],
    ['two roots', '<a/><b/>'],
    ['text before the root', 'x<a/>'],
    ['text behind the root', '<a/>x'],
    ['character data behind the root', '<a/><![CDATA[x]]>'],
    ['an attribute twice', '<a b="1" b="2"/>'],
    ['an attribute without quotes', '<a b=1/>'],
    ['an attribute without a value', '<a b/>'],
    ['a < in an attribute', '<a b="<"/>'],
    ['attributes without a blank between', '<a b="1"c="2"/>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a prefix that is bound to nothing', '<x:a/>'],
    ['an attribute with such a prefix', '<a><b><c x:d="1"/></b></a>'],
    ['a comment without an end', '<a><!-- </a>'],
    ['a tag without an end', '<a'],
    ['a blank before a name', '< a/>'],
    ['something behind the name of an end tag', '<a></a b="1">'],
    ['a NUL', '<a>\0</a>'],
    ['a NUL by its number', '<a>&#0;</a>'],
    ['a control character by its number', '<a b="&#x1;"/>'],
    ['half a character', '<a>\ud800</a>'],
    ['half a character by its number', '<a>&#xD800;</a>'],
    ['a character beyond all', '<a>&#x110000;</a>'],
  ])('%s', (_what, text) => {
    expect(refusalOf(text)).toBe('malformed');
  });

  test.each([
    ['bytes', `<a>${'x'.repeat(994)}</a>`],
    ['bytes in UTF-8', `<a>${'€'.repeat(332)}</a>`],
    ['elements', '<a><b/><b/><b/><b/><b/></a>'],
    ['depth', '<a><b><c><d/></c></b></a>'.replace('<d/>', '<d></d>')],
    ['attributes', '<a b="1" c="2" d="3"><b b="1" c="2"/></a>'],
  ])('too many %s', (_what, text) => {
    expect(refusalOf(text, small)).toBe('too_large');
    expect(refusalOf(text, metadataLimits)).toBeUndefined();
  });

  test('as many as may be are let through', () => {
    expect(refusalOf(`<a>${'x'.repeat(993)}</a>`, small)).toBeUndefined();
    expect(refusalOf('<a b="1" c="2"><b b="1" c="2"><c/></b><b/><b/></a>', small)).toBeUndefined();
  });

  test('says nothing of the text', () => {
    for (const text of ['<a>hunter2</b>', '<hunter2', '<a hunter2/>', '<a>&hunter2;</a>']) {
      expect(() => parseXml(text, responseLimits)).not.toThrow(/hunter2/);
    }
  });

  test('any text is either refused or parsed, never anything else', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '</',
      '/>',
      'a',
      'b',
      ' ',
      '="',
      '"',
      "'",
      '=',
      '<!--',
      '-->',
      '&',
      ';',
      '&#',
      '<a>',
      '</a>',
      '<b x="1"/>',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      '<!D',
      ':',
      '\n',
    ); // prettier-ignore
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        for (const text of [pieces.join(''), `<a>${pieces.join('')}</a>`]) refusalOf(text);
      }),
    );
  });

  test('text of the largest size that would keep the parser busy for a minute is refused while it is scanned', () => {
    const wide = `<a>${'<b/>'.repeat(60_000)}</a>`;
    const deep = '<a>'.repeat(60_000);
    const dense = `<a ${'b="" '.repeat(40_000)}/>`;
    const broken = '<'.repeat(250_000);
    for (const text of [wide, deep, dense]) expect(refusalOf(text)).toBe('too_large');
    expect(refusalOf(broken)).toBe('malformed');
    expect(refusalOf(`<a>${'<!--'.repeat(60_000)}`)).toBe('malformed');
  });
});
