/** What the IdP says became of a request (SAML Core §3.2.2). */
import { SignInFault } from '../protocol.ts';
import { atMostOne } from './assertion.ts';
import { attributeOf, childrenNamed, textOf } from './dom.ts';
import { protocolNs, success } from './names.ts';

const shortened = (uri: string) => uri.replace(/^.*:/, '').slice(0, 100);

/** Throws SignInFault `idp_refused` for anything but success, at whatever level, with the IdP's own reason. */
export function checkStatus(message: Element): void {
  const status = atMostOne(message, 'Status', protocolNs);
  const codes = status === undefined ? [] : codesIn(status);
  if (codes.length === 0) throw new SignInFault('malformed', 'The message has no status');
  if (codes.every((code) => code === success)) return;
  const said = status && atMostOne(status, 'StatusMessage', protocolNs);
  const reason = said ? `: ${textOf(said).trim().slice(0, 300)}` : '';
  throw new SignInFault('idp_refused', `The IdP answers ${codes.map(shortened).join(' / ')}${reason}`);
}

/** The code and those inside of it. */
function codesIn(parent: Element): readonly string[] {
  const [code, ...more] = childrenNamed(parent, protocolNs, 'StatusCode');
  if (more.length > 0) throw new SignInFault('malformed', 'The message has several statuses');
  return code === undefined ? [] : [attributeOf(code, 'Value') ?? '', ...codesIn(code)];
}
