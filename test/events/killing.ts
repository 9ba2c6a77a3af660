/** The process that sends to a webhook dies between sending and writing it down (OPS-2): what was sent is sent again, and nothing is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { until } from '../support/until.ts';
import { openReceiver } from './receiver.ts';

export interface Victim {
  /** Where the API is, at any time. */
  url(): string;
  readonly operatorToken: string;
  /** Ends whatever sends, in the middle of it. */
  kill(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
}

const projects = 12;

/** Makes an organization whose projects a webhook is told of, kills at one of the requests, and waits until all have come. */
export async function killWhileSending({ url, operatorToken, kill, start }: Victim): Promise<void> {
  const ask = async (method: string, path: string, body?: object) => {
    const send = () =>
      fetch(`${url()}${path}`, {
        method,
        headers: { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      });
    let answer = await send();
    // as every client does whom the store cannot serve at the moment
    for (let more = 20; answer.status === 503 && more > 0; more -= 1) {
      await sleep(500);
      answer = await send();
    }
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json() as Promise<Record<string, unknown> & { items: { id: string; state: string }[] }>;
  };
  const receiver = await openReceiver();
  let struck: string | undefined;
  let killed: Promise<void> | undefined;
  receiver.answer((one, response) => {
    if (killed === undefined && receiver.received.length === 4) {
      // It was taken, and nobody will ever know.
      struck = one.event.id;
      killed = kill();
      response.writeHead(200).end();
    } else response.writeHead(200).end();
  });
  const owner = { email: 'owner@acme.example' };
  const { id } = await ask('POST', '/api/v1/organizations', { name: 'Acme', owner });
  const home = `/api/v1/organizations/${id}`;
  const told = async () =>
    (await ask('GET', `${home}/events?type=project.created&limit=200`)).items.map((one) => one.id);
  // a webhook that is made before may still be told of it
  await until('the default project is numbered', async () => (await told()).length === 1, 30_000);
  const hook = await ask('POST', `${home}/webhooks`, { url: receiver.url, types: ['project.created'] });
  for (let at = 0; at < projects; at += 1) {
    const made = ask('POST', `${home}/projects`, { name: `Project ${at}` });
    await made.catch(() => {});
    if (killed) break;
  }
  await until('it was struck', () => killed !== undefined);
  await killed;
  await start();
  // One whose answer was lost may be there.
  const count = async () => (await ask('GET', `${home}/projects`)).items.length - 1;
  for (let at = 0; (await count()) < projects; at += 1) await ask('POST', `${home}/projects`, { name: `Later ${at}` });
  await until('all are numbered', async () => (await told()).length === projects + 1, 30_000);
  // the default project was made before the webhook
  const expected = (await told()).slice(1).sort();
  // What the dead process held comes free when its lease has ended.
  await until(
    'all have come',
    () => {
      const came = new Set(receiver.received.map(({ event }) => event.id));
      return expected.every((one) => came.has(one)) && times(struck) > 1;
    },
    90_000,
  );
  function times(id: string | undefined): number {
    return receiver.received.filter(({ event, headers }) => event.id === id && headers['webhook-id'] === id).length;
  }
  expect([...new Set(receiver.received.map(({ event }) => event.id))].sort()).toEqual(expected);
  await until('all are written down', async () => {
    const { items: deliveries } = await ask('GET', `${home}/webhooks/${hook.id}/deliveries?limit=200`);
    return deliveries.length === projects && deliveries.every(({ state }) => state === 'delivered');
  });
}
