import { beforeAll, describe, expect, test } from '@jest/globals';
import { type ErrorCode, hasCode } from '../../../src/errors.ts';
import { readIdpMetadata, readLocation } from '../../../src/sso/metadata.ts';
import {
  entityOf,
  idpMetadata,
  keyDescriptor,
  type MetadataParts,
  makeCertificate,
  postBinding,
  service,
} from '../../sso/idpMetadata.ts';

const at = new Date();
let good: string;
let other: string;

beforeAll(async () => {
  [good, other] = [await makeCertificate(), await makeCertificate()];
});

const read = (xml: string, allowPrivate = false) => readIdpMetadata(xml, { at, allowPrivate });
const readParts = (parts: Partial<MetadataParts> = {}, allowPrivate = false) =>
  read(idpMetadata({ certificates: [good], ...parts }), allowPrivate);

function refusal(read: () => unknown): { readonly code: ErrorCode; readonly message: string } {
  try {
    read();
  } catch (error) {
    if (hasCode(error, 'metadata_invalid') || hasCode(error, 'certificate_invalid')) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('metadata of an IdP (SSO-1)', () => {
  test('says who it is, where it signs in and out, and what it signs with', () => {
    const services = [
      service('https://idp.example/soap', 'urn:oasis:names:tc:SAML:2.0:bindings:SOAP', 'SingleLogoutService'),
      service('https://idp.example/slo', postBinding, 'SingleLogoutService'),
      '<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>',
      service('https://idp.example/sso/post', postBinding),
      service('https://idp.example/sso?idp=1&amp;x=2'),
    ].join('');
    const descriptor =
      'protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol" WantAuthnRequestsSigned="true"';
    const found = readParts({ services, descriptor, certificates: [good, other, good] });
    expect(found).toMatchObject({
      entityId: 'https://idp.example/entity',
      ssoUrl: 'https://idp.example/sso?idp=1&x=2',
      ssoBinding: 'redirect',
      sloUrl: 'https://idp.example/slo',
      sloBinding: 'post',
      nameIdFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
      wantsSignedRequests: true,
    });
    expect(found.certificates).toHaveLength(2);
    for (const { pem, expiresAt } of found.certificates) {
      expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
      expect(new Date(expiresAt).getTime()).toBeGreaterThan(at.getTime());
    }
  });

  test('says where log-outs are answered, where that is elsewhere', () => {
    const slo = (answers: string) =>
      `<md:SingleLogoutService Binding="${postBinding}" Location="https://idp.example/slo" ${answers}/>${service('https://idp.example/sso')}`;
    const found = readParts({ services: slo('ResponseLocation="https://idp.example/answers?x=1"') });
    expect(found).toMatchObject({
      sloUrl: 'https://idp.example/slo',
      sloResponseUrl: 'https://idp.example/answers?x=1',
    });
    for (const none of ['', 'ResponseLocation=""'])
      expect(readParts({ services: slo(none) }).sloResponseUrl).toBeUndefined();
    for (const wrong of ['http://idp.example/answers', 'javascript:alert(1)', '/answers'])
      expect(refusal(() => readParts({ services: slo(`ResponseLocation="${wrong}"`) })).message).toContain(
        'ResponseLocation',
      );
  });

  test('needs little: one way in and one certificate', () => {
    const found = readParts({ services: service('https://idp.example/sso', postBinding) });
    expect(found).toMatchObject({ ssoBinding: 'post', wantsSignedRequests: false });
    expect(found.sloUrl).toBeUndefined();
    expect(found.nameIdFormat).toBeUndefined();
  });

  test('chooses no format where there are several, and none that says nothing', () => {
    const format = (name: string) =>
      `<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:${name}</md:NameIDFormat>`;
    const sso = service('https://idp.example/sso');
    expect(readParts({ services: sso + format('unspecified') }).nameIdFormat).toBeUndefined();
    expect(readParts({ services: sso + format('emailAddress') + format('persistent') }).nameIdFormat).toBeUndefined();
  });

  test('may be in a list of entities of which one is an IdP', () => {
    const list = (inner: string) =>
      `<x:EntitiesDescriptor xmlns:x="urn:oasis:names:tc:SAML:2.0:metadata">${inner}</x:EntitiesDescriptor>`;
    const sp = '<x:EntityDescriptor entityID="sp"><x:SPSSODescriptor/></x:EntityDescriptor>';
    const idp = entityOf({ certificates: [good] });
    expect(read(list(sp + idp)).entityId).toBe('https://idp.example/entity');
    expect(refusal(() => read(list(idp + idp))).message).toContain('several IdPs');
    expect(refusal(() => read(list(sp))).message).toContain('no IdP');
  });

  test('may be in a list in a list, of which none has expired', () => {
    const list = (inner: string, more = '') =>
      `<x:EntitiesDescriptor xmlns:x="urn:oasis:names:tc:SAML:2.0:metadata" ${more}>${inner}</x:EntitiesDescriptor>`;
    const idp = entityOf({ certificates: [good] });
    expect(read(list(list(idp))).entityId).toBe('https://idp.example/entity');
    expect(refusal(() => read(list(list(idp) + idp))).message).toContain('several IdPs');
    const ended = `validUntil="${new Date(at.getTime() - 1000).toISOString()}"`;
    for (const xml of [list(list(idp, ended)), list(list(idp), ended)])
      expect(refusal(() => read(xml)).message).toContain('expired');
  });

  test('a key without a use signs too; one for encryption does not, nor does the chain behind a certificate', () => {
    const sso = service('https://idp.example/sso');
    const certificates = { certificates: [] };
    expect(readParts({ ...certificates, services: keyDescriptor(good, '') + sso }).certificates).toHaveLength(1);
    const encryption = keyDescriptor(good, ' use="encryption"') + sso;
    expect(refusal(() => readParts({ ...certificates, services: encryption })).message).toContain('no signing');
    const [before, after] = keyDescriptor(good).split('</ds:X509Data>');
    const chain = keyDescriptor(other).match(/<ds:X509Certificate>[^<]*<\/ds:X509Certificate>/)?.[0];
    const chained = readParts({ ...certificates, services: `${before}${chain}</ds:X509Data>${after}${sso}` });
    expect(chained.certificates).toEqual(readParts().certificates);
  });

  test.each<[string, Partial<MetadataParts>]>([
    ['has expired', { entity: `validUntil="${new Date(at.getTime() - 1000).toISOString()}"` }],
    ['has no time as its end', { entity: 'validUntil="tomorrow"' }],
    ['names nobody', { entityId: '' }],
    ['names somebody endlessly', { entityId: 'x'.repeat(1025) }],
    ['speaks SAML 1.1 only', { descriptor: 'protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"' }],
    ['has no way to sign in', { services: '' }],
    [
      'signs in by artifact only',
      { services: service('https://a.example/', 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact') },
    ], // prettier-ignore
    ['signs in by plain http', { services: service('http://idp.example/sso') }],
    ['signs in by a script', { services: service('javascript:alert(1)') }],
    ['signs in nowhere', { services: service('') }],
    ['signs in with a password in the address', { services: service('https://user:password@idp.example/') }],
    [
      'signs out by plain http',
      {
        services:
          service('https://idp.example/sso') + service('http://idp.example/', postBinding, 'SingleLogoutService'),
      },
    ], // prettier-ignore
    ['has no certificate', { certificates: [] }],
  ])('is refused where it %s', (_what, parts) => {
    expect(refusal(() => readParts(parts)).code).toBe('metadata_invalid');
  });

  test('is not refused for an end that is to come', () => {
    expect(readParts({ entity: `validUntil="${new Date(at.getTime() + 60_000).toISOString()}"` })).toBeDefined();
  });

  test.each([
    ['a document type', '<!DOCTYPE x><x/>'],
    ['no XML', 'not found'],
    ['a web page', '<html><body/></html>'],
    [
      'metadata of a service',
      '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"><md:SPSSODescriptor/></md:EntityDescriptor>',
    ], // prettier-ignore
    ['names of another namespace', '<EntityDescriptor entityID="x"><IDPSSODescriptor/></EntityDescriptor>'],
  ])('is refused where it is %s', (_what, xml) => {
    expect(refusal(() => read(xml)).code).toBe('metadata_invalid');
  });

  test('is refused where it has more elements than any IdP needs', () => {
    const services = service('https://idp.example/sso').repeat(4_000);
    expect(refusal(() => readParts({ services })).message).toContain('more than 3000 elements');
  });

  test('may be on loopback by plain http where that is allowed, and nowhere else', () => {
    const services = service('http://localhost:8080/sso');
    expect(readParts({ services }, true).ssoUrl).toBe('http://localhost:8080/sso');
    expect(refusal(() => readParts({ services })).code).toBe('metadata_invalid');
    expect(readLocation('http://127.0.0.1:1/x', true)).toBe('http://127.0.0.1:1/x');
    expect(readLocation('http://[::1]:1/x', true)).toBe('http://[::1]:1/x');
    expect(readLocation('http://localhost.idp.example/', true)).toBeUndefined();
    expect(readLocation('http://10.0.0.1/', true)).toBeUndefined();
  });
});

describe('certificates of an IdP (docs/sso-threats.md, B43)', () => {
  test.each([
    ['RSA of 2048 bits', { keySize: 2048 }],
    ['RSA of 3072 bits', { keySize: 3072 }],
    ['P-256', { keyType: 'ec', curve: 'P-256' }],
    ['P-384', { keyType: 'ec', curve: 'P-384' }],
    ['P-521', { keyType: 'ec', curve: 'P-521' }],
  ] as const)('%s may sign', async (_what, options) => {
    expect(readParts({ certificates: [await makeCertificate(options)] }).certificates).toHaveLength(1);
  });

  test('RSA of 1024 bits may not', async () => {
    const weak = await makeCertificate({ keySize: 1024 });
    expect(refusal(() => readParts({ certificates: [good, weak] }))).toMatchObject({
      code: 'certificate_invalid',
      message: expect.stringContaining('1024 bits'),
    });
  });

  test('text that is no certificate may not', () => {
    for (const text of ['AAAA', 'no base64!', '']) {
      expect(refusal(() => readParts({ certificates: [text] })).code).toBe('certificate_invalid');
    }
  });

  test('one that has expired may stand beside one that has not, but not alone', async () => {
    const old = await makeCertificate({ notBeforeDate: new Date('2020-01-01'), notAfterDate: new Date('2021-01-01') });
    expect(readParts({ certificates: [old, good] }).certificates).toHaveLength(2);
    expect(refusal(() => readParts({ certificates: [old] })).message).toContain('have expired');
  });

  test('one that is repeated counts once', () => {
    expect(readParts({ certificates: Array.from({ length: 11 }, () => good) }).certificates).toHaveLength(1);
  });
});
