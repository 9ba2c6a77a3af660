/**
 * The floors that Gatehouse is measured against: bare Express 5 with a JSON body and one SQLite insert (WAL), and with
 * one indexed read. Started as a process of its own: `node floor.js <file> <FULL|NORMAL>`; prints its port.
 */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from '@photostructure/sqlite';
import express from 'express';

const [file, synchronous] = process.argv.slice(2);
if (file === undefined || (synchronous !== 'FULL' && synchronous !== 'NORMAL'))
  throw new Error('floor.js <file> <FULL|NORMAL>');

const database = new DatabaseSync(file);
database.exec('PRAGMA journal_mode = WAL');
database.exec(`PRAGMA synchronous = ${synchronous}`);
database.exec('CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, doc TEXT NOT NULL)');
const insert = database.prepare('INSERT INTO people (id, doc) VALUES (?, ?)');
const select = database.prepare('SELECT doc FROM people WHERE id = ?');

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.use(express.json());
app.post('/people', (request, response) => {
  const id = randomUUID();
  insert.run(id, JSON.stringify(request.body));
  response.status(201).json({ id, ...request.body });
});
app.get('/people/:id', (request, response) => {
  const row = select.get(request.params.id);
  if (row === undefined) response.status(404).end();
  else response.json(JSON.parse(String((row as { doc: unknown }).doc)));
});
app.post('/checks', (request, response) => {
  const row = select.get(String(request.body.id));
  response.json({ decision: row !== undefined });
});

const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
// Connections rest while the others are measured.
server.keepAliveTimeout = 600_000;
process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close(() => database.close());
});
