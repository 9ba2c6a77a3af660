/** The web process: settings from the environment, signals, and nothing more. */
import { ConfigError, readConfig } from './config.ts';
import { AppError } from './errors.ts';
import { type Gatehouse, openGatehouse } from './gatehouse.ts';
import { type Logger, openLogger } from './lib/logger.ts';

function readConfigOrExit() {
  try {
    return readConfig();
  } catch (error) {
    return refuse(error);
  }
}

/** Faults of the settings, a store that does not answer, a port in use: a person reads it, and needs no stack. */
function refuse(error: unknown): never {
  const foreseen = error instanceof ConfigError || error instanceof AppError || isListenError(error);
  if (!foreseen) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

const isListenError = (error: unknown): error is Error =>
  error instanceof Error && 'syscall' in error && error.syscall === 'listen';

/** The first signal ends gracefully, the second one at once. */
function closeOnSignals(gatehouse: Gatehouse, logger: Logger): void {
  let closing = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (closing) process.exit(1);
      closing = true;
      logger.info({ signal }, 'closing');
      gatehouse.close().then(
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

/** What a person at a terminal wants to know next. A generated operator token is shown once, and never reaches a log. */
function greet({ secrets }: Gatehouse, baseUrl: string, logger: Logger): void {
  const { newOperatorToken, operatorTokenFile } = secrets;
  if (operatorTokenFile !== undefined) logger.info({ file: operatorTokenFile }, 'the operator token is kept in a file');
  if (!process.stdout.isTTY) return;
  const token = newOperatorToken === undefined ? '' : `  Operator token (shown this once): ${newOperatorToken}\n`;
  process.stdout.write(`\n  Gatehouse serves ${baseUrl}\n  The API, to read: ${baseUrl}/docs\n${token}\n`);
}

const config = readConfigOrExit();
const logger = openLogger(config.logLevel);
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    logger.fatal({ err: error }, 'a fault that nobody caught');
    process.exit(1);
  });
}
for (const warning of config.warnings) logger.warn(warning);

const gatehouse = await openGatehouse(config, { logger, processMetrics: true }).catch(refuse);
closeOnSignals(gatehouse, logger);
const port = await gatehouse.listen().catch(async (error: unknown) => {
  await gatehouse.close();
  return refuse(error);
});
logger.info({ port, url: config.baseUrl, store: gatehouse.store.engine }, 'ready');
greet(gatehouse, config.baseUrl, logger);
