/** What comes from outside: bodies are read, texts that no field may hold refused, and everything parsed by its schema. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import type { z } from 'zod';
import { AppError } from '../errors.ts';
import { type FieldFault, invalidRequest } from './errors.ts';

const bodyLimit = '256kb';
const depthLimit = 32;
const readBody = express.json({ limit: bodyLimit, strict: false, type: () => true, verify: refuseBrokenText });

function refuseBrokenText(_request: unknown, _response: unknown, bytes: Buffer): void {
  if (!isUtf8(bytes)) throw new Error('not UTF-8');
}

/**
 * The request's JSON body, an object; undefined where there is none.
 * Throws AppError: unsupported_content_type, malformed_json, body_too_large, invalid_request (no object, or poisoned
 * content).
 */
export async function readJson(
  request: IncomingMessage & { body?: unknown },
  response: ServerResponse,
): Promise<object | undefined> {
  const length = request.headers['content-length'];
  const empty = request.headers['transfer-encoding'] === undefined && (length === undefined || length === '0');
  if (empty) return undefined;
  const contentType = request.headers['content-type'] ?? '';
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i.test(contentType) || !inUtf8(contentType)) {
    throw new AppError('unsupported_content_type', 'Send the body as application/json, in UTF-8.');
  }
  await new Promise<void>((resolve, reject) => {
    readBody(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
  const { body } = request;
  refusePoison(body, 'body');
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  const found = body === null ? 'null' : Array.isArray(body) ? 'a list' : `a ${typeof body}`;
  const fault = { in: 'body', field: '', message: `must be a JSON object, not ${found}` } as const;
  throw invalidRequest(`The body ${fault.message}.`, [fault]);
}

const inUtf8 = (contentType: string): boolean =>
  /^utf-?8$/i.test(/charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1] ?? 'utf-8');

// Half a surrogate pair cannot be written as UTF-8; a NUL ends texts early in one of the stores.
const unstorable = /\0|\p{Surrogate}/u;
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype', '_bsontype']);

/** Throws invalid_request for what no request may hold anywhere: forbidden keys, NUL characters, endless nesting. */
export function refusePoison(value: unknown, place: FieldFault['in']): void {
  const fault = findPoison(value, '', 0);
  if (fault) throw invalidRequest('The request holds what no request may hold.', [{ in: place, ...fault }]);
}

function findPoison(value: unknown, path: string, depth: number): { field: string; message: string } | undefined {
  if (typeof value === 'string') {
    return unstorable.test(value) ? { field: path, message: 'holds a NUL character or half a character' } : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= depthLimit) return { field: '', message: `is nested more than ${depthLimit} levels deep` };
  for (const key of Object.keys(value)) {
    const field = path === '' ? key : `${path}.${key}`;
    if (forbiddenKeys.has(key)) return { field, message: 'is a name that is not allowed' };
    if (unstorable.test(key)) return { field: path, message: 'has a field whose name holds a NUL character' };
    const fault = findPoison((value as Record<string, unknown>)[key], field, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

/** What is wrong with a field where its schema does not say it itself. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${article(issue.expected)}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      return `must ${issue.origin === 'number' ? 'be' : 'have'} ${issue.inclusive ? 'at least' : 'more than'} ${measure(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `must ${issue.origin === 'number' ? 'be' : 'have'} ${issue.inclusive ? 'at most' : 'less than'} ${measure(issue.origin, issue.maximum)}`;
    default:
      return undefined;
  }
}

const article = (type: string): string => `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`;

const units: Readonly<Record<string, string>> = { string: 'character', array: 'item', set: 'item', file: 'byte' };

function measure(origin: string, bound: number | bigint): string {
  const unit = units[origin];
  return unit === undefined ? String(bound) : `${bound} ${unit}${Number(bound) === 1 ? '' : 's'}`;
}

/** Parses by schema. Throws invalid_request that names every field at fault. */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, place: FieldFault['in']): z.output<S> {
  const parsed = schema.safeParse(value, { error: inWords });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue): FieldFault[] => {
    const field = issue.path.map(String).join('.');
    if (issue.code !== 'unrecognized_keys') return [{ in: place, field, message: issue.message }];
    return issue.keys.map((key) => ({
      in: place,
      field: field === '' ? key : `${field}.${key}`,
      message: 'is not a known field',
    }));
  });
  const [first] = errors;
  const what = first && first.field !== '' ? `${first.field}: ${first.message}` : (first?.message ?? 'invalid');
  throw invalidRequest(`The ${place} is not as this route takes it: ${what}`, errors);
}
