/** Bulk (RFC 7644 §3.7): many operations in one request, each of them what it would be as a request of its own. */
/** Nothing here knows how a resource is written: operations go to the handlers of the single requests. */
import { AppError, hasCode } from '../../errors.ts';
import { BODY_LIMIT } from '../body.ts';
import type { Exchange, Handler, Routes } from '../exchange.ts';
import { readBulk } from './operations.ts';
import { isFailure, processBulk, type Result } from './process.ts';

const BULK_RESPONSE_URN = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

/** The handler of POST /Bulk over these routes. */
export function bulkOf(routes: Routes): Handler {
  const endpoints = Object.keys(routes).filter((path) => !path.includes(':'));
  return async (exchange) => {
    const request = readBulk(await bodyOf(exchange), endpoints);
    exchange.deps.limits.charge(exchange.directory._id, request.operations.length - 1);
    const results = await processBulk(exchange, routes, request);
    const failed = results.some(isFailure);
    return {
      status: 200,
      body: { schemas: [BULK_RESPONSE_URN], Operations: results.map(present) },
      outcome: results.some(({ outcome }) => outcome === 'applied') ? 'applied' : 'no_effect',
      notes: failed ? ['bulk_operation_failed'] : [],
    };
  };
}

async function bodyOf(exchange: Exchange): Promise<unknown> {
  try {
    return await exchange.body();
  } catch (error) {
    if (!hasCode(error, 'body_too_large')) throw error;
    throw new AppError('body_too_large', `The size of the bulk operation exceeds maxPayloadSize (${BODY_LIMIT})`);
  }
}

/** As answered: the body of a failure always, that of a success never, which RFC 7644 §3.7 leaves to the provider. */
function present({ operation, status, location, version, refusal }: Result): object {
  return {
    method: operation.method,
    ...(operation.bulkId !== undefined && { bulkId: operation.bulkId }),
    ...(location !== undefined && { location }),
    ...(version !== undefined && { version }),
    status: String(status),
    ...(refusal && { response: refusal.body }),
  };
}
