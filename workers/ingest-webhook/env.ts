import * as v from "valibot";
import { parseEncryptionPublicKey, KeyringError } from "../../shared/crypto/keyring.ts";
import type { EncryptionPublicKey } from "../../shared/crypto/envelope.ts";
import { Problem } from "../../shared/http/problems.ts";
import { isWeakSecret } from "../../shared/http/secret.ts";
import type { PendingTransaction } from "../../shared/queue/messages.ts";
import { EVENT_FAMILIES, REFUND_FAMILIES } from "../../shared/stripe/decision.ts";
import type { StripeApi } from "../../shared/stripe/fetch-event.ts";
import type { ClassifySettings } from "../../shared/stripe/classify.ts";

export interface Env {
  readonly PENDING_WRITER_QUEUE: Queue<PendingTransaction>;
  /** Signing secret of the endpoint (whsec_…); during a rotation both secrets, separated by a comma. */
  readonly STRIPE_WEBHOOK_SECRET?: string;
  /** Base64url of the system's ML-KEM-768 public key. */
  readonly SYSTEM_ENCRYPTION_PUBLIC_KEY?: string;
  readonly STRIPE_EVENT_FAMILY?: string;
  readonly STRIPE_REFUND_FAMILY?: string;
  /** `true` or `false`: only events of that mode are taken. Empty: events of both modes. */
  readonly STRIPE_LIVEMODE?: string;
  /** A restricted key that may read events. The Worker fetches thin events with it; without it, it refuses them. */
  readonly STRIPE_API_KEY?: string;
  /** Empty: Stripe's own address. */
  readonly STRIPE_API_URL?: string;
}

export interface StripeSettings extends ClassifySettings {
  readonly secrets: readonly string[];
  readonly api: StripeApi | undefined;
  readonly encryptionKey: EncryptionPublicKey;
}

/** @throws Problem "not-configured" that names the setting: a Worker with half a configuration must not take anything in */
export async function settingsOf(env: Env): Promise<StripeSettings> {
  const secrets = (env.STRIPE_WEBHOOK_SECRET ?? "").split(/[\s,]+/).filter((secret) => secret !== "");
  if (secrets.length === 0) throw notConfigured("STRIPE_WEBHOOK_SECRET is not set");
  if (secrets.some(isWeakSecret)) throw notConfigured("STRIPE_WEBHOOK_SECRET is too weak or a placeholder");
  const family = v.safeParse(v.picklist(EVENT_FAMILIES), env.STRIPE_EVENT_FAMILY || "checkout");
  if (!family.success) throw notConfigured(`STRIPE_EVENT_FAMILY must be one of ${EVENT_FAMILIES.join(", ")}`);
  const refundFamily = v.safeParse(v.picklist(REFUND_FAMILIES), env.STRIPE_REFUND_FAMILY || "charge");
  if (!refundFamily.success)
    throw notConfigured(`STRIPE_REFUND_FAMILY must be one of ${REFUND_FAMILIES.join(", ")}`);
  const livemode = v.safeParse(v.picklist(["", "true", "false"]), env.STRIPE_LIVEMODE ?? "");
  if (!livemode.success) throw notConfigured("STRIPE_LIVEMODE must be true, false or empty");
  return {
    secrets,
    api: apiOf(env),
    family: family.output,
    refundFamily: refundFamily.output,
    livemode: livemode.output === "" ? undefined : livemode.output === "true",
    encryptionKey: await encryptionKeyOf(env.SYSTEM_ENCRYPTION_PUBLIC_KEY ?? ""),
  };
}

function apiOf({ STRIPE_API_KEY: key = "", STRIPE_API_URL: url = "" }: Env): StripeApi | undefined {
  if (key === "") return undefined;
  if (!/^rk_(?:live|test)_[A-Za-z0-9_]+$/.test(key))
    throw notConfigured(
      "STRIPE_API_KEY must be a restricted key (rk_…) that may read events, and nothing else",
    );
  if (url !== "" && !/^https?:/.test(URL.parse(url)?.protocol ?? ""))
    throw notConfigured("STRIPE_API_URL must be an http(s) URL, or empty");
  return { key, url: url === "" ? undefined : new URL(url) };
}

async function encryptionKeyOf(text: string): Promise<EncryptionPublicKey> {
  try {
    return await parseEncryptionPublicKey(text);
  } catch (error) {
    if (error instanceof KeyringError) throw notConfigured(`SYSTEM_ENCRYPTION_PUBLIC_KEY: ${error.message}`);
    throw error;
  }
}

function notConfigured(what: string): Problem {
  return new Problem(
    "not-configured",
    `ingest-webhook: ${what}. Nothing was taken in; Stripe will deliver again.`,
    {
      headers: { "retry-after": "60" },
    },
  );
}
