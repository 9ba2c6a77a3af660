/** Whether an organization has a hot row: 64 writers of one organization against one writer in each of 64, as a ratio. */
import { type Call, type Client, openClient } from './client.ts';
import { measure } from './measure.ts';
import type { Place } from './place.ts';
import { type Line, rateLine } from './report.ts';
import { operatorToken } from './servers.ts';
import { inParallel, person } from './world.ts';

const writers = 64;

/** Throws where a write fails, or the audit of an organization is not one whole chain. */
export async function measureHotSpots(place: Place, roundMs: number, rounds: number): Promise<Line> {
  const web = await place.start();
  const client = await openClient(web, writers);
  try {
    const pushes = await inParallel(writers, 8, (index) => addOrganization(client, index));
    const push = (to: number, name: string): Call => {
      const make = pushes[to];
      if (!make) throw new Error(`no organization ${to}`);
      return make.scim(person(name));
    };
    const made = ({ status }: { status: number }) => status === 201;
    const [one, many] = await measure(
      [
        { client, next: (index) => push(0, `one${index}`), expect: made },
        { client, next: (index) => push(index % writers, `many${index}`), expect: made },
      ],
      writers,
      roundMs,
      rounds,
    );
    if (!one || !many) throw new Error('two loads were measured');
    await expectChain(client, pushes[0]?.id ?? '');
    return rateLine(`creates by ${writers} writers of one organization`, one, {
      figure: many,
      what: `of ${writers} organizations`,
    });
  } finally {
    client.close();
    await web.stop();
  }
}

const operator = (method: string, path: string, body?: unknown): Call => ({
  method,
  path: `/api/v1/organizations${path}`,
  headers: { Authorization: `Bearer ${operatorToken}` },
  body,
});

async function ask<T>(client: Client, call: Call): Promise<T> {
  const answer = await client.send(call);
  if (answer.status >= 300) throw new Error(`${call.method} ${call.path} answered ${answer.status} ${answer.body}`);
  return JSON.parse(answer.body) as T;
}

async function addOrganization(client: Client, index: number) {
  const named = { name: `Bench ${index}`, owner: { email: `owner${index}@hot.example` } };
  const { id } = await ask<{ id: string }>(client, operator('POST', '', named));
  const opened = await ask<{ directory: { id: string }; token: { secret: string } }>(
    client,
    operator('POST', `/${id}/directories`, { name: 'Bench' }),
  );
  const scim = (body: unknown): Call => ({
    method: 'POST',
    path: `/scim/v2/${opened.directory.id}/Users`,
    headers: { Authorization: `Bearer ${opened.token.secret}` },
    body,
  });
  return { id, scim };
}

/** The sequencer has kept the chain whole under the load. */
async function expectChain(client: Client, organizationId: string): Promise<void> {
  const chain = await ask<{ verified: boolean; count: number }>(
    client,
    operator('GET', `/${organizationId}/audit/verify`),
  );
  if (!chain.verified || chain.count === 0) throw new Error(`the audit is no whole chain: ${JSON.stringify(chain)}`);
}
