/** One row, one flaw: the message with it is refused, the same message without it is accepted, on the same connection. */
import { beforeAll, expect, test } from '@jest/globals';
import type { SamlVendor, SamlVendorName } from '../../../src/simulator/index.ts';
import type { SignInFaultCode } from '../../../src/sso/protocol.ts';
import { sampled, sampleOf } from '../sample.ts';
import type { Craft } from './craft.ts';
import { type ConnectOptions, type Ended, openSamlWorld, type SamlWorld } from './world.ts';

export interface Flaw {
  readonly vendor?: SamlVendorName | SamlVendor;
  readonly connection?: ConnectOptions;
  /** Needs the world's keys. */
  readonly craft: Craft | ((world: SamlWorld) => Craft);
  /** What the Admin's record says; the page says nothing. */
  readonly code: SignInFaultCode;
  /** Of the honest message, where it is not the vendor's plain one. */
  readonly honest?: Craft;
  /** Words of the record's detail. */
  readonly tells?: RegExp;
}

/** Vendors whose handwriting is easy to change: prefixes everywhere, one signature. */
export const assertionSigned = 'ping';
export const responseSigned = 'onelogin';

const neutral = ({ page }: Ended): string => page.replace(/[0-9A-Z]{5}-[0-9A-Z]{5}/, '…');

/** One world for all tables of a file: each row has a connection of its own. `page`: what any refusal shows. */
let opened: Promise<{ readonly world: SamlWorld; readonly page: string }> | undefined;

async function open() {
  const world = await openSamlWorld();
  return { world, page: neutral(await world.signIn(await world.connect(), { field: () => 'AAAA' })) };
}

/** Tables that are long, and whose rows differ in the message alone. */
const tables = ['contents', 'documents', 'signatures', 'wrapping'];

/** The table that is being read, as docs/sso-threats.md calls it. */
function tableHere(): string | undefined {
  const { testPath = '' } = expect.getState();
  const name = tables.find((table) => testPath.endsWith(`${table}.test.ts`));
  return name && `saml/${name}`;
}

/** Registers a test for each row; on MongoDB for the sample of a long table. */
export function refuse(rows: Readonly<Record<string, Flaw>>): void {
  const table = tableHere();
  const chosen = sampleOf(table, Object.entries(rows), ([title]) => title);
  if (chosen.length === 0) return;
  let world: SamlWorld;
  let page: string;

  beforeAll(async () => {
    opened ??= open();
    ({ world, page } = await opened);
  });

  test.each(chosen)(`%s${table === undefined ? '' : sampled}`, async (_title, flaw) => {
    const pair = await world.connect({ vendor: flaw.vendor ?? assertionSigned, ...flaw.connection });
    const craft = typeof flaw.craft === 'function' ? flaw.craft(world) : flaw.craft;
    const refused = await world.signIn(pair, craft);
    expect({ signedIn: refused.signedIn, code: refused.record?.code, detail: refused.record?.detail }).toEqual({
      signedIn: false,
      code: flaw.code,
      detail: expect.stringMatching(flaw.tells ?? /\S/),
    });
    expect(refused.status).toBe(flaw.code === 'too_large' ? 413 : 403);
    expect(neutral(refused)).toBe(page);
    const accepted = await world.signIn(pair, flaw.honest);
    expect({ signedIn: accepted.signedIn, detail: accepted.record?.detail }).toEqual({
      signedIn: true,
      detail: undefined,
    });
  });
}
