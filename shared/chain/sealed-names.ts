/**
 * The names that an envelope is sealed as: its `txId`, which is authenticated. An envelope that was made for one purpose
 * therefore opens for no other. The name of a transaction's envelope is the transaction's id. These names are part of the
 * public format and never change.
 */
export const SEALED_NAMES = {
  transaction: (txId: string) => txId,
  document: (ownerUserId: string) => `vdc_document:${ownerUserId}`,
  activation: (tokenHash: string) => `vdc_activation:${tokenHash}`,
  userMetadata: (userId: string) => `vdc_user:${userId}`,
} as const;
