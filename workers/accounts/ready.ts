import { documentQuota, paidTypes, submissionWindow, systemKey, writesLandWithin, type Env } from "./env.ts";

/**
 * Reads every setting, so that an operator sees a wrong one before a user's request fails on it.
 * @returns id of the key to which this Worker seals
 * @throws Problem "not-configured"
 */
export async function ready(env: Env): Promise<{ encryptionKeyId: string }> {
  submissionWindow(env);
  writesLandWithin(env);
  paidTypes(env);
  documentQuota(env);
  const { kid } = await systemKey(env);
  return { encryptionKeyId: kid };
}
