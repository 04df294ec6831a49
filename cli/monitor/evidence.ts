import { utf8 } from "../../shared/crypto/bytes.ts";
import { callersPath } from "../files/path.ts";
import { writeWhole } from "../files/write-whole.ts";
import type { BrokenPromise } from "./broken-promise.ts";

/**
 * Writes all that shows a broken promise, for others to verify.
 * @param now milliseconds since the epoch
 * @returns the file's name
 */
export async function writeEvidence(
  { fault, message, evidence }: BrokenPromise,
  url: string,
  now: number,
): Promise<string> {
  const foundAt = new Date(now).toISOString();
  const file = callersPath(`vdc-evidence-${foundAt.replaceAll(":", "")}.json`);
  const document = { format: "vdc-evidence@1", url, foundAt, fault, detail: message, ...evidence };
  await writeWhole(file, utf8(`${JSON.stringify(document, null, 2)}\n`));
  return file;
}
