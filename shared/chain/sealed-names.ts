/**
 * What an envelope is sealed as: its `txId`, which is authenticated. So an envelope that was made as one thing opens as
 * no other. A transaction's is its id. Part of the public format: they never change.
 */
export const SEALED_NAMES = {
  transaction: (txId: string) => txId,
  document: (ownerUserId: string) => `vdc_document:${ownerUserId}`,
  activation: (tokenHash: string) => `vdc_activation:${tokenHash}`,
  userMetadata: (userId: string) => `vdc_user:${userId}`,
} as const;
