// Lets in whom Gatehouse lets in, people by session and programs by API key, and registers what it makes (see README).
import { createServer } from 'node:http';

const { GATEHOUSE_URL = 'http://localhost:3000', GATEHOUSE_SERVICE_TOKEN, PORT = '4040' } = process.env;
const permissions = { GET: 'cluster.read', POST: 'cluster.create' };
async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${GATEHOUSE_SERVICE_TOKEN}`, 'content-type': 'application/json' };
  const answer = await fetch(GATEHOUSE_URL + path, { method, headers, body: JSON.stringify(body) });
  return answer.ok ? answer.json() : Promise.reject(new Error(`Gatehouse answers ${answer.status} to ${path}`));
}

async function serve({ method, url, headers }) {
  const [, project, , name = 'main'] = decodeURI(url).split('/'); // GET /{project}/clusters, POST /{project}/clusters/{name}
  const secret = headers.authorization?.slice('Bearer '.length) || '-';
  const key = await ask('POST', '/api/v1/keys/verify', { key: secret, project });
  const person = key.valid ? {} : await ask('POST', '/api/v1/sessions/introspect', { token: secret });
  if (!key.valid && !person.active) return [401, { error: 'sign in, or send an API key of this project' }];
  const subject = key.valid ? { type: 'api_key', id: key.keyId } : { type: 'user', id: person.accountId };
  const where = { context: { sessionId: person.sessionId }, resource: { type: 'project', id: project } };
  const question = { subject, action: { name: permissions[method] ?? method }, ...where };
  const { decision, context } = await ask('POST', '/access/v1/evaluation', question);
  if (!decision) return [403, { error: context.reason.message }];
  const resources = `/api/v1/projects/${project}/resources`;
  if (method === 'GET') return [200, await ask('GET', `${resources}?type=cluster`)];
  return [201, await ask('POST', resources, { type: 'cluster', name, externalId: name })];
}
createServer(async (request, response) => {
  const [status, body] = await serve(request).catch(({ message }) => [503, { error: message }]); // unsure: not let in
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}).listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`listening on ${PORT}\n`));
