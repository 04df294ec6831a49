import * as v from "valibot";
import { base64url, fromBase64url } from "../crypto/bytes.ts";
import { importEd25519Seed, type Ed25519Secret } from "../crypto/ed25519.ts";
import { KeyringError } from "../crypto/keyring.ts";
import { generateSigningSeed, importSigningSeed, type SigningSecret } from "../crypto/ml-dsa.ts";
import { isPlaceholder } from "../crypto/placeholder.ts";

const Seed = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));

/** The keys of a log or a witness as their secret holds them: seeds of 32 bytes in base64url. */
export const SeedPairJson = v.strictObject({ ed25519: Seed, mlDsa44: Seed });
export type SeedPairJson = v.InferOutput<typeof SeedPairJson>;

/** Two private keys that can be used but not read. */
export interface SeedPair {
  readonly ed25519: Ed25519Secret;
  readonly mlDsa44: SigningSecret;
}

/** Names the secret in errors. */
export interface SeedPairSource {
  /** Name of the setting, `LOG_KEYRING`. */
  readonly setting: string;
  /** The command that makes such a secret. */
  readonly command: string;
}

/** Makes two new seeds, as JSON. It is a secret. */
export function generateSeedPair(): string {
  const pair: SeedPairJson = {
    ed25519: base64url(generateSigningSeed()),
    mlDsa44: base64url(generateSigningSeed()),
  };
  return JSON.stringify(pair);
}

/** @throws KeyringError for keys that must not sign; the message never holds a seed */
export async function loadSeedPair(json: string, source: SeedPairSource): Promise<SeedPair> {
  const seeds = parse(json, source);
  return {
    ed25519: await importEd25519Seed(seedOf(seeds, "ed25519", source)),
    mlDsa44: await importSigningSeed(seedOf(seeds, "mlDsa44", source)),
  };
}

function parse(json: string, source: SeedPairSource): SeedPairJson {
  const pair = v.safeParse(SeedPairJson, parseJson(json, source));
  // Neither valibot's message nor an unknown member's name is repeated: each may hold a seed.
  if (!pair.success) throw refusal(source, `${source.setting} has an unknown shape`);
  if (pair.output.ed25519 === pair.output.mlDsa44)
    throw refusal(source, `${source.setting} has one seed for both keys`);
  return pair.output;
}

function parseJson(json: string, source: SeedPairSource): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw refusal(source, `${source.setting} is not JSON`);
  }
}

function seedOf(seeds: SeedPairJson, name: keyof SeedPairJson, source: SeedPairSource): Uint8Array {
  const text = seeds[name];
  const seed = decoded(text);
  if (seed?.length !== 32) throw refusal(source, `the seed ${name} of ${source.setting} is no 32 bytes`);
  if (isPlaceholder(seed, text))
    throw refusal(source, `the seed ${name} of ${source.setting} is a placeholder, not random bytes`);
  return seed;
}

function refusal({ command }: SeedPairSource, what: string): KeyringError {
  return new KeyringError(`${what}: make one with \`npm run vdc -- ${command}\``);
}

function decoded(text: string): Uint8Array | undefined {
  try {
    return fromBase64url(text);
  } catch {
    return undefined;
  }
}
