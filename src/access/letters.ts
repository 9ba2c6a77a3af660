/** What we write to people: plain text, short, and without a word that somebody else could have put there. */
import type { Mail } from '../lib/mail.ts';
import { shortened } from '../lib/text.ts';
import type { JobPayload } from '../queue/index.ts';
import type { Invitation, MailedLink } from '../store/index.ts';
import { linkLifeMinutes } from './mailedLinks.ts';

const letter = (to: string, subject: string, ...paragraphs: readonly string[]): Mail => ({
  to,
  subject,
  text: `${paragraphs.join('\n\n')}\n`,
});

const once = `The link works once, for ${linkLifeMinutes} minutes.`;
const notYou = 'If it was not you who asked for this, do nothing: without the link nobody gets any further.';

/** The address of a link. */
export const linkUrl = (site: string, token: string): string => `${site}/sign-in/link?token=${token}`;

/** The letter with a link. */
export function linkLetter({ purpose, email }: Pick<MailedLink, 'purpose' | 'email'>, url: string): Mail {
  switch (purpose) {
    case 'sign_in':
      return letter(email, 'Your sign-in link', 'Sign in with this link:', url, once, notYou);
    case 'register':
      return letter(
        email,
        'Your sign-in link',
        `There is no account with the address ${email} yet. Make one with this link:`,
        url,
        once,
        notYou,
      );
    case 'prove_email':
      return letter(
        email,
        'Prove your address',
        `Somebody who is signed in wants to add ${email} to their account. If that is you, open this link in the same browser:`,
        url,
        once,
        'If it is not you, do nothing: nothing has been added.',
      );
    case 'confirm':
      return letter(
        email,
        'Is this you?',
        'An organization says that you belong to it, and asks to connect what its identity provider knows of you with your account here. Look at who asks, and say yes or not:',
        url,
        'The link works once, for a day. Nothing is connected before you have said yes.',
        'If you do not know of it, do nothing.',
      );
  }
}

/** The address of an invitation. */
export const invitationUrl = (site: string, token: string): string => `${site}/sign-in/invitation?token=${token}`;

/** A name that somebody has chosen, as it may stand in a letter to a stranger: short, on one line, and no address to click. */
const shownName = (name: string): string => {
  const plain = name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').replace(/[/\\:@.]+(?=\S)/g, ' ');
  return shortened(plain, 64);
};

/** The letter that asks somebody into an organization (MEM-2). */
export function invitationLetter(
  { email, role, expiresAt }: Pick<Invitation, 'email' | 'role' | 'expiresAt'>,
  organization: string,
  url: string,
): Mail {
  const name = shownName(organization);
  return letter(
    email,
    `You are invited to ${name}`,
    `An Admin of the organization "${name}" invites ${email} to join it as ${role === 'admin' ? 'an Admin' : 'a Member'}. Accept here:`,
    url,
    `The link works once, until ${expiresAt.toISOString().slice(0, 16).replace('T', ' ')} UTC. If you have no account yet, accepting makes one.`,
    'If you do not know this organization, do nothing: without the link nobody joins it.',
  );
}

/** To an address that gets no links, for its account has others. */
export const otherMailboxLetter = (email: string, site: string): Mail =>
  letter(
    email,
    'Signing in',
    `You asked for a sign-in link, but links to your account go to its other addresses. Ask with one of those, or sign in through your organization: ${site}/sign-in`,
    'If it was not you who asked, do nothing.',
  );

/** To every Admin, whenever the Owner has come in by a link (OWN-5). */
export const ownerSignInLetter = (
  to: string,
  { organization, owner, at }: { readonly organization: string; readonly owner: string; readonly at: string },
): Mail =>
  letter(
    to,
    `The Owner of ${organization} has signed in by a mailed link`,
    `${owner}, the Owner of ${organization}, has signed in by a one-time link at ${at}, not through the identity provider.`,
    'The Owner may always do that. If it is unexpected, ask the Owner, and look at the audit trail.',
  );

export interface NamedPerson {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
}

/** An address stays as it is: without its signs it is nobody's. */
const shownPerson = ({ name, email }: NamedPerson): string =>
  name === undefined ? (email ?? 'a person whose account is deleted') : shownName(name);

/** What has happened. `forced`: the operator has moved the ownership; `ended`: the Admin who was offered it is no active Admin any more. */
export type OwnershipEvent = JobPayload<'mail-ownership'>['event'];

/** To the Owner and to the Admin, whenever something has become of a transfer of the ownership (OWN-4). No link: who is asked signs in themself. */
export function ownershipLetter(
  to: string,
  about: {
    readonly event: OwnershipEvent;
    readonly organization: string;
    readonly owner: NamedPerson;
    readonly heir: NamedPerson;
  },
): Mail {
  const [organization, owner, heir] = [
    shownName(about.organization),
    shownPerson(about.owner),
    shownPerson(about.heir),
  ];
  const moved = `${heir} is the Owner of "${organization}" now, in place of ${owner}, who stays an Admin.`;
  const stays = `The ownership of "${organization}" stays with ${owner}.`;
  const unexpected = 'If this is unexpected, look at the audit trail, and tell the operator of this service.';
  switch (about.event) {
    case 'offered':
      return letter(
        to,
        `The ownership of ${organization} is offered`,
        `${owner}, the Owner of "${organization}", offers the ownership to ${heir}, who may accept or decline it within seven days, after signing in.`,
        unexpected,
      );
    case 'accepted':
      return letter(to, `${organization} has another Owner`, `The offer was accepted: ${moved}`, unexpected);
    case 'forced':
      return letter(
        to,
        `${organization} has another Owner`,
        `The operator has moved the ownership: ${moved}`,
        unexpected,
      );
    case 'declined':
      return letter(to, `The ownership of ${organization} stays`, `${heir} has declined the offer. ${stays}`);
    case 'cancelled':
      return letter(to, `The ownership of ${organization} stays`, `The offer to ${heir} was cancelled. ${stays}`);
    case 'ended':
      return letter(
        to,
        `The ownership of ${organization} stays`,
        `The offer to ${heir} has ended: they are no longer an active Admin. ${stays}`,
      );
  }
}

/** To every Admin, when the organization was closed or is there again (ORG-2). */
export function organizationClosedLetter(
  to: string,
  {
    organization,
    event,
    deleteAt,
  }: { readonly organization: string; readonly event: 'closed' | 'restored'; readonly deleteAt: Date | undefined },
): Mail {
  const name = shownName(organization);
  if (event === 'restored') {
    return letter(
      to,
      `${name} has been restored`,
      `The organization "${name}" is open again, with everything that was in it.`,
    );
  }
  const until = deleteAt === undefined ? 'soon' : `on ${deleteAt.toISOString().slice(0, 10)}`;
  return letter(
    to,
    `${name} has been closed`,
    `The organization "${name}" has been closed: nobody has access to it, its keys and its directories' tokens are refused, and it is deleted ${until}.`,
    'Until then the operator of this service can restore it, with everything that was in it. If the closing is unexpected, ask the Owner, and tell the operator.',
  );
}
