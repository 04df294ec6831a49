import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { base64url, fromUtf8, utf8 } from "../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { loadKeyring } from "../../shared/crypto/keyring.ts";
import { STAGES } from "../../shared/pipeline.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import type { PrivateEnvelope } from "../../shared/api/privacy.ts";
import { startAlertReceiver, type AlertReceiver } from "../support/stack/alert-receiver.ts";
import { logged } from "../support/chain/chain-state.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { status } from "../support/payments/payments.ts";
import { BUYER, pathsThrough, type Walked, type World } from "./personal-paths.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { everythingKept } from "../support/assertions/readable.ts";
import { secretTexts } from "../support/stack/secrets.ts";

let pipeline: Pipeline;
let alerts: AlertReceiver;
let world: World;
type Trace = Walked & { readonly personal: Readonly<Record<string, string>> };
const walked = new Map<string, Trace>();
let readable: ReadonlyMap<string, string>;

beforeAll(async () => {
  alerts = await startAlertReceiver();
  pipeline = await startPipeline({
    tap: true,
    vars: { PAID_TYPES: "asset_creation" },
    secrets: { ALERT_WEBHOOK_URL: alerts.url },
  });
  world = { pipeline, alerts, answers: [], txIds: [], userIds: [], archivedIn: 0 };
  for (const [what, { personal, walk }] of Object.entries(pathsThrough(world)))
    walked.set(what, { personal, ...(await walk(personal as never)) });
  await checkChain(pipeline);
  readable = await everythingReadable();
});
afterAll(async () => {
  await pipeline.close();
  await alerts.close();
});

/** Returns every byte that a person could read, as text, by the place where it was found. */
async function everythingReadable(): Promise<Map<string, string>> {
  const found = await everythingKept(pipeline, world.userIds);
  for (const [i, { to, text }] of world.answers.entries()) found.set(`HTTP answer ${i} to ${to}`, text);
  for (const [i, { message }] of pipeline.harness.getLogs().entries())
    found.set(message.includes('"queue.message"') ? `queue message ${i}` : `log line ${i}`, message);
  for (const [i, alert] of alerts.taken.entries()) found.set(`alert ${i}`, JSON.stringify(alert));
  return found;
}

/**
 * Returns the spellings of a text: plain, as JSON or a URL escapes it, as base64, and as a hash that anyone could
 * guess.
 */
function spellings(text: string): string[] {
  const bytes = utf8(text);
  const base64 = base64url(bytes.subarray(0, bytes.length - (bytes.length % 3)));
  return [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), base64, sha256Hex(bytes)];
}

function placesOf(text: string, found: ReadonlyMap<string, string> = readable): string[] {
  const wanted = spellings(text).map((spelling) => spelling.toLowerCase());
  return [...found].flatMap(([place, content]) =>
    wanted.some((spelling) => content.toLowerCase().includes(spelling)) ? [place] : [],
  );
}

function expectHidden(what: string, { personal, leaves, alsoPersonal = [], secret }: Trace): void {
  // The search finds the public texts, so a text that it does not find is not stored.
  for (const text of leaves) expect(placesOf(text), `${what}: ${text} is public`).not.toEqual([]);
  for (const [name, text] of Object.entries(personal)) expect(placesOf(text), `${what}: ${name}`).toEqual([]);
  for (const text of alsoPersonal) expect(placesOf(text), `${what}: ${text}`).toEqual([]);
  if (secret !== undefined)
    for (const [place, content] of readable) expect(content.includes(secret), place).toBe(false);
}

describe("personal and payment data", () => {
  it("are nowhere in clear, whichever path they come by [T5 T17 T22 T68]", () => {
    expect(walked.size).toBeGreaterThan(8);
    for (const [what, path] of walked) expectHidden(what, path);
  });

  it("were looked for everywhere: in every tier, queue, object, answer, alert and log line [T17 T42 T66]", () => {
    const places = [...readable.keys()];
    for (const prefix of [
      "R2 blocks/",
      "R2 private/",
      "R2 pending/",
      "R2 intents/",
      "R2 dead-letters/miner/",
      "R2 dead-letters/pending-writer/",
      "KV vdc:block:",
      "KV vdc:tx:",
      "KV asset:",
      "IPFS ",
      "DO chain-head ",
      "DO dead-letters ",
      "R2 activation/",
      "KV user:",
      "DO user-metadata ",
      "R2 documents/",
      "DO audit-log ",
      "HTTP answer ",
      "log line ",
      "alert ",
    ])
      expect(
        places.filter((place) => place.startsWith(prefix)),
        prefix,
      ).not.toEqual([]);
    const queues = new Set(logged(pipeline, "queue.message").map(({ queue }) => queue));
    for (const stage of STAGES) expect(queues, stage).toContain(`vdc-${stage}`);
    for (const stage of STAGES) expect(queues, stage).toContain(`vdc-${stage}-dlq`);
    expect(placesOf(world.txIds[0]!).length).toBeGreaterThan(10);
  });

  it("are not in the log when a caller puts them into an address", async () => {
    await pipeline.fetch(`/api/vdc/assets/${encodeURIComponent(BUYER.email)}`);
    await pipeline.fetch(`/api/vdc/assets/${BUYER.email}?email=${BUYER.email}`);
    const paths = logged(pipeline, "request").map((line) => String(line.path));
    for (const logged of paths) expect(decodeURIComponent(logged)).not.toContain(BUYER.email);
  });

  it("are still there for whoever holds the system's key, until they are erased", async () => {
    const archived = await pipeline.r2.get(r2Keys.private(world.archivedIn));
    const { envelopes, erased } = await archived!.json<{
      envelopes: Record<string, PrivateEnvelope["envelope"]>;
      erased: string[];
    }>();
    expect(erased).toEqual([world.txIds[1]]);
    expect([...Object.keys(envelopes), ...erased].toSorted()).toEqual(world.txIds.toSorted());
    const keyring = await loadKeyring(pipeline.secrets.SYSTEM_KEYRING);
    const opened = fromUtf8(await keyring.encryption.open(envelopes[world.txIds[0]!]!));
    const { email, name, userId, note, customer } = BUYER;
    for (const text of [email, name, userId, note, customer]) expect(opened).toContain(text);
    expect((await status(pipeline)).counts).toMatchObject({ awaitingPayment: 1 });
  });
});

describe("secrets", () => {
  it("are in no answer, no log line, no object and no block [T21 T66]", () => {
    const secrets = secretTexts(pipeline.secrets);
    expect(secrets).toContain(alerts.url);
    for (const secret of secrets) expect(placesOf(secret)).toEqual([]);
    expect(placesOf("[secret]"), "the pinning service has quoted its token").not.toEqual([]);
  });
});
