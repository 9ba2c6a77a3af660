import { describe, expect, test } from '@jest/globals';
import { type Claims, describeByClaims, groupsIn, readAddress } from '../../../src/sso/claims.ts';
import { type PresetName, presetClaims, presets } from '../../../src/sso/presets.ts';
import { claimNames } from '../../../src/sso/settings.ts';

const claimsOf = (given: Record<string, readonly string[]>): Claims => new Map(Object.entries(given));
const entra = presetClaims('entra', 'saml');
const okta = presetClaims('okta', 'oidc');

describe('what claims say of a person', () => {
  test("Entra's claim URIs are read by its preset (SSO-1)", () => {
    const claims = claimsOf({
      'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress': ['ann@acme.test'],
      'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name': ['ann@acme.onmicrosoft.test'],
      'http://schemas.microsoft.com/identity/claims/objectidentifier': ['0d1f'],
      'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups': ['g-1', 'g-2'],
    });
    expect(describeByClaims(claims, entra, true)).toEqual({
      email: { address: 'ann@acme.test', vouched: true },
      userName: 'ann@acme.onmicrosoft.test',
      immutableId: '0d1f',
    });
    expect(groupsIn(claims, entra, false)).toEqual({ kind: 'known', names: ['g-1', 'g-2'] });
  });

  test('blank, huge and unreadable values are none', () => {
    const claims = claimsOf({ name: ['', ' '], given_name: ['x'.repeat(2000)], family_name: ['a\u0000b'] });
    expect(describeByClaims(claims, okta, true)).toEqual({});
  });

  test.each([
    ['two addresses', 'ann@acme.test,eve@evil.test'],
    ['a name before the address', 'Ann <ann@acme.test>'],
    ['a look-alike letter', 'аnn@acme.test'],
    ['a look-alike domain', 'ann@аcme.test'],
    ['a comment', 'ann(x)@acme.test'],
    ['two at signs', 'ann@evil.test@acme.test'],
    ['a blank inside', 'ann @acme.test'],
    ['an address literal', 'ann@[127.0.0.1]'],
  ])('%s is no address to believe (SSO-3)', (_title, value) => {
    expect(readAddress(value)).toBeUndefined();
  });

  test('absent groups, and groups that say they are cut short, are unknown; an empty claim is none (SSO-8)', () => {
    expect(groupsIn(claimsOf({}), okta, false)).toEqual({ kind: 'unknown', why: 'absent' });
    expect(groupsIn(claimsOf({ groups: ['a'] }), okta, true)).toEqual({ kind: 'unknown', why: 'overage' });
    expect(groupsIn(claimsOf({ groups: [] }), okta, false)).toEqual({ kind: 'known', names: [] });
    expect(groupsIn(claimsOf({ groups: ['a', 'a', ' b ', ''] }), okta, false)).toEqual({
      kind: 'known',
      names: ['a', 'b'],
    });
  });

  test('every preset is a valid choice of claims, for both protocols', () => {
    for (const name of Object.keys(presets) as PresetName[]) {
      expect(claimNames.safeParse(presetClaims(name, 'saml')).success).toBe(true);
      expect(claimNames.safeParse(presetClaims(name, 'oidc')).success).toBe(true);
    }
  });
});
