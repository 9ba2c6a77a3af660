// A service of the platform that lets in whom Gatehouse lets in: people by their session, programs by their API key.
//   GATEHOUSE_SERVICE_TOKEN=<credential with the scopes evaluate, keys.verify, introspect> node examples/cluster-service.mjs
import { createServer } from 'node:http';

const { GATEHOUSE_URL = 'http://localhost:3000', GATEHOUSE_SERVICE_TOKEN: token, PORT = '4040' } = process.env;
if (!token) throw new Error('GATEHOUSE_SERVICE_TOKEN is not set');
const permissions = {
  'GET clusters': 'cluster.read',
  'POST clusters': 'cluster.create',
  'POST jobs': 'cluster.submit-job',
};

async function ask(path, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(GATEHOUSE_URL + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`Gatehouse answers ${answer.status} to ${path}`);
  return answer.json();
}

async function identify(secret, project) {
  if (!secret.startsWith('ghk_')) {
    const { active, accountId, sessionId } = await ask('/api/v1/sessions/introspect', { token: secret });
    return active && { subject: { type: 'user', id: accountId }, context: { sessionId } };
  }
  const { valid, keyId } = await ask('/api/v1/keys/verify', { key: secret, project });
  return valid && { subject: { type: 'api_key', id: keyId } };
}

async function decide({ method, url, headers }) {
  const [, project, noun] = new URL(url, 'http://here').pathname.split('/'); // /{project}/clusters
  const name = permissions[`${method} ${noun}`];
  if (!name) return [404, { error: 'there is no such thing' }];
  const caller = await identify(headers.authorization?.replace(/^Bearer /i, '') ?? '-', project);
  if (!caller) return [401, { error: 'sign in, or send an API key of this project' }];
  const asked = { ...caller, action: { name }, resource: { type: 'project', id: project } };
  const { decision, context } = await ask('/access/v1/evaluation', asked);
  return decision ? [200, { done: name, as: caller.subject }] : [403, { error: context.reason.message }];
}

createServer(async (request, response) => {
  // Whoever cannot be checked is not let in.
  const [status, body] = await decide(request).catch((error) => [503, { error: String(error) }]);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}).listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`listening on ${PORT}\n`));
