import {
  documentQuota,
  documentTiers,
  paidTypes,
  submissionWindow,
  systemKey,
  writesLandWithin,
  type Env,
} from "./env.ts";

/**
 * Reads every setting, so that a wrong one shows before a user's request meets it.
 * @returns which key it seals to
 * @throws Problem "not-configured"
 */
export async function ready(env: Env): Promise<{ encryptionKeyId: string }> {
  submissionWindow(env);
  writesLandWithin(env);
  paidTypes(env);
  documentTiers(env);
  documentQuota(env);
  const { kid } = await systemKey(env);
  return { encryptionKeyId: kid };
}
