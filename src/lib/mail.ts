/** Mail that leaves: over SMTP where it is configured; else, on a laptop, into the log, where whoever runs this finds it. */
import { createTransport } from 'nodemailer';
import type { Logger } from './logger.ts';

/** One plain letter to one address. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Mailer {
  /**
   * Hands a letter on. Answers `refused` where the server says for good that nobody has this address, or there is no server;
   * throws where trying again may help.
   */
  send(mail: Mail): Promise<'sent' | 'refused'>;
}

/** A server that does not answer must not hold a job for long. */
const timeouts = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 };

/** Sends over SMTP. `url`: `smtp://` or `smtps://`, with user and password where the server asks for them. */
function openSmtpMailer(url: string, from: string): Mailer {
  const transport = createTransport({ url, ...timeouts, disableFileAccess: true, disableUrlAccess: true }, { from });
  return {
    async send({ to, subject, text }) {
      try {
        await transport.sendMail({ to: { name: '', address: to }, subject, text });
        return 'sent';
      } catch (error) {
        if (isRefusal(error)) return 'refused';
        throw error;
      }
    },
  };
}

/** RFC 5321 §4.2.1: a reply from 500 up to RCPT is for good. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { command, responseCode } = error as Error & { readonly command?: unknown; readonly responseCode?: unknown };
  return command === 'RCPT TO' && typeof responseCode === 'number' && responseCode >= 500;
}

/** Writes letters to the log, links and all: on a laptop that is the only way in which anybody gets them. */
function openLogMailer(logger: Logger): Mailer {
  return {
    async send(mail) {
      logger.info({ mail }, 'SMTP_URL is not set: this letter is written here instead of being sent');
      return 'sent';
    },
  };
}

/**
 * Says that a letter could not be sent. Nothing of its text: who reads a production log could sign in by its link. To try
 * again would not help before a restart, by which time the link has expired.
 */
function openNoMailer(logger: Logger): Mailer {
  return {
    async send({ to, subject }) {
      logger.error({ mail: { to, subject } }, 'SMTP_URL is not set: this letter is not sent');
      return 'refused';
    },
  };
}

/** Keeps the newest letters in memory, for the page of a development server. */
function openShelf(letters: Mail[]): Mailer {
  return {
    async send(mail) {
      letters.unshift(mail);
      letters.length = Math.min(letters.length, 50);
      return 'sent';
    },
  };
}

/** As configured: over SMTP; else onto the shelf `letters`, where there is one, or, where that is `openly` done, into the log. */
export function openMailer(
  { url, from, openly }: { readonly url?: string | undefined; readonly from: string; readonly openly: boolean },
  logger: Logger,
  letters?: Mail[],
): Mailer {
  if (url !== undefined) return openSmtpMailer(url, from);
  if (letters !== undefined) return openShelf(letters);
  return openly ? openLogMailer(logger) : openNoMailer(logger);
}
