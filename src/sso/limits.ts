/**
 * How often sign-ins may be begun and letters asked for, in this process. An address or an organization that is asked for
 * too often gets no letter, and the page says what it always says; a network that asks too often is told so (429).
 */
import { AppError } from '../errors.ts';
import { type Buckets, openBuckets, type Rate } from '../lib/buckets.ts';
import type { Clock } from '../lib/clock.ts';
import { networkOf } from '../lib/network.ts';
import { caseKey } from '../lib/text.ts';

export interface SignInLimits {
  /** Counts an address that is typed in. Throws AppError rate_limited. */
  admit(address: string | undefined): void;
  /** Counts a departure to an IdP, which asks for nothing but a row. Throws AppError rate_limited. */
  depart(address: string | undefined): void;
  /** Counts an answer that is brought back from an IdP, or looks like one. Throws AppError rate_limited. */
  answer(address: string | undefined): void;
  /** Counts a message of a log-out, of a browser or an IdP's machine, before it is read. Throws AppError rate_limited. */
  logOut(address: string | undefined): void;
  /** Counts a refused answer, before it is recorded: junk fills no audit. Throws AppError rate_limited. */
  refuse(connectionId: string): void;
  /** Counts a token that was none: guessing is refused long before it could succeed. Throws AppError rate_limited. */
  failed(address: string | undefined): void;
  /** Whether another letter may go to this mailbox, and to its domain. */
  mayMail(email: string): boolean;
  /**
   * The same for sign-in links, which an Owner gets whatever is asked for the rest of the domain (OWN-5): `owners` where only the domain has had too
   * many. A mailbox that is asked for too often has links that work already, whoever asked for them.
   */
  whomToMail(email: string): 'everybody' | 'owners' | 'nobody';
  /** Counts a letter that an organization has sent to an address of its choice (MEM-2). Throws AppError rate_limited. */
  invite(organizationId: string, email: string): void;
}

/** People who type an address in, behind one address of an office: a thousand within ten minutes, most of whom come by links. */
const perNetwork: Rate = { perSecond: 2, burst: 150 };
/** The same office at nine o'clock, through its IdP. */
const perNetworkDeparting: Rate = { perSecond: 100, burst: 3000 };
/** More of a connection's answers are wrong only where somebody makes them up. */
const perConnectionRefused: Rate = { perSecond: 1, burst: 1000 };
const perNetworkFailed: Rate = { perSecond: 0.1, burst: 20 };
/** Five letters at once, then one every two minutes. */
const perMailbox: Rate = { perSecond: 1 / 120, burst: 5 };
/** All mailboxes of a domain, which is an organization's or a provider's. */
const perDomain: Rate = { perSecond: 2, burst: 200 };

/** A school year is invited at once; then one in ten seconds: nobody sends the world letters from here. */
const perInviting: Rate = { perSecond: 0.1, burst: 500 };

export function openSignInLimits(clock: Clock): SignInLimits {
  const networks = openBuckets(clock, perNetwork);
  const departures = openBuckets(clock, perNetworkDeparting);
  const answers = openBuckets(clock, perNetworkDeparting);
  const logOuts = openBuckets(clock, perNetworkDeparting);
  const refusals = openBuckets(clock, perConnectionRefused);
  const failures = openBuckets(clock, perNetworkFailed);
  const mailboxes = openBuckets(clock, perMailbox);
  const domains = openBuckets(clock, perDomain);
  const inviting = openBuckets(clock, perInviting);
  const invited = openBuckets(clock, perMailbox);
  function whomToMail(email: string): ReturnType<SignInLimits['whomToMail']> {
    const key = caseKey(email);
    if (mailboxes.take(key) > 0) return 'nobody';
    return domains.take(key.slice(key.lastIndexOf('@') + 1)) === 0 ? 'everybody' : 'owners';
  }
  return {
    admit: (address) => take(networks, networkOf(address), 'Too many sign-ins are begun from this address'),
    depart: (address) => take(departures, networkOf(address), 'Too many sign-ins are begun from this address'),
    answer: (address) => take(answers, networkOf(address), 'Too many sign-ins are ended from this address'),
    logOut: (address) => take(logOuts, networkOf(address), 'Too many sessions are ended from this address'),
    refuse: (connectionId) => take(refusals, connectionId, 'Too many sign-ins through this connection have failed'),
    failed: (address) => take(failures, networkOf(address), 'Too many links from this address were none'),
    mayMail: (email) => whomToMail(email) === 'everybody',
    whomToMail,
    invite(organizationId, email) {
      take(invited, `${organizationId} ${caseKey(email)}`, 'Too many invitations go to this address');
      take(inviting, organizationId, 'Too many invitations are sent from this organization');
    },
  };
}

function take(buckets: Buckets, key: string, message: string): void {
  const waitMs = buckets.take(key);
  if (waitMs <= 0) return;
  const retryAfter = Math.max(1, Math.ceil(waitMs / 1000));
  throw new AppError('rate_limited', `${message}; try again in ${retryAfter} s`, { details: { retryAfter } });
}
