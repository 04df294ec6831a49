import { utf8 } from "../crypto/bytes.ts";

/**
 * Compares a given secret with the configured one in constant time. It compares hashes, so that not even the length
 * shows.
 */
export async function sameSecret(given: string, configured: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(given), digest(configured)]);
  return crypto.subtle.timingSafeEqual(a, b);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", utf8(text));
}

/** Decides whether a secret is too weak: too short to resist guessing, or an example that was never replaced. */
export function isWeakSecret(secret: string): boolean {
  return (
    secret.length < 16 || new Set(secret).size < 6 || /change.?me|placeholder|example|your[-_ ]/i.test(secret)
  );
}
