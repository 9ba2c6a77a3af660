/** Every job of the catalogue and what it does; the same handlers run embedded and in worker processes. */
import { eraseTraces } from '../src/access/index.ts';
import type { Handlers } from '../src/queue/index.ts';
import { checkDomainOf } from './check-domain.ts';
import { deleteOrganizationOf } from './delete-organization.ts';
import { deliver, fanOutOf } from './deliver.ts';
import {
  announceOwner,
  announceWebhookOf,
  mailAnnouncement,
  mailClosing,
  mailConfirmation,
  mailExpiries,
  mailInvitation,
  mailLink,
  mailOwnership,
  mailWebhook,
  tellOwner,
} from './mail.ts';
import { proveDomainOf } from './prove-domain.ts';
import { reconcile } from './reconcile.ts';
import { reconcileGroups } from './reconcile-groups.ts';
import { refreshMetadataOf } from './refresh-metadata.ts';
import { causeOf, type Stack } from './stack.ts';

/** The handlers over this stack. */
export function handlers(stack: Stack): Handlers {
  return {
    reconcile: (job) => reconcile(stack, job),
    'reconcile-groups': (job) => reconcileGroups(stack, job),
    'prove-domain': (job) => proveDomainOf(stack, job),
    'mail-link': (job) => mailLink(stack, job),
    'mail-confirmation': (job) => mailConfirmation(stack, job),
    'mail-invitation': (job) => mailInvitation(stack, job),
    'announce-owner': (job) => announceOwner(stack, job),
    'mail-announcement': (job) => mailAnnouncement(stack, job),
    'mail-expiries': (job) => mailExpiries(stack, job),
    'mail-closing': (job) => mailClosing(stack, job),
    'erase-account': async (job) => {
      await eraseTraces(stack.store, causeOf(job), job.payload.accountId);
      await stack.store.transaction(causeOf(job), (tx) => job.done(tx));
    },
    'mail-ownership': (job) => mailOwnership(stack, job),
    'tell-owner': (job) => tellOwner(stack, job),
    'refresh-metadata': (job) => refreshMetadataOf(stack, job),
    'check-domain': (job) => checkDomainOf(stack, job),
    'fan-out': (job) => fanOutOf(stack, job),
    deliver: (job) => deliver(stack, job),
    'announce-webhook': (job) => announceWebhookOf(stack, job),
    'mail-webhook': (job) => mailWebhook(stack, job),
    'delete-organization': (job) => deleteOrganizationOf(stack, job),
  };
}
