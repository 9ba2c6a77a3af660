/** Processing the operations of a bulk: one after another, each in a transaction of its own. */
import { AppError } from '../../errors.ts';
import { quoted } from '../../lib/text.ts';
import { type Answer, logRefusal } from '../answer.ts';
import { invalidValue, type Refusal, refusalOf } from '../errors.ts';
import type { Exchange, Routes } from '../exchange.ts';
import { makeCircle } from './circle.ts';
import type { BulkRequest, Faulty, Operation } from './operations.ts';
import { orderOf } from './order.ts';
import { idAt, loggedOf, prepare, type Ready } from './prepare.ts';
import { bulkIdIn } from './references.ts';

/** What became of one operation. */
export interface Result {
  readonly operation: Operation | Faulty;
  readonly status: number;
  readonly outcome: Answer['outcome'] | 'refused';
  /** The resource that was made, changed or not: absent for a POST that failed. */
  readonly location: string | undefined;
  readonly version: string | undefined;
  readonly refusal: Refusal | undefined;
}

export const isFailure = ({ refusal }: Result): boolean => refusal !== undefined;

const isSound = (operation: Operation | Faulty): operation is Operation => !('fault' in operation);

/**
 * Processes operations in the order of their references (RFC 7644 §3.7.1) until all are done, or `failOnErrors` of them
 * have failed. Answers the results of those that were tried, in the order of the request.
 */
export async function processBulk(
  exchange: Exchange,
  routes: Routes,
  { operations, failOnErrors = Number.POSITIVE_INFINITY }: BulkRequest,
): Promise<readonly Result[]> {
  const results: (Result | undefined)[] = operations.map(() => undefined);
  const bulk = new Bulk(exchange, routes, operations);
  let errors = 0;
  for (const group of orderOf(operations.length, (index) => bulk.dependenciesOf(index))) {
    if (errors >= failOnErrors) break;
    const done = await bulk.process(group);
    for (const [position, index] of group.entries()) results[index] = done[position];
    errors += done.filter(isFailure).length;
  }
  return results.filter((result) => result !== undefined);
}

class Bulk {
  readonly #exchange: Exchange;
  readonly #routes: Routes;
  readonly #operations: readonly (Operation | Faulty)[];
  /** Where the POST with a bulkId stands. */
  readonly #makers = new Map<string, number>();
  /** The ids of what has been made, by bulkId. */
  readonly #ids = new Map<string, string>();
  /** Set once the store does not answer: what is left is not held up by trying. */
  #unavailable: AppError | undefined;

  constructor(exchange: Exchange, routes: Routes, operations: readonly (Operation | Faulty)[]) {
    this.#exchange = exchange;
    this.#routes = routes;
    this.#operations = operations;
    for (const [index, { method, bulkId }] of operations.entries()) {
      if (method === 'POST' && bulkId !== undefined) this.#makers.set(bulkId, index);
    }
  }

  dependenciesOf(index: number): readonly number[] {
    const operation = this.#operations[index];
    if (operation === undefined || !isSound(operation)) return [];
    return [...operation.references].flatMap((bulkId) => this.#makers.get(bulkId) ?? []);
  }

  /** One operation, or those that refer to each other in a circle; one may refer to itself. */
  async process(group: readonly number[]): Promise<readonly Result[]> {
    const operations = group.flatMap((index) => this.#operations[index] ?? []);
    const circular = group.length > 1 || group.some((index) => this.dependenciesOf(index).includes(index));
    if (circular) return this.#circle(operations.filter(isSound));
    const results: Result[] = [];
    for (const operation of operations) results.push(await this.#single(operation));
    return results;
  }

  async #single(operation: Operation | Faulty): Promise<Result> {
    let ready: Ready | undefined;
    try {
      if (!isSound(operation)) throw operation.fault;
      if (this.#unavailable) throw this.#unavailable;
      ready = prepare(this.#exchange, this.#routes, operation, (bulkId) => this.#idOf(bulkId));
      return this.#succeeded(ready, await ready.handle(ready.exchange));
    } catch (error) {
      return this.#failed(operation, ready, error);
    }
  }

  async #circle(operations: readonly Operation[]): Promise<readonly Result[]> {
    const own = new Set(operations.map(({ bulkId }) => bulkId));
    const idOf = (bulkId: string) => (own.has(bulkId) ? `bulkId:${bulkId}` : this.#idOf(bulkId));
    let failing = operations[0];
    try {
      if (this.#unavailable) throw this.#unavailable;
      const circle: Ready[] = [];
      for (const operation of operations) {
        failing = operation;
        circle.push(prepare(this.#exchange, this.#routes, operation, idOf));
      }
      const made = await makeCircle(this.#exchange, this.#routes, circle, (operation) => {
        failing = operation;
      });
      return made.map(({ ready, answer }) => this.#succeeded(ready, answer));
    } catch (error) {
      const others = new AppError(
        'bulk_reference_failed',
        `The operation belongs to a circle of references in which ${quoted(`bulkId:${failing?.bulkId}`)} failed`,
      );
      const results: Result[] = [];
      for (const operation of operations) {
        results.push(await this.#failed(operation, undefined, operation === failing ? error : others));
      }
      return results;
    }
  }

  /** The id that a bulkId stands for. Throws scim_invalid_value where nothing has it, bulk_reference_failed. */
  #idOf(bulkId: string): string {
    const id = this.#ids.get(bulkId);
    if (id !== undefined) return id;
    const reference = quoted(`bulkId:${bulkId}`);
    if (!this.#makers.has(bulkId)) throw invalidValue(`${reference}: no POST of this request has this bulkId`);
    throw new AppError('bulk_reference_failed', `${reference} refers to an operation that failed`);
  }

  #succeeded({ operation, target }: Ready, { status, headers, outcome }: Answer): Result {
    const location = headers?.Location ?? this.#locationOf(operation, target);
    if (operation.verb === 'post' && operation.bulkId !== undefined && location !== undefined) {
      this.#ids.set(operation.bulkId, idAt(location));
    }
    return { operation, status, outcome, location, version: headers?.ETag, refusal: undefined };
  }

  async #failed(operation: Operation | Faulty, ready: Ready | undefined, error: unknown): Promise<Result> {
    const { deps, logged } = this.#exchange;
    const { requestId } = logged;
    const refusal = refusalOf(error, requestId);
    if (refusal.fault) deps.logger.error({ requestId, err: error }, 'an operation of a bulk failed');
    if (error instanceof AppError && error.kind === 'unavailable') this.#unavailable = error;
    else await logRefusal(deps, ready?.logged ?? this.#loggedOf(operation), error, refusal);
    const location = operation.method === 'POST' ? undefined : this.#locationOf(operation, ready?.target);
    return { operation, status: refusal.status, outcome: 'refused', location, version: undefined, refusal };
  }

  #loggedOf(operation: Operation | Faulty) {
    if (isSound(operation)) return loggedOf(this.#exchange, operation);
    return { ...this.#exchange.logged, startedAt: performance.now(), body: undefined };
  }

  /** Where there is one: a reference in the path that stands for nothing has none. */
  #locationOf({ endpoint, target: given }: Operation | Faulty, target = given): string | undefined {
    if (endpoint === undefined || target === undefined || bulkIdIn(target) !== undefined) return undefined;
    return `${this.#exchange.base}${endpoint}/${target}`;
  }
}
