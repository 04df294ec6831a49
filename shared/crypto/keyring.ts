import * as v from "valibot";
import { Permanent } from "../runtime/errors.ts";
import { base64url, fromBase64url } from "./bytes.ts";
import {
  ENCRYPTION_PUBLIC_KEY_BYTES,
  generateEncryptionSeed,
  importEncryptionPublicKey,
  importEncryptionSeed,
  type EncryptionPublicKey,
  type EncryptionSecret,
  type Envelope,
} from "./envelope.ts";
import { keyId } from "./key-id.ts";
import { generateSigningSeed, importSigningSeed, type SigningSecret } from "./ml-dsa.ts";
import { isPlaceholder } from "./placeholder.ts";

const KeyId = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/**
 * The system's keys as the secret holds them: seeds without public keys, so that several rotations fit into a Worker's
 * secret. A retired encryption key still opens the envelopes that were sealed to it.
 */
export const KeyringJson = v.strictObject({
  signing: v.array(
    v.strictObject({
      keyId: KeyId,
      /** base64url of 32 bytes */
      seed: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
      status: v.picklist(["active", "retired"]),
    }),
  ),
  encryption: v.array(
    v.strictObject({
      keyId: KeyId,
      /** base64url of 64 bytes */
      seed: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{86}$/)),
      status: v.picklist(["active", "decrypt-only"]),
    }),
  ),
});
export type KeyringJson = v.InferOutput<typeof KeyringJson>;

const MAX_KEYRING_BYTES = 5000; // a Worker's secret holds 5 KB
const GENERATE =
  "restore the keyring from its backup. A chain that has no block yet may have a new one: `npm run vdc -- keys generate`";

/** A keyring or key that must not be used. The message says what is wrong and what to do, and never holds a seed. */
export class KeyringError extends Error {
  override readonly name = "KeyringError";
}

interface KeyringSigner extends SigningSecret {
  readonly keyId: string;
  readonly status: "active" | "retired";
}

export interface Keyring {
  readonly signing: {
    readonly active: KeyringSigner;
    /** The signer, active or retired; undefined for a key that this keyring never had. */
    byId(keyId: string): KeyringSigner | undefined;
  };
  readonly encryption: {
    /** The key for new envelopes. */
    readonly active: EncryptionPublicKey;
    /** Ids of all keys that can open envelopes. */
    readonly keyIds: readonly string[];
    /**
     * @throws Permanent("unknown_key") without the envelope's key, Permanent("undecryptable") when the envelope does not
     * open
     */
    open(envelope: Envelope): Promise<Uint8Array>;
  };
}

/**
 * Imports every key of the keyring. This costs a few milliseconds, so load it once per isolate.
 * @throws KeyringError for a keyring that must not sign or decrypt in production: see the checks below
 */
export async function loadKeyring(json: string): Promise<Keyring> {
  const { signing, encryption } = parse(json);
  const signers: KeyringSigner[] = [];
  for (const [i, entry] of signing.entries()) {
    const secret = await importSigningSeed(seedOf(entry, `signing[${i}]`));
    checkKeyId(entry.keyId, keyId("ML-DSA-44", secret.publicKey), `signing[${i}]`);
    signers.push(signer(secret, entry));
  }
  const openers: { keyId: string; status: string; secret: EncryptionSecret }[] = [];
  for (const [i, { seed, ...entry }] of encryption.entries()) {
    const secret = await importEncryptionSeed(seedOf({ seed }, `encryption[${i}]`));
    checkKeyId(entry.keyId, secret.kid, `encryption[${i}]`);
    openers.push({ ...entry, secret });
  }
  const active = onlyActive(openers, "encryption").secret;
  return {
    signing: {
      active: onlyActive(signers, "signing"),
      byId: (keyId) => signers.find((signer) => signer.keyId === keyId),
    },
    encryption: {
      active: await importEncryptionPublicKey(active.publicKey),
      keyIds: openers.map(({ keyId }) => keyId),
      async open(envelope) {
        const opener = openers.find(({ keyId }) => keyId === envelope.kid);
        if (!opener) throw new Permanent("unknown_key", `no key ${envelope.kid} in the keyring`);
        return opener.secret.open(envelope);
      },
    },
  };
}

/** Makes a new keyring with one active key of each kind, as JSON. It is a secret. */
export async function generateKeyring(): Promise<string> {
  return extend({ signing: [], encryption: [] });
}

/**
 * Adds new active keys. The old signing key retires, and the old encryption key only decrypts. No key is removed.
 * @throws KeyringError when the keyring is not usable, or would outgrow a Worker's secret
 */
export async function rotateKeyring(json: string): Promise<string> {
  await loadKeyring(json);
  const { signing, encryption } = parse(json);
  return extend({
    signing: signing.map((entry) => ({ ...entry, status: "retired" })),
    encryption: encryption.map((entry) => ({ ...entry, status: "decrypt-only" })),
  });
}

/**
 * Reads the public encryption key of a Worker that can only seal.
 * @param text base64url of 1184 bytes
 * @throws KeyringError for a wrong length, a placeholder, or bytes that are no ML-KEM-768 key (FIPS 203 §7.2)
 */
export async function parseEncryptionPublicKey(text: string): Promise<EncryptionPublicKey> {
  const remedy =
    "set it to the encryption public key of the keyring (`npm run vdc -- keys generate` prints both)";
  const bytes = decode(text);
  if (bytes?.length !== ENCRYPTION_PUBLIC_KEY_BYTES)
    throw new KeyringError(
      `the public encryption key is not base64url of ${ENCRYPTION_PUBLIC_KEY_BYTES} bytes: ${remedy}`,
    );
  if (isPlaceholder(bytes, text))
    throw new KeyringError(`the public encryption key is a placeholder: ${remedy}`);
  try {
    return await importEncryptionPublicKey(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new KeyringError(`the public encryption key is no ML-KEM-768 key: ${remedy}`, { cause: error });
  }
}

function signer(secret: SigningSecret, { keyId, status }: KeyringJson["signing"][number]): KeyringSigner {
  const { publicKey } = secret;
  return { keyId, status, publicKey, sign: (message, context) => secret.sign(message, context) };
}

async function extend({ signing, encryption }: KeyringJson): Promise<string> {
  const [signingSeed, encryptionSeed] = [generateSigningSeed(), generateEncryptionSeed()];
  const { publicKey } = await importSigningSeed(signingSeed);
  const { kid } = await importEncryptionSeed(encryptionSeed);
  const extended: KeyringJson = {
    signing: [
      ...signing,
      { keyId: keyId("ML-DSA-44", publicKey), seed: base64url(signingSeed), status: "active" },
    ],
    encryption: [...encryption, { keyId: kid, seed: base64url(encryptionSeed), status: "active" }],
  };
  const json = JSON.stringify(extended);
  if (json.length > MAX_KEYRING_BYTES)
    throw new KeyringError(
      `the keyring would have ${json.length} bytes, and a Worker's secret holds ${MAX_KEYRING_BYTES}: remove the oldest retired and decrypt-only keys that nothing pending needs`,
    );
  return json;
}

function parse(json: string): KeyringJson {
  const result = v.safeParse(KeyringJson, parseJson(json));
  if (!result.success)
    throw new KeyringError(`the keyring has an unknown shape at ${place(result.issues[0])}: ${GENERATE}`);
  return result.output;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The parser's message and a cause would quote the text, which may hold a seed.
    throw new KeyringError(`the keyring is not JSON: ${GENERATE}`);
  }
}

// valibot's message quotes the value, and an unknown member's name may be a misplaced seed: neither is repeated.
function place(issue: v.BaseIssue<unknown>): string {
  const known = ["signing", "encryption", "keyId", "seed", "status"];
  const names = (issue.path ?? []).map(({ key }) =>
    typeof key === "number"
      ? `[${key}]`
      : known.includes(String(key))
        ? `.${String(key)}`
        : ".(unknown member)",
  );
  return names.length === 0 ? "its top" : names.join("").slice(1);
}

function onlyActive<Entry extends { keyId: string; status: string }>(
  entries: readonly Entry[],
  kind: "signing" | "encryption",
): Entry {
  const ids = entries.map((entry) => entry.keyId);
  const duplicate = ids.find((id, i) => ids.indexOf(id) !== i);
  if (duplicate !== undefined)
    throw new KeyringError(`the ${kind} key ${duplicate} is in the keyring twice: remove one of the entries`);
  const [active, ...others] = entries.filter((entry) => entry.status === "active");
  if (active === undefined) throw new KeyringError(`the keyring has no active ${kind} key: ${GENERATE}`);
  if (others.length > 0)
    throw new KeyringError(
      `the keyring has ${others.length + 1} active ${kind} keys: leave the newest active and mark the others "${kind === "signing" ? "retired" : "decrypt-only"}"`,
    );
  return active;
}

function seedOf(entry: { seed: string }, where: string): Uint8Array {
  const seed = decode(entry.seed);
  if (seed === undefined) throw new KeyringError(`the seed of ${where} is not base64url: ${GENERATE}`);
  if (isPlaceholder(seed, entry.seed))
    throw new KeyringError(`the seed of ${where} is a placeholder, not random bytes: ${GENERATE}`);
  return seed;
}

function checkKeyId(stated: string, derived: string, where: string): void {
  if (stated !== derived)
    throw new KeyringError(
      `the keyId of ${where} does not belong to its seed, which gives ${derived}: ${GENERATE}`,
    );
}

function decode(text: string): Uint8Array | undefined {
  try {
    return fromBase64url(text);
  } catch {
    return undefined;
  }
}
