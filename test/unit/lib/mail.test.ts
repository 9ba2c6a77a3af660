import { expect, test } from '@jest/globals';
import { openLogger } from '../../../src/lib/logger.ts';
import { type Mail, openMailer } from '../../../src/lib/mail.ts';

const from = 'Gatehouse <no-reply@gatehouse.test>';
const token = '0123456789abcdef'.repeat(4);
const letter: Mail = {
  to: 'ann@acme.test',
  subject: 'Sign in',
  text: `https://gatehouse.test/sign-in/link?token=${token}`,
};

function openLog() {
  const lines: string[] = [];
  return { lines, logger: openLogger('info', { write: (line) => void lines.push(line) }) };
}

test('without a mail server, production says that a letter is not sent, and keeps its link out of the log (OPS-5)', async () => {
  const { lines, logger } = openLog();
  expect(await openMailer({ from, openly: false }, logger).send(letter)).toBe('refused');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'error',
    mail: { to: letter.to, subject: letter.subject },
    msg: expect.stringContaining('SMTP_URL is not set'),
  });
  expect(lines.join('')).not.toContain(token);
  expect(lines.join('')).not.toContain('/sign-in/link');
});

test('without a mail server, a laptop finds the letter in the log, or on the shelf where there is one', async () => {
  const { lines, logger } = openLog();
  expect(await openMailer({ from, openly: true }, logger).send(letter)).toBe('sent');
  expect(lines.join('')).toContain(letter.to);
  expect(lines.join('')).toContain(token);
  const shelf: Mail[] = [];
  expect(await openMailer({ from, openly: true }, logger, shelf).send(letter)).toBe('sent');
  expect(shelf).toEqual([letter]);
  expect(lines).toHaveLength(1);
});
