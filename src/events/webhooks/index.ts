/**
 * Webhooks own who is told of events by requests of ours (EVT-1): addresses and their secrets, what each is to be told, the sending
 * with its retries, and the record of it.
 */
export { deliverDue, forWebhooks } from './deliver.ts';
export {
  getDelivery,
  listDeliveries,
  removeDeliveries,
  replayDelivery,
  replayFailed,
} from './deliveries.ts';
export {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  getWebhook,
  listWebhooks,
  rotateSecret,
  tryWebhook,
} from './endpoints.ts';
export { fanOut } from './fanOut.ts';
export { sleepUntilDue, wakeOverdue } from './wake.ts';
