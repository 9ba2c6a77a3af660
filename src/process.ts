/** What every process of Gatehouse does with faults and signals, whatever it serves. */
import { ConfigError } from './config.ts';
import { AppError } from './errors.ts';
import type { Logger } from './lib/logger.ts';

const isListenError = (error: unknown): error is Error =>
  error instanceof Error && 'syscall' in error && error.syscall === 'listen';

/**
 * Ends the process that cannot start: faults of the settings, a store that does not answer and a port in use are for a
 * person to read, and need no stack. Anything else is thrown on.
 */
export function refuseToStart(error: unknown): never {
  const foreseen = error instanceof ConfigError || error instanceof AppError || isListenError(error);
  if (!foreseen) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

/** Ends the process with a fault that nobody caught, after a line in the log. */
export function endOnFaults(logger: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, 'a fault that nobody caught');
      process.exit(1);
    });
  }
}

/** Ends the process whose store can answer nothing any more, for whoever keeps it running to start a new one. */
export function endOnLostStore(logger: Logger): (error: unknown) => void {
  return (error) => {
    logger.fatal({ err: error }, 'the disk did not take what was written; a new process must read what it has');
    process.exit(1);
  };
}

/** The first SIGTERM or SIGINT ends gracefully, by `close`; the second one at once. */
export function closeOnSignals(close: () => Promise<void>, logger: Logger): void {
  let closing = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (closing) process.exit(1);
      closing = true;
      logger.info({ signal }, 'closing');
      close().then(
        () => {
          logger.info('closed');
          process.exit(0);
        },
        (error: unknown) => {
          logger.fatal({ err: error }, 'did not close cleanly');
          process.exit(1);
        },
      );
    });
  }
}
