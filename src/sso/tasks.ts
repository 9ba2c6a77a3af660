/** What single sign-on does without anybody asking: the door by which workers come in, and the only one. */
export { linkWaitingIdentities, makeConfirmation } from './confirmations.ts';
export { warnOfExpiries, writeExpiryLetter } from './expiries.ts';
export { readMetadata, refreshMetadataLater, settleReading } from './refresh.ts';
export { samlOf } from './settings.ts';
