/** What IdPs sign and encrypt with beside the usual: each honest shape is accepted, and its flawed twin refused (SSO-1; docs/sso-threats.md, B17 to B19). */
import {
  constants,
  createCipheriv,
  createHash,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { SignedXml } from 'xml-crypto';
import type { SamlKey, SamlVendorName } from '../../../src/simulator/index.ts';
import { readCertificate } from '../../../src/sso/certificates.ts';
import type { SignInFaultCode } from '../../../src/sso/protocol.ts';
import { type Craft, swap } from './craft.ts';
import { openSamlWorld, type SamlWorld } from './world.ts';

const dsig = 'http://www.w3.org/2000/09/xmldsig#';
const more = 'http://www.w3.org/2001/04/xmldsig-more#';
const mgf1 = 'http://www.w3.org/2007/05/xmldsig-more#';
const assertionNs = 'urn:oasis:names:tc:SAML:2.0:assertion';
const xenc = 'http://www.w3.org/2001/04/xmlenc#';
const xenc11 = 'http://www.w3.org/2009/xmlenc11#';
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const signature = /<ds:Signature[ >][\s\S]*?<\/ds:Signature>/;

let world: SamlWorld;
const keys = new Map<string, SamlKey>();

beforeAll(async () => {
  world = await openSamlWorld();
  for (const curve of ['P-256', 'P-384', 'P-521'] as const) {
    const made = await generate([{ name: 'commonName', value: curve }], {
      ...{ keyType: 'ec', curve, algorithm: 'sha256' },
      ...{ notBeforeDate: new Date('2020-01-01T00:00:00Z'), notAfterDate: new Date('2049-01-01T00:00:00Z') },
    });
    keys.set(curve, { certificate: made.cert, privateKey: made.private });
  }
  keys.set('RSA', world.keys.idp);
});

const keyOf = (name: string): SamlKey => keys.get(name) ?? world.keys.idp;

interface Scheme {
  readonly key: string;
  readonly algorithm: string;
  readonly hash: string;
  readonly digest?: string;
  /** Of node's `sign`. */
  readonly options?: object;
}

/** Signs the assertion anew, by node's own means: not by what verifies it here. */
function signedWith({ key, algorithm, hash, digest = `${xenc}sha256`, options = {} }: Scheme): Craft {
  return {
    message(xml) {
      const signer = new SignedXml({
        privateKey: keyOf(key).privateKey,
        publicCert: keyOf(key).certificate,
        signatureAlgorithm: algorithm,
        canonicalizationAlgorithm: exclusive,
      });
      Object.assign(signer.SignatureAlgorithms, {
        [algorithm]: class {
          getAlgorithmName = () => algorithm;
          getSignature = (info: string, privateKey: string) =>
            sign(hash, Buffer.from(info), { key: privateKey, ...options }).toString('base64');
        },
      });
      Object.assign(signer.HashAlgorithms, {
        [digest]: class {
          getAlgorithmName = () => digest;
          getHash = (text: string) =>
            createHash(`sha${digest.slice(-3)}`)
              .update(text, 'utf8')
              .digest('base64');
        },
      });
      signer.addReference({
        xpath: "//*[local-name(.)='Assertion']",
        transforms: [`${dsig}enveloped-signature`, exclusive],
        digestAlgorithm: digest,
      });
      signer.computeSignature(xml.replace(signature, ''), {
        prefix: 'ds',
        location: { reference: "//*[local-name(.)='Assertion']/*[local-name(.)='Issuer']", action: 'after' },
      });
      return signer.getSignedXml();
    },
  };
}

const raw = { dsaEncoding: 'ieee-p1363' };
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

const honest: Readonly<Record<string, Scheme>> = {
  'ECDSA on P-256 with SHA-256': { key: 'P-256', algorithm: `${more}ecdsa-sha256`, hash: 'sha256', options: raw },
  'ECDSA on P-384 with SHA-384': {
    ...{ key: 'P-384', algorithm: `${more}ecdsa-sha384`, hash: 'sha384', options: raw },
    digest: `${more}sha384`,
  },
  'ECDSA on P-521 with SHA-512': {
    ...{ key: 'P-521', algorithm: `${more}ecdsa-sha512`, hash: 'sha512', options: raw },
    digest: `${xenc}sha512`,
  },
  'ECDSA on P-384 with SHA-256': { key: 'P-384', algorithm: `${more}ecdsa-sha256`, hash: 'sha256', options: raw },
  'RSA with SHA-384': { key: 'RSA', algorithm: `${more}rsa-sha384`, hash: 'sha384', digest: `${more}sha384` },
  'RSA with SHA-512': { key: 'RSA', algorithm: `${more}rsa-sha512`, hash: 'sha512' },
  'RSA-PSS with SHA-256': { key: 'RSA', algorithm: `${mgf1}sha256-rsa-MGF1`, hash: 'sha256', options: pss },
  'RSA-PSS with SHA-384': { key: 'RSA', algorithm: `${mgf1}sha384-rsa-MGF1`, hash: 'sha384', options: pss },
  'RSA-PSS with SHA-512': { key: 'RSA', algorithm: `${mgf1}sha512-rsa-MGF1`, hash: 'sha512', options: pss },
};

async function outcome(vendor: SamlVendorName, key: string, craft: Craft) {
  const pair = await world.connect({ vendor, keys: [keyOf(key)] });
  // What is not crafted is signed by the usual key, and replaced.
  const ended = await world.signIn({ ...pair, idp: { ...pair.idp, keys: [world.keys.idp] } }, craft);
  return { signedIn: ended.signedIn, code: ended.record?.code, detail: ended.record?.detail };
}

const accepted = { signedIn: true, code: undefined, detail: undefined };
const refused = (code: SignInFaultCode) => ({ signedIn: false, code, detail: expect.stringMatching(/\S/) });

describe('a signature by', () => {
  test.each(Object.entries(honest))('%s counts, and not once a word of it is another', async (_title, scheme) => {
    const craft = signedWith(scheme);
    expect(await outcome('ping', scheme.key, craft)).toEqual(accepted);
    const changed = swap('ann@acme.test</saml:NameID>', 'owner@acme.test</saml:NameID>');
    const message: Craft['message'] = async (xml, context) => changed(String(await craft.message?.(xml, context)));
    expect(await outcome('ping', scheme.key, { message })).toEqual(refused('signature_invalid'));
  });

  test.each<readonly [string, string, Scheme, SignInFaultCode]>([
    ['a key on the same curve that is another', 'P-256', { ...scheme('P-256'), key: 'other' }, 'signature_invalid'],
    ['a key on another curve', 'P-384', scheme('P-256'), 'signature_invalid'],
    ['an elliptic curve, written as DER', 'P-256', { ...scheme('P-256'), options: {} }, 'signature_invalid'],
    ['an elliptic curve, where the certificate is RSA', 'RSA', scheme('P-256'), 'signature_invalid'],
    [
      'an elliptic curve with SHA-1',
      'P-256',
      { ...scheme('P-256'), algorithm: `${more}ecdsa-sha1`, hash: 'sha1' },
      'algorithm_refused',
    ],
    [
      'another hash than its name says',
      'P-256',
      { ...scheme('P-256'), algorithm: `${more}ecdsa-sha512` },
      'signature_invalid',
    ],
    [
      'PSS under the name of PKCS #1',
      'RSA',
      { key: 'RSA', algorithm: `${more}rsa-sha384`, hash: 'sha384', options: pss },
      'signature_invalid',
    ],
    [
      'PKCS #1 under the name of PSS',
      'RSA',
      { key: 'RSA', algorithm: `${mgf1}sha384-rsa-MGF1`, hash: 'sha384' },
      'signature_invalid',
    ],
    [
      'PSS without a salt',
      'RSA',
      { key: 'RSA', algorithm: `${mgf1}sha256-rsa-MGF1`, hash: 'sha256', options: { ...pss, saltLength: 0 } },
      'signature_invalid',
    ],
    [
      'PSS with SHA-1',
      'RSA',
      { key: 'RSA', algorithm: `${mgf1}sha1-rsa-MGF1`, hash: 'sha1', options: pss },
      'algorithm_refused',
    ],
  ])('%s counts for nothing', async (_title, certificate, made, code) => {
    if (made.key === 'other' && !keys.has('other')) {
      const { cert, private: privateKey } = await generate([{ name: 'commonName', value: 'other' }], {
        ...{ keyType: 'ec', curve: 'P-256', algorithm: 'sha256' },
      });
      keys.set('other', { certificate: cert, privateKey });
    }
    expect(await outcome('ping', certificate, signedWith(made))).toEqual(refused(code));
  });

  test('a zero of a number on the curve counts for nothing (CVE-2022-21449)', async () => {
    const craft = signedWith(scheme('P-256'));
    const zeros = Buffer.alloc(64).toString('base64');
    const message: Craft['message'] = async (xml, context) =>
      swap(/<ds:SignatureValue>[^<]*/, `<ds:SignatureValue>${zeros}`)(String(await craft.message?.(xml, context)));
    expect(await outcome('ping', 'P-256', { message })).toEqual(refused('signature_invalid'));
  });
});

function scheme(curve: string): Scheme {
  return { key: curve, algorithm: `${more}ecdsa-sha256`, hash: 'sha256', options: raw };
}

describe('a certificate', () => {
  test.each(['P-256', 'P-384', 'P-521'])('on %s is taken, for its signatures can be verified', (curve) => {
    expect(new X509Certificate(readCertificate(keyOf(curve).certificate).pem).publicKey.asymmetricKeyType).toBe('ec');
  });

  test.each([
    [
      'Ed25519',
      'MIIBOjCB7aADAgECAhQxFDwpo6GtawzHoh+c37zyofe1cTAFBgMrZXAwEjEQMA4GA1UEAwwHZWQyNTUxOTAgFw0yNjExMjcwNTQyMThaGA8yMDUxMDcxOTA1NDIxOFowEjEQMA4GA1UEAwwHZWQyNTUxOTAqMAUGAytlcAMhAAwbRCu89oOnrPAyAxM0NVlm+/Zq6jZj4V7he1wUeJE9o1MwUTAdBgNVHQ4EFgQUp0qNXs3LQ3IWPJohcfxEzHdwGoQwHwYDVR0jBBgwFoAUp0qNXs3LQ3IWPJohcfxEzHdwGoQwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQB5eucURD1zejYbPNig95bifn8o98eH+KLov+n7nXhFW676+tUUjftue1SmzOc3jfpCkOCoIQyoh/IDETMdrnwP',
    ],
    [
      'RSA-PSS that is bound to SHA-1',
      'MIIC/zCCAeegAwIBAgIUO2oYeti68iQ/loofiG3JP3PnssgwDQYJKoZIhvcNAQEKMAAwDjEMMAoGA1UEAwwDcHNzMCAXDTI2MTEyNzA1NDIxOFoYDzIwNTEwNzE5MDU0MjE4WjAOMQwwCgYDVQQDDANwc3MwggEiMA0GCSqGSIb3DQEBCjAAA4IBDwAwggEKAoIBAQC7hOGZsEe9oMTydVX/X8lvWc9btccYJ0q0NGnvvxuLt7T64xB4UEV68M8cQFdA1VbaWuIWxT0SJCvKlrXt3LA8AyBHWJJB+62QpHme4KbZyT7ylEf7S1hHrzCaeUHzJLrCtj0FqSStzy34+CKZs7iMhywt7CyBTCh7x5DE8k11fmo/oy5MgxveqIbTLvNdCWj3bSJ59XfRK/lWEFh+yuYRyKg0mlscUnsSYdrnN2p04YulFZWbNveMKfY+jDIitYbXzCLQb87yPIt7yaOnDLgYpu7ItwjdfuH5X/LatG1H1BeQ7qLQnBmJwiBIkAWa7DV3rF4HoJXZUim/lFCRQijJAgMBAAGjUzBRMB0GA1UdDgQWBBRCqlHwrxlp67UnqVblAGuf2z8U6TAfBgNVHSMEGDAWgBRCqlHwrxlp67UnqVblAGuf2z8U6TAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCjAAA4IBAQC5w08k3zX6zepCwwb62aqpTXXMBonxLp2Q+k93nkNcVB8+G0krN8M896y8CW5qQcPycdmAWAQuzpZ+WR0tAOF52XDvKWU/I9fWO0fW2b6er1EDTdnB6nsln+kLxTA/gqYXvzioyzsjexvHFQFSJkEEEZv0x5RdZ515qrbzL8LsV9aOD2/t9XrUUw9RDXK8utkYjqsezbxrk0uPsUTjxn2CPLvCQmKXCaaCAgHscT9/Zu6ShMGK0b6jNBGtgcJo47T7/WEaxzVoLxckxresxjIUcGCJ6DGRI8OP8DjSi0I3auhM43wwgSdYazFaav8ON+RopPyiYuCsCwEH1fkyUjJp',
    ],
  ])(
    'of a kind that nothing here verifies with is refused when it is given: %s (certificate_invalid)',
    (_kind, der) => {
      expect(new X509Certificate(Buffer.from(der, 'base64')).subject).toMatch(/CN=/);
      expect(() => readCertificate(der)).toThrow(/cannot be used: its .*key/);
    },
  );
});

/** OAEP as RFC 8017 §7.1.1 writes it, for hashes that node does not mix. */
function wrapWith(pem: string, key: Buffer, digest: string, mask: string, label = Buffer.alloc(0)): Buffer {
  const size = createPublicKey(pem).asymmetricKeyDetails?.modulusLength ?? 0;
  const length = createHash(digest).digest().length;
  const empty = Buffer.alloc(size / 8 - key.length - 2 * length - 2);
  const data = Buffer.concat([createHash(digest).update(label).digest(), empty, Buffer.from([1]), key]);
  const seed = randomBytes(length);
  const masked = xor(data, maskOf(seed, data.length, mask));
  const block = Buffer.concat([Buffer.from([0]), xor(seed, maskOf(masked, length, mask)), masked]);
  return publicEncrypt({ key: pem, padding: constants.RSA_NO_PADDING }, block);
}

function maskOf(seed: Buffer, length: number, hash: string): Buffer {
  const parts = Array.from({ length: Math.ceil(length / 20) }, (_, at) =>
    createHash(hash)
      .update(Buffer.concat([seed, Buffer.from([0, 0, 0, at])]))
      .digest(),
  );
  return Buffer.concat(parts).subarray(0, length);
}

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));

interface Wrapping {
  readonly content?: string;
  readonly key?: string;
  readonly digest?: readonly [name: string, hash: string];
  readonly mgf?: readonly [name: string, hash: string];
  readonly label?: string;
  /** Where the EncryptedKey stands. */
  readonly place?: 'inside' | 'beside' | 'pointed';
  readonly change?: (xml: string) => string;
  /** Over what is encrypted. */
  readonly text?: (assertion: string) => string;
  /** Over the cipher text, and the wrapped key. */
  readonly spoil?: { readonly data?: (bytes: Buffer) => Buffer; readonly key?: (bytes: Buffer) => Buffer };
}

/** Encrypts by node's own means. */
function encryptedWith(wrapping: Wrapping): Craft {
  const { content = `${xenc11}aes256-gcm`, key = `${xenc}rsa-oaep-mgf1p`, place = 'inside' } = wrapping;
  return {
    // The vendor encrypts nothing: what comes here is the signed assertion.
    encrypted: (assertion, { to }) => {
      const bits = Number(/aes(\d{3})/.exec(content)?.[1]);
      const secret = randomBytes(bits / 8);
      const gcm = content.endsWith('gcm');
      const iv = randomBytes(gcm ? 12 : 16);
      const text = Buffer.from(wrapping.text?.(assertion) ?? assertion, 'utf8');
      const padding = 16 - (text.length % 16);
      const input = gcm ? text : Buffer.concat([text, Buffer.alloc(padding - 1), Buffer.from([padding])]);
      const cipher = createCipheriv(`aes-${bits}-${gcm ? 'gcm' : 'cbc'}` as 'aes-256-gcm', secret, iv);
      if (!gcm) cipher.setAutoPadding(false);
      const body = Buffer.concat([cipher.update(input), cipher.final()]);
      const data = Buffer.concat([iv, body, ...(gcm ? [cipher.getAuthTag()] : [])]);
      const label = Buffer.from(wrapping.label ?? '');
      const hashes = [wrapping.digest?.[1] ?? 'sha1', wrapping.mgf?.[1] ?? 'sha1'] as const;
      const wrapped = wrapWith(to.certificate ?? '', secret, ...hashes, label);
      const methods = [
        wrapping.digest && `<ds:DigestMethod Algorithm="${wrapping.digest[0]}"/>`,
        wrapping.mgf && `<x11:MGF xmlns:x11="${xenc11}" Algorithm="${wrapping.mgf[0]}"/>`,
        wrapping.label && `<xenc:OAEPparams>${label.toString('base64')}</xenc:OAEPparams>`,
      ];
      const value = (bytes: Buffer) =>
        `<xenc:CipherData><xenc:CipherValue>${bytes.toString('base64')}</xenc:CipherValue></xenc:CipherData>`;
      const encryptedKey = `<xenc:EncryptedKey Id="_key"><xenc:EncryptionMethod Algorithm="${key}">${methods.filter(Boolean).join('')}</xenc:EncryptionMethod>${value(wrapping.spoil?.key?.(wrapped) ?? wrapped)}</xenc:EncryptedKey>`;
      const info = {
        inside: `<ds:KeyInfo>${encryptedKey}</ds:KeyInfo>`,
        beside: '',
        pointed: `<ds:KeyInfo><ds:RetrievalMethod Type="${xenc}EncryptedKey" URI="#_key"/></ds:KeyInfo>`,
      }[place];
      const xml = [
        `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xenc="${xenc}" xmlns:ds="${dsig}">`,
        `<xenc:EncryptedData Type="${xenc}Element"><xenc:EncryptionMethod Algorithm="${content}"/>${info}`,
        `${value(wrapping.spoil?.data?.(data) ?? data)}</xenc:EncryptedData>${place === 'inside' ? '' : encryptedKey}</saml:EncryptedAssertion>`,
      ].join('');
      return wrapping.change?.(xml) ?? xml;
    },
  };
}

const decrypted = (wrapping: Wrapping) => outcome('ping', 'RSA', encryptedWith(wrapping));

const sha1 = [`${dsig}sha1`, 'sha1'] as const;
const sha256 = [`${xenc}sha256`, 'sha256'] as const;
const sha384 = [`${more}sha384`, 'sha384'] as const;
const sha512 = [`${xenc}sha512`, 'sha512'] as const;
const mgf = (hash: string) => [`${xenc11}mgf1${hash}`, hash] as const;
const oaep11 = `${xenc11}rsa-oaep`;
const flip = (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]);

describe('an assertion that is encrypted with', () => {
  test.each<readonly [string, Wrapping]>([
    ['AES-192 in CBC mode', { content: `${xenc}aes192-cbc` }],
    ['AES-192 in GCM mode', { content: `${xenc11}aes192-gcm` }],
    ['AES-128 in GCM mode', { content: `${xenc11}aes128-gcm` }],
    ['OAEP that names SHA-1', { digest: sha1 }],
    ['OAEP with SHA-256, and masks by SHA-1', { digest: sha256 }],
    ['OAEP with SHA-512, and masks by SHA-1', { digest: sha512 }],
    ['OAEP of XML Encryption 1.1 as it is by default', { key: oaep11 }],
    ['OAEP of XML Encryption 1.1 with SHA-256 in both', { key: oaep11, digest: sha256, mgf: mgf('sha256') }],
    ['OAEP of XML Encryption 1.1 with SHA-256 and masks by SHA-1', { key: oaep11, digest: sha256, mgf: mgf('sha1') }],
    ['OAEP of XML Encryption 1.1 with SHA-1 and masks by SHA-256', { key: oaep11, digest: sha1, mgf: mgf('sha256') }],
    ['OAEP of XML Encryption 1.1 with SHA-384 in both', { key: oaep11, digest: sha384, mgf: mgf('sha384') }],
    ['OAEP of XML Encryption 1.1 with SHA-512 in both', { key: oaep11, digest: sha512, mgf: mgf('sha512') }],
    ['a label', { label: 'a label' }],
    ['a label and two hashes', { key: oaep11, label: 'a label', digest: sha256, mgf: mgf('sha1') }],
    ['its key beside the data', { place: 'beside' }],
    ['its key beside the data, named there', { place: 'pointed' }],
    ['the namespace of its prefix declared around it only', { text: swap(` xmlns:saml="${assertionNs}"`, '') }],
  ])('%s is opened; changed on the way it is not, and says nothing of where', async (_title, wrapping) => {
    expect(await decrypted(wrapping)).toEqual(accepted);
    const spoiled = await decrypted({ ...wrapping, spoil: { key: flip } });
    expect(spoiled).toEqual(refused('decryption_failed'));
    expect(spoiled.detail).toMatch(/^The assertion cannot be decrypted with any key/);
    if (wrapping.content?.endsWith('cbc')) return;
    expect(await decrypted({ ...wrapping, spoil: { data: flip } })).toEqual(spoiled);
  });

  test('the default namespace declared around it only is opened, too', async () => {
    const wrapping: Wrapping = {
      text: swap(` xmlns="${assertionNs}"`, ''),
      change: swap('<saml:EncryptedAssertion', `<saml:EncryptedAssertion xmlns="${assertionNs}"`),
    };
    expect(await outcome('entra', 'RSA', encryptedWith(wrapping))).toEqual(accepted);
    expect(await outcome('entra', 'RSA', encryptedWith({ text: wrapping.text ?? String }))).toEqual(
      refused('malformed'),
    );
  });

  test.each<readonly [string, Wrapping, SignInFaultCode]>([
    ['masks that mgf1p has not', { digest: sha256, mgf: mgf('sha256') }, 'malformed'],
    ['masks that nobody knows', { key: oaep11, mgf: [`${xenc11}mgf1md5`, 'sha1'] }, 'algorithm_refused'],
    ['a digest that nobody knows', { digest: [`${more}md5`, 'sha1'] }, 'algorithm_refused'],
    ['another digest than it says', { digest: [`${xenc}sha256`, 'sha1'] }, 'decryption_failed'],
    ['other masks than it says', { key: oaep11, mgf: [`${xenc11}mgf1sha256`, 'sha1'] }, 'decryption_failed'],
    ['a prefix that is declared nowhere', { text: (xml) => xml.replaceAll('saml:', 'nobody:') }, 'decryption_failed'],
    [
      'a prefix that is declared as something else around it',
      {
        text: (xml) => xml.replaceAll('saml:', 'other:').replace(/ xmlns:(saml|other)="[^"]*"/, ''),
        change: swap(` xmlns:xenc="${xenc}"`, ` xmlns:xenc="${xenc}" xmlns:other="urn:other"`),
      },
      'malformed',
    ],
    [
      'namespaces of attributes taken away, which the signature covers',
      { text: (xml) => xml.replaceAll(/ xmlns:xs="[^"]*"/g, '') },
      'signature_invalid',
    ],
    ['a pointer to no key', { place: 'pointed', change: swap('URI="#_key"', 'URI="#_other"') }, 'malformed'],
    ['a pointer to somewhere', { place: 'pointed', change: swap('URI="#_key"', 'URI="https://x.test/"') }, 'malformed'],
    [
      'two keys beside the data',
      { place: 'beside', change: swap(/<xenc:EncryptedKey[\s\S]*<\/xenc:EncryptedKey>/, (found) => found + found) },
      'malformed',
    ],
    [
      'a key of another length than its content has',
      { content: `${xenc11}aes192-gcm`, change: swap('aes192-gcm', 'aes256-gcm') },
      'decryption_failed',
    ],
    ['AES in counter mode', { change: swap('aes256-gcm', 'aes256-ctr') }, 'algorithm_refused'],
    [
      'two cipher values',
      { change: swap('<xenc:CipherValue>', '<xenc:CipherValue>AAAA</xenc:CipherValue><xenc:CipherValue>') },
      'malformed',
    ],
  ])('%s is refused', async (_title, wrapping, code) => {
    expect(await decrypted(wrapping)).toEqual(refused(code));
  });
});
