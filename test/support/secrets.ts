import type { LocalSecrets } from "../../cli/local/secrets.ts";

/** Every text in a deployment's secrets that must be found nowhere: whole ones, and those that stand inside of one. */
export function secretTexts(secrets: LocalSecrets): string[] {
  const { STRIPE_WEBHOOK_SECRET, SYSTEM_KEYRING, SYSTEM_ENCRYPTION_PUBLIC_KEY } = secrets;
  const seeds = [...SYSTEM_KEYRING.matchAll(/"seed":"([\w-]+)"/g)].map(([, seed = ""]) => seed);
  if (seeds.length < 2) throw new Error("the keyring has no seeds, so nothing would be looked for");
  const stripe = STRIPE_WEBHOOK_SECRET.split(/[\s,]+/).map((secret) => secret.replace("whsec_", ""));
  return [...Object.values(secrets), ...seeds, ...stripe].filter(
    (text) => text !== "" && text !== SYSTEM_ENCRYPTION_PUBLIC_KEY,
  );
}

/** Those that the text holds: as they are, as JSON or a URL spells them, or as base64. */
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
