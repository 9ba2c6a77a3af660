/** What became of each sign-in, for the admin who is asked about it (SSO-1, OPS-1): found by the reference on the page. */
import { randomInt } from 'node:crypto';
import { recordAudit } from '../events/index.ts';
import { newId } from '../lib/ids.ts';
import { cut } from '../lib/text.ts';
import type {
  Connection,
  Filter,
  JsonObject,
  Page,
  PageOptions,
  ReadStore,
  SignInRecord,
  Transaction,
} from '../store/index.ts';

export interface SignInOutcome {
  readonly purpose: SignInRecord['purpose'];
  readonly outcome: SignInRecord['outcome'];
  /** A SignInFaultCode, a SignInRefusal, the code of an error, or what was done. */
  readonly code: string;
  /** One sentence for the admin. */
  readonly detail: string;
  readonly subject?: string | undefined;
  readonly accountId?: string | undefined;
  readonly received?: JsonObject | undefined;
}

/** Letters and digits that nobody mistakes for each other on the telephone. */
const alphabet = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
/** Ten of 31: found by whoever reads it to an admin, guessed by nobody who wants to collide. */
export const newReference = (): string => {
  const signs = Array.from({ length: 10 }, () => alphabet[randomInt(alphabet.length)]);
  return `${signs.slice(0, 5).join('')}-${signs.slice(5).join('')}`;
};

/** No more is kept of what an IdP sent. */
const RECEIVED_LIMIT = 32_768;
const DETAIL_LIMIT = 1024;
const SUBJECT_LIMIT = 256;

/** Keeps what became of a sign-in; a refused one also goes to the audit. Answers the reference that the page shows. */
export async function keepRecord(
  tx: Transaction,
  { organizationId, _id: connectionId }: Connection,
  { purpose, outcome, code, detail, subject, accountId, received }: SignInOutcome,
): Promise<string> {
  const reference = newReference();
  await tx.signInRecords.insert(organizationId, {
    _id: newId('signInRecord'),
    organizationId,
    connectionId,
    reference,
    purpose,
    outcome,
    code,
    detail: cut(readable(detail), DETAIL_LIMIT),
    ...(subject !== undefined && { subject: cut(readable(subject), SUBJECT_LIMIT) }),
    ...(accountId !== undefined && { accountId }),
    ...(tx.cause.from && { from: tx.cause.from }),
    ...(received && { received: bounded(received) }),
  });
  if (outcome === 'refused' || outcome === 'waiting') {
    await recordAudit(tx, organizationId, {
      type: 'sign_in.refused',
      outcome: 'refused',
      targetKind: 'connection',
      targetId: connectionId,
      after: { reference, code, purpose },
      detail: cut(readable(detail), DETAIL_LIMIT),
    });
  }
  return reference;
}

/** What an IdP sent may hold what no row may. */
export const readable = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, '\ufffd');

/**
 * What was received, in the form of a row: names of claims hold dots, so that they become a list of pairs, in the order
 * of arrival. Too much of it is told, not kept.
 */
function bounded(received: JsonObject): JsonObject {
  const text = readable(JSON.stringify(received));
  if (text.length > RECEIVED_LIMIT) return { omitted: `${text.length} characters: more than a record keeps` };
  return undot(JSON.parse(text)) as JsonObject;
}

function undot(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(undot);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  if (entries.every(([name]) => /^[A-Za-z_][\w-]*$/.test(name) && name !== '__proto__' && name !== 'constructor')) {
    return Object.fromEntries(entries.map(([name, item]) => [name, undot(item)]));
  }
  return entries.map(([name, item]) => ({ name, value: undot(item) }));
}

/** An organization's records, newest first, of one connection or all. */
export function findRecords(
  reads: ReadStore,
  organizationId: string,
  filter: Pick<Filter<SignInRecord>, 'connectionId' | 'outcome' | 'reference'>,
  page: PageOptions,
): Promise<Page<SignInRecord>> {
  return reads.signInRecords.page(organizationId, filter, { sort: { _id: -1 }, ...page });
}
