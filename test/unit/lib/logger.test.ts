import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../../src/errors.ts';
import { type Logger, openLogger } from '../../../src/lib/logger.ts';

function logged(write: (logger: Logger) => void): { readonly text: string; readonly line: Record<string, unknown> } {
  const lines: string[] = [];
  write(openLogger('info', { write: (line) => void lines.push(line) }));
  const text = lines.join('');
  return { text, line: text === '' ? {} : JSON.parse(text) };
}

const token = `ghs_${'a1'.repeat(32)}`;

describe('the log', () => {
  test('is one JSON object per line with level, time, message and fields', () => {
    const { text, line } = logged((logger) => logger.info({ requestId: 'req-1', ms: 3 }, 'request'));
    expect(line).toEqual({ level: 'info', time: expect.any(String), requestId: 'req-1', ms: 3, msg: 'request' });
    expect(new Date(String(line.time)).toISOString()).toBe(line.time);
    expect(text.endsWith('\n')).toBe(true);
  });

  test('keeps silent below its level', () => {
    expect(logged((logger) => logger.debug('x')).text).toBe('');
  });

  test.each([
    ['a field', { token }],
    ['a field in another case', { Authorization: 'abc' }],
    ['a field deep inside', { a: { b: [{ client_secret: 'abc' }] } }],
    ['a header', { headers: { 'set-cookie': ['abc'] } }],
    ['our own token in a text', { url: `/x?t=${token}` }],
    ['the secret of a webhook in a text', { note: `signs with whsec_${'abc+/'.repeat(8)}= now` }],
    ['a bearer in a text', { note: `Authorization: Bearer ${token.slice(4)}` }],
    ['the password in an address', { url: 'mongodb://user:abc@db:27017/x' }],
    ['an error that tells too much', { err: new Error(`refused ${token}`) }],
    ['details of an error', { err: new AppError('token_invalid', 'No.', { details: { seen: token } }) }],
  ])('never holds a secret: %s (OPS-5)', (_, fields) => {
    const { text } = logged((logger) => logger.info(fields, 'x'));
    expect(text).toContain('[hidden]');
    expect(text).not.toContain('abc');
    expect(text).not.toContain(token.slice(4));
    expect(() => JSON.parse(text)).not.toThrow();
  });

  test('a message is cleaned as well', () => {
    expect(logged((logger) => logger.info(`operator token ${token}`)).text).not.toContain(token);
  });

  test('an error is told with type, message, stack and code', () => {
    const { line } = logged((logger) => logger.error({ err: new AppError('stale', 'Late.') }, 'x'));
    expect(line.err).toMatchObject({ type: 'AppError', message: 'Late.', code: 'stale', stack: expect.any(String) });
  });

  test('a field that refers to itself does not end the process', () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(logged((logger) => logger.info({ loop }, 'x')).text).toContain('[deep]');
  });
});
