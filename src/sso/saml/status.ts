/** What the IdP says became of a request (SAML Core §3.2.2). */
import { SignInFault } from '../protocol.ts';
import { atMostOne } from './assertion.ts';
import { attributeOf, childrenNamed, textOf } from './dom.ts';
import { partialLogout, protocolNs, success } from './names.ts';

/** What it is, from the outermost code to the innermost, and the IdP's reason. */
export interface Status {
  readonly codes: readonly string[];
  readonly reason: string | undefined;
}

const shortened = (uri: string) => uri.replace(/^.*:/, '').slice(0, 100);

/** The one status of a message. Throws SignInFault `malformed`. */
export function readStatus(message: Element): Status {
  const status = atMostOne(message, 'Status', protocolNs);
  const codes = status === undefined ? [] : codesIn(status);
  if (status === undefined || codes.length === 0) throw new SignInFault('malformed', 'The message has no status');
  const said = atMostOne(status, 'StatusMessage', protocolNs);
  return { codes, reason: said && textOf(said).trim().slice(0, 300) };
}

/** Throws SignInFault `idp_refused` for anything but success, at whatever level, with the IdP's own reason. */
export function checkStatus({ codes, reason }: Status): void {
  if (codes.every((code) => code === success)) return;
  const told = reason === undefined ? '' : `: ${reason}`;
  throw new SignInFault('idp_refused', `The IdP answers ${codes.map(shortened).join(' / ')}${told}`);
}

/** The same of a log-out. The IdP has ended its own session also where it could not reach every other service (SAML Core §3.7.3.2). */
export function checkLogoutStatus({ codes, reason }: Status): void {
  const [outermost = '', ...inner] = codes;
  checkStatus({ codes: [outermost, ...inner.filter((code) => code !== partialLogout)], reason });
}

/** The code and those inside of it. */
function codesIn(parent: Element): readonly string[] {
  const [code, ...more] = childrenNamed(parent, protocolNs, 'StatusCode');
  if (more.length > 0) throw new SignInFault('malformed', 'The message has several statuses');
  return code === undefined ? [] : [attributeOf(code, 'Value') ?? '', ...codesIn(code)];
}
