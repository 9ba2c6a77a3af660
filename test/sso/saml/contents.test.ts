/** What a well-signed message must not say (docs/sso-threats.md, B1 to B12, B29, B34). */
import { describe } from '@jest/globals';
import type { ResponseFacts } from '../../../src/simulator/index.ts';
import { type Craft, swap } from './craft.ts';
import { type Flaw, refuse, responseSigned } from './refusals.ts';

/** The IdP itself says so, under its signature. */
const says = (change: (facts: ResponseFacts) => Partial<ResponseFacts>): Craft => ({
  facts: (facts) => ({ ...facts, ...change(facts) }),
});
const signed = (pattern: string | RegExp, replacement: string | ((found: string) => string)): Craft => ({
  assertion: swap(pattern, replacement),
});
const moved = (text: string, minutes: number): string => new Date(Date.parse(text) + minutes * 60_000).toISOString();
const confirmation = /<saml:SubjectConfirmation [\s\S]*?<\/saml:SubjectConfirmation>/;
const confirmationData = /<saml:SubjectConfirmationData[^>]*\/>/;
const restriction = /<saml:AudienceRestriction>[\s\S]*?<\/saml:AudienceRestriction>/;
const conditions = /<saml:Conditions[\s\S]*?<\/saml:Conditions>/;
const statement = /<saml:AuthnStatement[\s\S]*?<\/saml:AuthnStatement>/;
const nameId = /<saml:NameID[^>]*>[^<]*<\/saml:NameID>/;
const named = (value: string): Craft => signed('>ann@acme.test</saml:NameID>', `>${value}</saml:NameID>`);
const emailed = (value: string): Craft => ({
  ...signed('>ann@acme.test</saml:AttributeValue>', `>${value}</saml:AttributeValue>`),
  facts: (facts) => ({ ...facts, nameId: { ...facts.nameId, value: 'u-17' } }),
});
const status = (inside: string): Craft => ({ response: swap(/<samlp:Status>[\s\S]*?<\/samlp:Status>/, inside) });
const code = (value: string, inside = '') =>
  `<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${value}">${inside}</samlp:StatusCode>`;

const refuseEach = (codeOf: Flaw['code'], rows: Readonly<Record<string, Craft>>, more: Partial<Flaw> = {}) =>
  refuse(Object.fromEntries(Object.entries(rows).map(([title, craft]) => [title, { craft, code: codeOf, ...more }])));

describe('who it is from', () => {
  refuseEach('issuer_mismatch', {
    'the assertion is of another IdP': signed(/<saml:Issuer>[^<]*/, '<saml:Issuer>https://evil.example'),
    'the assertion is of a name like that of the IdP': signed(/<saml:Issuer>https:\/\/idp/, (found) =>
      found.replace('idp', 'IDP'),
    ),
    'the assertion is of a name with something behind it': signed(/<saml:Issuer>[^<]*/, (found) => `${found}/`),
    'the assertion is of a name with blanks around it': signed(/<saml:Issuer>[^<]*/, (found) => `${found} `),
    'the assertion has an empty Issuer': signed(/<saml:Issuer>[^<]*/, '<saml:Issuer>'),
    'the Issuer is of another format': signed(
      '<saml:Issuer>',
      '<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">',
    ),
    'the response is of another IdP': {
      response: swap(/(<samlp:Response[^>]*><saml:Issuer[^>]*>)[^<]*/, (found) => `${found}x`),
    },
  });
  refuseEach(
    'issuer_mismatch',
    {
      'a signed response is of another IdP': {
        response: swap(/<samlp:Response[^>]*><saml:Issuer[^>]*>[^<]*/, (found) => `${found}x`),
      },
    },
    { vendor: responseSigned },
  );
  refuseEach(
    'malformed',
    {
      'the assertion has no Issuer': { assertion: swap(/<saml:Issuer>[^<]*<\/saml:Issuer>/, '') },
      'the assertion has two': signed(/<saml:Issuer>[^<]*<\/saml:Issuer>/, (found) => found + found),
      'the response has two': { message: swap(/<saml:Issuer xmlns[^<]*<\/saml:Issuer>/, (found) => found + found) },
    },
    { vendor: responseSigned },
  );
});

describe('whom it is for', () => {
  refuseEach('audience_mismatch', {
    'another audience': says(() => ({ audience: 'https://other.example' })),
    'an audience that begins like ours': says(({ audience }) => ({ audience: `${audience}x` })),
    'an audience with a slash behind it': says(({ audience }) => ({ audience: `${audience}/` })),
    'an audience in another case': says(({ audience }) => ({ audience: audience.toUpperCase() })),
    'an audience with blanks around it': says(({ audience }) => ({ audience: ` ${audience} ` })),
    'an empty audience': says(() => ({ audience: '' })),
    'no audience': signed(restriction, ''),
    'a restriction without audiences': signed(restriction, '<saml:AudienceRestriction/>'),
    'no conditions': signed(conditions, ''),
    'two restrictions, one of them for others': signed(
      restriction,
      (found) =>
        `${found}<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction>`,
    ),
  });
  refuseEach('malformed', {
    'conditions twice': signed(conditions, (found) => found + found),
    'a condition that nobody knows': signed(
      '</saml:Conditions>',
      '<x:OnlyOnMondays xmlns:x="urn:x"/></saml:Conditions>',
    ),
    'an abstract condition': signed('</saml:Conditions>', '<saml:Condition/></saml:Conditions>'),
  });
  refuseEach('recipient_mismatch', {
    'another recipient': says(() => ({ recipient: 'https://other.example/acs' })),
    'a recipient that begins like ours': says(({ recipient }) => ({ recipient: `${recipient}/x` })),
    'a recipient with a query': says(({ recipient }) => ({ recipient: `${recipient}?x=1` })),
    'no recipient': signed(/ Recipient="[^"]*"/, ''),
    'an empty recipient': signed(/ Recipient="[^"]*"/, ' Recipient=""'),
    'another destination': { response: swap(/ Destination="[^"]*"/, ' Destination="https://other.example/acs"') },
    'an empty destination': { response: swap(/ Destination="[^"]*"/, ' Destination=""') },
    'a confirmation by holder-of-key': signed('cm:bearer', 'cm:holder-of-key'),
    'a confirmation by sender-vouches': signed('cm:bearer', 'cm:sender-vouches'),
    'a confirmation without a method': signed(/ Method="[^"]*"/, ''),
    'no confirmation': signed(confirmation, ''),
    'a confirmation without data': signed(confirmationData, ''),
  });
  refuseEach(
    'recipient_mismatch',
    { 'a signed response without a destination': { response: swap(/ Destination="[^"]*"/, '') } },
    { vendor: responseSigned },
  );
});

describe('what it answers', () => {
  refuseEach('request_mismatch', {
    'the response answers another request': { response: swap(/ InResponseTo="[^"]*"/, ' InResponseTo="_another"') },
    'the response answers nothing': {
      response: swap(/(<samlp:Response[^>]*) InResponseTo="[^"]*"/, (found) =>
        found.replace(/ InResponseTo="[^"]*"/, ''),
      ),
    },
    'the confirmation answers another request: a stolen assertion in an answer to one’s own': signed(
      / InResponseTo="[^"]*"/,
      ' InResponseTo="_another"',
    ),
    'the confirmation answers nothing': signed(/ InResponseTo="[^"]*"/, ''),
    'the confirmation answers an empty request': signed(/ InResponseTo="[^"]*"/, ' InResponseTo=""'),
  });
  refuseEach('expired', {
    'one confirmation is ours and expired, another lives and is for somebody else': signed(
      confirmation,
      (found) =>
        found.replace(/NotOnOrAfter="[^"]*"/, 'NotOnOrAfter="2020-01-01T00:00:00Z"') +
        found.replace(/ Recipient="[^"]*"/, ' Recipient="https://other.example/acs"'),
    ),
  });
});

describe('when it counts', () => {
  refuseEach('expired', {
    'the conditions have ended': says(({ issueInstant }) => ({
      issueInstant: moved(issueInstant, -10),
      notBefore: moved(issueInstant, -10),
      notOnOrAfter: moved(issueInstant, -5),
    })),
    'the conditions have ended, the confirmation goes on': signed(
      /(<saml:Conditions[^>]*) NotOnOrAfter="[^"]*"/,
      (found) => found.replace(/NotOnOrAfter="[^"]*"/, 'NotOnOrAfter="2020-01-01T00:00:00Z"'),
    ),
    'the confirmation has ended, the conditions go on': signed(
      /SubjectConfirmationData NotOnOrAfter="[^"]*"/,
      'SubjectConfirmationData NotOnOrAfter="2020-01-01T00:00:00Z"',
    ),
    'the confirmation never ends': signed(/SubjectConfirmationData NotOnOrAfter="[^"]*"/, 'SubjectConfirmationData'),
    'it was issued 40 minutes ago, for a long life': signed(
      /IssueInstant="([^"]*)"/,
      (found) => `IssueInstant="${moved(found.slice(14, -1), -40)}"`,
    ),
    'the response was issued 40 minutes ago': {
      response: swap(/IssueInstant="([^"]*)"/, (found) => `IssueInstant="${moved(found.slice(14, -1), -40)}"`),
    },
    'the session there has ended': says(({ issueInstant }) => ({ sessionNotOnOrAfter: moved(issueInstant, -5) })),
  });
  refuseEach('expired', {
    'the conditions have ended by a clock that is ahead of UTC, and says so': says(({ notOnOrAfter }) => ({
      notOnOrAfter: notOnOrAfter.replace('Z', '+14:00'),
    })),
  });
  refuseEach('not_yet_valid', {
    'the conditions have not begun': says(({ issueInstant }) => ({ notBefore: moved(issueInstant, 5) })),
    'the confirmation has not begun': signed(
      '<saml:SubjectConfirmationData ',
      '<saml:SubjectConfirmationData NotBefore="2090-01-01T00:00:00Z" ',
    ),
    'it was issued in five minutes': signed(
      /IssueInstant="([^"]*)"/,
      (found) => `IssueInstant="${moved(found.slice(14, -1), 5)}"`,
    ),
    'the response was issued in five minutes': {
      response: swap(/IssueInstant="([^"]*)"/, (found) => `IssueInstant="${moved(found.slice(14, -1), 5)}"`),
    },
    'the person signed in in five minutes': says(({ issueInstant }) => ({ authnInstant: moved(issueInstant, 5) })),
  });
  refuseEach('malformed', {
    'an instant without a zone': says(({ notOnOrAfter }) => ({ notOnOrAfter: notOnOrAfter.replace('Z', '') })),
    'an instant of a zone that is none': says(({ notOnOrAfter }) => ({
      notOnOrAfter: notOnOrAfter.replace('Z', '+24:00'),
    })),
    'an instant of two zones': says(({ notOnOrAfter }) => ({ notOnOrAfter: `${notOnOrAfter}-08:00` })),
    'an instant that is none': says(() => ({ notOnOrAfter: 'tomorrow' })),
    'an empty instant': says(() => ({ notBefore: '' })),
    'an assertion without an instant': signed(/ IssueInstant="[^"]*"/, ''),
    'a sign-in without an instant': signed(/ AuthnInstant="[^"]*"/, ''),
  });
});

describe('what the IdP says of the sign-in', () => {
  refuseEach('idp_refused', {
    'the IdP could not': status(`<samlp:Status>${code('Responder')}</samlp:Status>`),
    'the request was wrong': status(`<samlp:Status>${code('Requester')}</samlp:Status>`),
    'the person failed to sign in, told inside': status(
      `<samlp:Status>${code('Responder', code('AuthnFailed'))}</samlp:Status>`,
    ),
    'the person failed to sign in, told at the top': status(`<samlp:Status>${code('AuthnFailed')}</samlp:Status>`),
    'success on the outside, failure inside': status(
      `<samlp:Status>${code('Success', code('AuthnFailed'))}</samlp:Status>`,
    ),
    'an empty status': status(`<samlp:Status>${code('')}</samlp:Status>`),
    'success in lower case': status(`<samlp:Status>${code('success')}</samlp:Status>`),
  });
  refuseEach('malformed', {
    'no status': status(''),
    'a status without a code': status('<samlp:Status/>'),
    'two statuses': status(
      `<samlp:Status>${code('Success')}</samlp:Status><samlp:Status>${code('Responder')}</samlp:Status>`,
    ),
    'two codes': status(`<samlp:Status>${code('Success')}${code('Responder')}</samlp:Status>`),
    'no AuthnStatement': signed(statement, ''),
    'an assertion of version 1.1': signed('Version="2.0"', 'Version="1.1"'),
    'an assertion without a version': signed(' Version="2.0"', ''),
    'a response of version 1.1': { response: swap('Version="2.0"', 'Version="1.1"') },
    'a response without a version': { response: swap(' Version="2.0"', '') },
  });
  refuse({
    'the IdP’s own words reach the Admin': {
      craft: status(
        `<samlp:Status>${code('Responder', code('NoPassive'))}<samlp:StatusMessage>User not assigned</samlp:StatusMessage></samlp:Status>`,
      ),
      code: 'idp_refused',
      tells: /Responder \/ NoPassive: User not assigned/,
    },
  });
});

describe('whom it names', () => {
  refuseEach('subject_invalid', {
    nobody: signed(nameId, ''),
    'nobody, but an attribute that is called nameID': {
      assertion: (xml) =>
        swap(
          '<saml:AttributeStatement>',
          '<saml:AttributeStatement><saml:Attribute Name="nameID"><saml:AttributeValue>owner@acme.test</saml:AttributeValue></saml:Attribute>',
        )(xml.replace(nameId, '')),
    },
    'an empty name': named(''),
    'a name of blanks': named('   '),
    'a name with a blank before it': named(' ann@acme.test'),
    'a name with a line break behind it': named('ann@acme.test\n'),
    'a huge name': named(`${'a'.repeat(5000)}`),
    'two names': signed(nameId, (found) => found + found.replace('ann@', 'owner@')),
    'a name and an encrypted one': signed(nameId, (found) => `${found}<saml:EncryptedID/>`),
    'an encrypted name': signed(nameId, '<saml:EncryptedID/>'),
    'an abstract name': signed(nameId, '<saml:BaseID/>'),
    'a name with a letter that nobody sees': named('ann&#x200b;@acme.test'),
    'a name that is written backwards': named('&#x202e;ann@acme.test'),
    'a name in Cyrillic letters': named('аnn@acme.test'),
    'a name with a full-width @': named('ann＠acme.test'),
    'an address of a look-alike domain': named('ann@аcme.test'),
    'two addresses': named('ann@acme.test,owner@acme.test'),
    'an address with a comment': named('ann(x)@acme.test'),
    'an address with a display name': named('Ann &lt;ann@acme.test&gt;'),
    'a passing name, without an attribute that stays': signed(
      'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
      'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
    ),
  });
  refuseEach('malformed', {
    'no subject': signed(/<saml:Subject>[\s\S]*?<\/saml:Subject>/, ''),
    'two subjects': signed(/<saml:Subject>[\s\S]*?<\/saml:Subject>/, (found) => found + found),
    'an attribute without a name': signed(/<saml:Attribute Name="[^"]*"/, '<saml:Attribute'),
    'a NUL in the name': named('ann@acme.test&#0;.evil'),
  });
  refuseEach('claims_refused', {
    'an email in Cyrillic letters': emailed('аdmin@acme.test'),
    'an email of a look-alike domain': emailed('admin@аcme.test'),
    'an email with a full-width @': emailed('admin＠acme.test'),
    'an email with a comment': emailed('admin(evil)@acme.test'),
    'an email with a display name': emailed('Admin &lt;admin@acme.test&gt;'),
    'two emails in one': emailed('admin@acme.test,ann@acme.test'),
    'an email with a letter that nobody sees': emailed('ad&#x200b;min@acme.test'),
  });
});

describe('a connection that names people by an attribute (SSO-6)', () => {
  const connection = { claims: { subject: ['employeeNumber', 'uid'], email: ['email'] } };
  const withNumber = (...values: readonly string[]): Craft =>
    signed(
      '<saml:AttributeStatement>',
      () =>
        `<saml:AttributeStatement><saml:Attribute Name="employeeNumber">${values.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`).join('')}</saml:Attribute>`,
    );
  const vendor = {
    title: 'With numbers',
    preset: 'custom',
    hand: { protocol: 'samlp', assertion: 'saml', signature: 'ds', typedValues: false },
    signs: { response: false, assertion: true },
    nameId: () => ({ value: '_passing', format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' }),
    attributes: () => [{ name: 'uid', values: ['4711'] }],
  };
  refuseEach(
    'subject_invalid',
    {
      'none of them is there': { facts: (facts) => ({ ...facts, attributes: [] }) },
      'it is empty': { facts: (facts) => ({ ...facts, attributes: [{ name: 'uid', values: [''] }] }) },
      'it has two values': withNumber('1', '2'),
      'it has blanks around it': { facts: (facts) => ({ ...facts, attributes: [{ name: 'uid', values: [' 4711'] }] }) },
      'the NameID is doubled all the same': signed(nameId, (found) => found + found),
    },
    { connection, vendor },
  );
});
