import { afterAll, beforeAll, expect, it } from "vitest";
import { generateKeyring, type KeyringJson } from "../../shared/crypto/keyring.ts";
import { logged } from "../support/chain/chain-state.ts";
import { enqueue } from "../support/stack/queues.ts";
import { parked } from "../support/chain/parked.ts";
import { until } from "../support/stack/patience.ts";
import { deliver, purchase } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { everythingKept } from "../support/assertions/readable.ts";
import { secretsIn, secretTexts } from "../support/stack/secrets.ts";

/** Every secret is set, and no secret is usable. A complaint must not show the secret. */
let pipeline: Pipeline;
const answers = new Map<string, string>();

beforeAll(async () => {
  const { signing, encryption } = JSON.parse(await generateKeyring()) as KeyringJson;
  pipeline = await startPipeline({
    tap: true,
    secrets: {
      SYSTEM_KEYRING: JSON.stringify({ signing: [...signing, ...signing], encryption }),
      SYSTEM_ENCRYPTION_PUBLIC_KEY: "no-key-at-all-5d41402abc4b2a76b9719d911017c592",
      STRIPE_WEBHOOK_SECRET: "whsec_changeme_0f3e1c55a2d94b7786",
      ALERT_WEBHOOK_URL: "http://127.0.0.1:9/hooks/T0KEN-77ab41", // no server listens there
    },
  });
});
afterAll(() => pipeline.close());

async function ask(what: string, answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  answers.set(what, JSON.stringify([...response.headers]) + (await response.clone().text()));
  return response;
}

it("a deployment whose secrets are all wrong complains of each by name, and shows none [T67]", async () => {
  pipeline.pinning.setFault({ kind: "quoting" });
  const event = deliver(pipeline, purchase());
  expect((await ask("webhook", event)).status).toBe(503);
  const wrong = { headers: { "x-admin-secret": `${pipeline.secrets.ADMIN_SECRET}x` } };
  expect((await ask("wrong secret", pipeline.fetch("/api/vdc/status", wrong))).status).toBe(401);
  for (const path of ["/api/ready", "/api/health", "/.well-known/vdc.json", "/"])
    await ask(path, pipeline.fetch(path));
  await ask("a document", pipeline.fetch("/api/documents", { method: "POST", body: "{}" }));
  await enqueue(pipeline, "miner", [{ v: 1 }]);
  await enqueue(pipeline, "indexer", [{ v: 1, poison: "indexer" }]);
  for (const path of ["/api/vdc/mine", "/api/storage-verify/verify-all", "/api/activation-tokens"])
    await ask(path, pipeline.operate(path, { method: "POST", body: "{}" }));
  await expect(pipeline.fireCron("miner")).rejects.toThrow("vdc-miner answered 500: exception");
  await pipeline.fireCron("accounts");
  await until(async () => expect(await parked(pipeline, "indexer")).not.toEqual([]));
  await pipeline.fireCron("alerts");
  for (const path of ["/api/vdc/status", "/api/metrics", "/api/dead-letters", "/api/audit"])
    await ask(path, pipeline.operate(path));

  pipeline.pinning.clearFaults();
  const kept = await everythingKept(pipeline);
  const lines = pipeline.harness.getLogs().map(({ message }) => message);
  const secrets = secretTexts(pipeline.secrets);
  for (const [what, text] of [...answers, ...kept]) expect(secretsIn(text, secrets), what).toEqual([]);
  for (const line of lines) expect(secretsIn(line, secrets), line).toEqual([]);

  const log = lines.join("\n");
  expect(log).toContain("the signing key");
  expect(logged(pipeline, "alert.not_posted")).not.toEqual([]);
  expect(answers.get("webhook")).toContain("STRIPE_WEBHOOK_SECRET is too weak");
  expect(answers.get("/api/activation-tokens")).toContain("SYSTEM_ENCRYPTION_PUBLIC_KEY");
  expect(logged(pipeline, "operator.refused")).not.toEqual([]);
});
