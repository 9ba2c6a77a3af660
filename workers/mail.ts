/** Letters: written by access/, handed to the mail server, tried again until it takes them. */
import {
  announceToAdmins,
  announceWebhook,
  getOrganization,
  invitationLetter,
  invitationUrl,
  linkLetter,
  linkUrl,
  makeLink,
  mintInvitationToken,
  otherMailboxLetter,
  writeAnnouncement,
  writeClosingLetter,
  writeConnectionNews,
  writeOwnershipLetter,
  writeWebhookNews,
} from '../src/access/index.ts';
import type { TakenJob } from '../src/queue/index.ts';
import { makeConfirmation, writeExpiryLetter } from '../src/sso/tasks.ts';
import { causeOf, type Stack } from './stack.ts';

/**
 * Makes a link and sends it. Tried again, it makes another one: of what was never sent nobody knows the token, and it
 * expires by itself.
 */
export async function mailLink({ store, mailer }: Stack, job: TakenJob<'mail-link'>): Promise<void> {
  const { email, site } = job.payload;
  const cause = causeOf(job);
  const made = await store.transaction(cause, (tx) => makeLink(tx, job.payload));
  if (made.kind === 'link') await mailer.send(linkLetter(made.link, linkUrl(site, made.token)));
  else if (made.kind === 'other_mailbox') await mailer.send(otherMailboxLetter(email, site));
  await store.transaction(cause, (tx) => job.done(tx));
}

/** Asks a person about themself; nothing is sent where there is nothing left to answer, or nobody to ask. */
export async function mailConfirmation({ store, mailer }: Stack, job: TakenJob<'mail-confirmation'>): Promise<void> {
  const cause = causeOf(job);
  const made = await store.transaction(cause, (tx) => makeConfirmation(tx, job.organizationId, job.payload));
  if (made) await mailer.send(linkLetter(made.link, linkUrl(job.payload.site, made.token)));
  await store.transaction(cause, (tx) => job.done(tx));
}

/** Makes the link of an invitation and sends it. Tried again, it makes another one, and what was sent before is worth nothing. */
export async function mailInvitation({ store, mailer }: Stack, job: TakenJob<'mail-invitation'>): Promise<void> {
  const { organizationId, payload } = job;
  const cause = causeOf(job);
  const made = await store.transaction(cause, async (tx) => {
    const minted = await mintInvitationToken(tx, organizationId, payload);
    return minted && { ...minted, organization: await getOrganization(tx, organizationId) };
  });
  if (made) {
    const { invitation, token, organization } = made;
    await mailer.send(invitationLetter(invitation, organization.name, invitationUrl(payload.site, token)));
  }
  await store.transaction(cause, (tx) => job.done(tx));
}

/** One job for each Admin. */
export async function announceOwner({ store }: Stack, job: TakenJob<'announce-owner'>): Promise<void> {
  await store.transaction(causeOf(job), async (tx) => {
    await announceToAdmins(tx, job.organizationId, job.payload);
    await job.done(tx);
  });
}

export async function mailAnnouncement({ store, mailer }: Stack, job: TakenJob<'mail-announcement'>): Promise<void> {
  const letter = await writeAnnouncement(store.read, job.organizationId, job.payload);
  if (letter) await mailer.send(letter);
  await store.transaction(causeOf(job), (tx) => job.done(tx));
}

export async function mailClosing({ store, mailer }: Stack, job: TakenJob<'mail-closing'>): Promise<void> {
  const letter = await writeClosingLetter(store.read, job.organizationId, job.payload);
  if (letter) await mailer.send(letter);
  await store.transaction(causeOf(job), (tx) => job.done(tx));
}

export async function mailOwnership({ store, mailer }: Stack, job: TakenJob<'mail-ownership'>): Promise<void> {
  const letter = await writeOwnershipLetter(store.read, job.organizationId, job.payload);
  if (letter) await mailer.send(letter);
  await store.transaction(causeOf(job), (tx) => job.done(tx));
}

export async function tellOwner({ store, mailer }: Stack, job: TakenJob<'tell-owner'>): Promise<void> {
  const letter = await writeConnectionNews(store.read, job.organizationId, job.payload);
  if (letter) await mailer.send(letter);
  await store.transaction(causeOf(job), (tx) => job.done(tx));
}

export async function mailExpiries({ store, mailer }: Stack, job: TakenJob<'mail-expiries'>): Promise<void> {
  const letter = await writeExpiryLetter(store.read, job.organizationId, job.payload);
  if (letter) await mailer.send(letter);
  await store.transaction(causeOf(job), (tx) => job.done(tx));
}

/** One job for each Admin. */
export async function announceWebhookOf({ store }: Stack, job: TakenJob<'announce-webhook'>): Promise<void> {
  await store.transaction(causeOf(job), async (tx) => {
    await announceWebhook(tx, job.organizationId, job.payload.webhookId);
    await job.done(tx);
  });
}

export async function mailWebhook({ store, mailer }: Stack, job: TakenJob<'mail-webhook'>): Promise<void> {
  const letter = await writeWebhookNews(store.read, job.organizationId, job.payload);
  if (letter) await mailer.send(letter);
  await store.transaction(causeOf(job), (tx) => job.done(tx));
}
