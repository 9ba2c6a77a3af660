import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

const pool = new Uint32Array(1024);
let left = 0;

/** A random number from 0 up to 1, drawn from a pool: ulid asks for one per character, and each system call costs. */
function random(): number {
  if (left === 0) {
    randomFillSync(pool);
    left = pool.length;
  }
  left -= 1;
  return (pool[left] ?? 0) / 2 ** 32;
}

const nextUlid = monotonicFactory(random);

/**
 * The prefixes of all ids. An id is `prefix-` and a ULID in lower case: it sorts by time of making, needs no escape in
 * a URL, and has no underscore (Okta refuses one in a SCIM base URL).
 */
const prefixes = {
  account: 'acc',
  accountEmail: 'eml',
  sshKey: 'ssh',
  organization: 'org',
  member: 'mem',
  invitation: 'inv',
  block: 'blk',
  ownershipTransfer: 'own',
  project: 'prj',
  grant: 'grt',
  apiKey: 'key',
  resource: 'res',
  session: 'ses',
  serviceCredential: 'svc',
  domain: 'dom',
  directory: 'dir',
  directorySchema: 'dsc',
  directoryToken: 'dtk',
  oauthClient: 'ocl',
  oauthSecret: 'ocs',
  oauthKey: 'ock',
  oauthIssuer: 'oci',
  oauthToken: 'oat',
  oauthAssertion: 'oas',
  directoryUser: 'usr',
  directoryEmail: 'dem',
  directoryGroup: 'grp',
  edge: 'edg',
  mapping: 'map',
  connection: 'con',
  connectionKey: 'cky',
  identity: 'idn',
  signInAttempt: 'att',
  consumedMessage: 'msg',
  signInRecord: 'sir',
  mailedLink: 'lnk',
  idpSession: 'ids',
  provisioningLog: 'log',
  audit: 'aud',
  eventChunk: 'chk',
  webhook: 'whk',
  webhookDelivery: 'dlv',
  outbox: 'job',
  history: 'his',
  lease: 'lea',
  request: 'req',
} as const;

export type IdKind = keyof typeof prefixes;

/** A new id of this kind, greater than every id that this process made before. */
export function newId(kind: IdKind): string {
  return `${prefixes[kind]}-${nextUlid().toLowerCase()}`;
}

/** Whether `text` has the form of an id of this kind; says nothing about its existence. */
export function isId(kind: IdKind, text: string): boolean {
  return text.length === prefixes[kind].length + 27 && text.startsWith(`${prefixes[kind]}-`);
}
