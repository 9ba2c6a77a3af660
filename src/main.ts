/** The web process: settings from the environment, and a Gatehouse that listens. */
import { readConfig } from './config.ts';
import { type Gatehouse, openGatehouse } from './gatehouse.ts';
import { type Logger, openLogger } from './lib/logger.ts';
import { closeOnSignals, endOnFaults, endOnLostStore, refuseToStart } from './process.ts';

function readConfigOrExit() {
  try {
    return readConfig();
  } catch (error) {
    return refuseToStart(error);
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
endOnFaults(logger);
for (const warning of config.warnings) logger.warn(warning);

const onStoreLost = endOnLostStore(logger);
const gatehouse = await openGatehouse(config, { logger, processMetrics: true, onStoreLost }).catch(refuseToStart);
closeOnSignals(() => gatehouse.close(), logger);
const port = await gatehouse.listen().catch(async (error: unknown) => {
  await gatehouse.close();
  return refuseToStart(error);
});
logger.info({ port, url: config.baseUrl, store: gatehouse.store.engine }, 'ready');
greet(gatehouse, config.baseUrl, logger);
