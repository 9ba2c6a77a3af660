/** Domain names: their one form, and those that no organization can have (SSO-3). */
import { domainToASCII } from 'node:url';
import { AppError } from '../errors.ts';

/** domainToASCII reads its input as part of a URL: it decodes `%61`, drops tabs, and stops at a slash. None of it gets there. */
const name = /^[\p{L}\p{M}\p{N}.-]+$/u;
const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/**
 * The one form of a domain name: lower case, ASCII (`münchen.example` → `xn--mnchen-3ya.example`), no final dot.
 * Undefined where the text is no domain name of at least two labels, or an IP address.
 */
export function normalizeDomain(text: string): string | undefined {
  const given = text.trim().replace(/\.$/, '');
  const domain = name.test(given) ? domainToASCII(given) : '';
  const labels = domain.split('.');
  const last = labels.at(-1) ?? '';
  if (labels.length < 2 || domain.length > 253 || /^\d+$/.test(last)) return undefined;
  return labels.every((one) => label.test(one)) ? domain : undefined;
}

/** normalizeDomain; throws `invalid_request` for what is none. */
export function parseDomain(text: string): string {
  const domain = normalizeDomain(text);
  if (domain) return domain;
  throw new AppError('invalid_request', `${JSON.stringify(text)} is not a domain name such as example.com`);
}

const wordsOf = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Where anybody gets an address: by the name before the ending, for providers that have many endings. */
const mailBrands = wordsOf(`
  gmail googlemail outlook hotmail live msn yahoo ymail rocketmail aol gmx yandex zoho zohomail proton
  protonmail tutanota fastmail mailinator
`);

/** Others, and hosts of other people's sites, by their whole name. */
const sharedNames: ReadonlySet<string> = new Set(
  wordsOf(`
  icloud.com me.com mac.com mail.com email.com pm.me tuta.com tuta.io hey.com hushmail.com inbox.com mail.ru
  bk.ru list.ru inbox.ru rambler.ru ya.ru ukr.net qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn
  sohu.com aliyun.com naver.com daum.net hanmail.net kakao.com nate.com rediffmail.com docomo.ne.jp web.de
  t-online.de freenet.de arcor.de posteo.de mailbox.org bluewin.ch orange.fr wanadoo.fr free.fr sfr.fr
  laposte.net libero.it virgilio.it tiscali.it alice.it seznam.cz wp.pl o2.pl onet.pl interia.pl ziggo.nl
  xs4all.nl telenet.be skynet.be sapo.pt uol.com.br bol.com.br terra.com.br bigpond.com comcast.net verizon.net
  att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com btinternet.com sky.com
  ntlworld.com virginmedia.com shaw.ca rogers.com sympatico.ca onmicrosoft.com github.io gitlab.io herokuapp.com
  netlify.app vercel.app pages.dev workers.dev web.app firebaseapp.com azurewebsites.net cloudfront.net
  amazonaws.com appspot.com blogspot.com duckdns.org ngrok.io ngrok.app
`),
);

/** Second levels under which a country's registry registers names: `co.uk`, `com.au`. */
const registryLevels = wordsOf('ac co com edu go gob gov ltd mil ne net nom or org plc sch');

/**
 * Whether a domain cannot be one organization's: people of many have addresses there, or names below it. It is no complete
 * list of either, and need not be: nothing but DNS or the operator verifies a claim, and a claim is for exactly one name.
 */
export function isShared(domain: string): boolean {
  if (sharedNames.has(domain)) return true;
  const [first = '', second = '', third] = domain.split('.');
  const country = (text: string) => /^[a-z]{2}$/.test(text);
  if (third === undefined && country(second) && registryLevels.includes(first)) return true;
  // `yahoo.com`, `yahoo.de`, `yahoo.co.uk`, and not `yahoo.acme.com`.
  const ends = third === undefined || (country(third) && registryLevels.includes(second));
  return mailBrands.includes(first) && ends && domain.split('.').length <= 3;
}
