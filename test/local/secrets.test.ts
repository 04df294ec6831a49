import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  checkKeys,
  generateSecrets,
  localSecrets,
  type LocalSecrets,
} from "../../cli/local/stack/secrets.ts";
import { BROKEN_SECRETS, expectNoSeed, writeSecrets } from "./broken-secrets.ts";

let secrets: LocalSecrets;
beforeAll(async () => {
  secrets = await generateSecrets();
});

describe("the local stack's check of its secrets", () => {
  it.for(BROKEN_SECRETS)("refuses %s, and prints no seed", async ([, said, change], { onTestFinished }) => {
    const directory = mkdtempSync(join(tmpdir(), "vdc-secrets-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    writeSecrets(directory, { ...secrets, ...(await change(secrets)) });
    const error: unknown = await localSecrets(directory, {})
      .then(checkKeys)
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(said);
    expectNoSeed(String(error), secrets);
  });

  it("accepts the secrets that it makes", async () => {
    await expect(checkKeys(secrets)).resolves.toBeUndefined();
  });
});
