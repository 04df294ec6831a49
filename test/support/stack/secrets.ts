import type { LocalSecrets } from "../../../cli/local/stack/secrets.ts";

/**
 * Returns every text in a deployment's secrets that must not appear anywhere: whole secrets, and the seeds inside them.
 */
export function secretTexts(secrets: LocalSecrets): string[] {
  const { STRIPE_WEBHOOK_SECRET, SYSTEM_KEYRING, SYSTEM_ENCRYPTION_PUBLIC_KEY } = secrets;
  const seeds = [...SYSTEM_KEYRING.matchAll(/"seed":"([\w-]+)"/g)].map(([, seed = ""]) => seed);
  if (seeds.length < 2) throw new Error("the keyring has no seeds, so nothing would be looked for");
  const stripe = STRIPE_WEBHOOK_SECRET.split(/[\s,]+/).map((secret) => secret.replace("whsec_", ""));
  return [...Object.values(secrets), ...seeds, ...stripe].filter(
    (text) => text !== "" && text !== SYSTEM_ENCRYPTION_PUBLIC_KEY,
  );
}

/** Returns the secrets that the text contains: as they are, escaped for JSON or a URL, or as base64. */
export function secretsIn(text: string, secrets: readonly string[]): string[] {
  return secrets.filter((secret) =>
    [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64").slice(0, -4),
    ].some((spelling) => text.includes(spelling)),
  );
}
