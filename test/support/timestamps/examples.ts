import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../cli/local/stack/workers.ts";

/** Stamps that OpenSSL 3.0 made, by keys that are kept nowhere, with certificates that end in 2081. */
interface Examples {
  readonly data: string;
  readonly nonce: string;
  readonly stamps: readonly { readonly name: string; readonly issuers: string; readonly response: string }[];
}

export const EXAMPLES = JSON.parse(
  readFileSync(join(ROOT, "test/fixtures/timestamps/openssl-3.0.json"), "utf8"),
) as Examples;
