import { describe, expect, test } from '@jest/globals';
import { isEmailAddress } from '../../../src/access/index.ts';

describe('an email address (ACC-2)', () => {
  test.each([
    'jane@acme.example',
    'Jane.Doe+gpu@Acme.Example',
    "o'neil_1%x@mail.acme-gpu.example",
    'jürgen@münchen.example',
    'jane@xn--mnchen-3ya.example',
    '张@公司.example',
    `${'x'.repeat(64)}@acme.example`,
  ])('is %s', (text) => {
    expect(isEmailAddress(text)).toBe(true);
  });

  test.each([
    '',
    'jane',
    '@acme.example',
    'jane@',
    'jane@acme@acme.example',
    '<jane@acme.example>',
    'Jane <jane@acme.example>',
    'mailto:jane@acme.example',
    'jane(comment)@acme.example',
    'jane[1]@acme.example',
    'jane,john@acme.example',
    'jane;john@acme.example',
    'ja\\ne@acme.example',
    '"jane doe"@acme.example',
    ' jane@acme.example',
    'jane@acme.example ',
    'ja ne@acme.example',
    'jane@acme .example',
    'ja\u00a0ne@acme.example',
    'ja\u200bne@acme.example',
    'ja\u3164ne@acme.example',
    'ja\u202ene@acme.example',
    'jane@ac\u200bme.example',
    'jane@ac\ufe0fme.example',
    '\ufeffjane@acme.example',
    'jane\t@acme.example',
    'jane@acme.example\r\nBcc: all@acme.example',
    'ja\u0000ne@acme.example',
    'jane@acme',
    'jane@.acme.example',
    'jane@acme..example',
    'jane@acme.example.',
    'jane@-acme.example',
    'jane@acme-.example',
    'jane@acme_gpu.example',
    'jane@127.0.0.1',
    'jane@[127.0.0.1]',
    `${'x'.repeat(65)}@acme.example`,
    `jane@${'x'.repeat(64)}.example`,
    `${'x'.repeat(64)}@${'y.'.repeat(95)}example`,
  ])('is not %j', (text) => {
    expect(isEmailAddress(text)).toBe(false);
  });
});
