import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { base64url, fromUtf8, utf8 } from "../../shared/crypto/bytes.ts";
import { loadKeyring, type KeyringJson } from "../../shared/crypto/keyring.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import type { Envelope } from "../../shared/crypto/envelope.ts";
import { STAGES } from "../../shared/pipeline.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { syntheticRefund, type SyntheticEvent } from "../../cli/stripe/synthetic.ts";
import { kvKeysOf, logged, objectsOf, pinnedFiles } from "../support/chain-state.ts";
import { listed } from "../support/dead-letters.ts";
import { checkChain } from "../support/check-chain.ts";
import { deliver, pay, purchase, status, until, untilWaiting } from "../support/payments.ts";
import { parked } from "../support/parked.ts";
import { startPipeline, type Pipeline } from "../support/pipeline.ts";
import { deliverTo, enqueue } from "../support/queues.ts";
import { payloadOf, seal, writeUnseen } from "../support/sealed-payments.ts";

/** Everything about the buyer that an event may tell. None of it may be found anywhere in clear. */
const PERSONAL = {
  email: "ada.lovelace+deeds@analytical.example",
  otherEmail: "ada@private.example",
  name: "Augusta Ada King-Noel",
  phone: "+44 20 7946 0958",
  street: "12 St James's Square",
  postalCode: "SW1Y-4JH",
  card: "4242424242424242",
  cardLast4: "ending in 4242",
  ip: "203.0.113.77",
  userId: "user_ada_1815",
  reference: "client-ref-998877",
  note: "for my daughter's house",
  customer: "cus_Qx7personal42",
  connectedAccount: "acct_1Personal99",
} as const;

let pipeline: Pipeline;
const answers: { to: string; text: string }[] = [];
let sold: SyntheticEvent;
const txIds: string[] = [];
beforeAll(async () => {
  pipeline = await startPipeline();
  await tellTheStory();
});
afterAll(() => pipeline.close());

/** An event with every one of those facts, some where they do not belong. */
function indiscreet(assetId: string): SyntheticEvent {
  const event = purchase({ assetId, userId: PERSONAL.userId, email: PERSONAL.email });
  const { object: session } = event.data;
  const address = { line1: PERSONAL.street, postal_code: PERSONAL.postalCode, country: "GB" };
  const details = { email: PERSONAL.email, name: PERSONAL.name, phone: PERSONAL.phone, address };
  return {
    ...event,
    account: PERSONAL.connectedAccount,
    data: {
      object: {
        ...session,
        customer: PERSONAL.customer,
        customer_email: PERSONAL.otherEmail,
        customer_details: details,
        client_reference_id: PERSONAL.reference,
        payment_method_options: { card: { number: PERSONAL.card, statement: PERSONAL.cardLast4 } },
        collected_information: { individual_name: PERSONAL.name, shipping_details: { address } },
        metadata: {
          ...(session.metadata as object),
          note: PERSONAL.note,
          card: PERSONAL.card,
          ip: PERSONAL.ip,
          [PERSONAL.otherEmail]: PERSONAL.cardLast4,
        },
      },
    },
  };
}

/** Asks, and remembers all that was answered, headers too. */
async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await pipeline.fetch(path, init);
  const headers = JSON.stringify([...response.headers]);
  answers.push({ to: path, text: `${response.status} ${headers} ${await response.clone().text()}` });
  return response;
}

const asOperator = (path: string, method = "GET") =>
  ask(path, { method, headers: { "x-admin-secret": pipeline.secrets.ADMIN_SECRET } });

/** Every byte that somebody could read: text by the place where it was found. */
async function everythingReadable(): Promise<Map<string, string>> {
  const { kv, r2, harness, pinning } = pipeline;
  const found = new Map<string, string>();
  for (const object of await objectsOf(r2, "")) {
    const body = await r2.get(object.key);
    const { customMetadata, httpMetadata } = object;
    found.set(`R2 ${object.key}`, JSON.stringify([customMetadata, httpMetadata]) + (await body?.text()));
  }
  for (const key of await kvKeysOf(kv)) {
    const { value, metadata } = await kv.getWithMetadata(key);
    found.set(`KV ${key}`, JSON.stringify([value, metadata]));
  }
  for (const file of await pinnedFiles(pipeline)) {
    const pinned = await fetch(`${pinning.gatewayUrl}/ipfs/${file.cid}`);
    found.set(`IPFS ${file.name}`, JSON.stringify(file) + (await pinned.text()));
  }
  for (const [i, { to, text }] of answers.entries()) found.set(`HTTP answer ${i} to ${to}`, text);
  for (const [i, { message }] of harness.getLogs().entries()) found.set(`log line ${i}`, message);
  return found;
}

/** As it is, as JSON spells it, as a URL does, as base64, and as a hash that anyone could guess. */
function spellings(text: string): string[] {
  const bytes = utf8(text);
  const base64 = base64url(bytes.subarray(0, bytes.length - (bytes.length % 3)));
  return [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), base64, sha256Hex(bytes)];
}

function placesOf(text: string, readable: ReadonlyMap<string, string>): string[] {
  const wanted = spellings(text).map((spelling) => spelling.toLowerCase());
  return [...readable].flatMap(([place, content]) =>
    wanted.some((spelling) => content.toLowerCase().includes(spelling)) ? [place] : [],
  );
}

/** The ids that Stripe gave to the event, its object and all that it refers to. */
function stripeIdsOf({ id, data, account }: SyntheticEvent): string[] {
  const { object } = data;
  const named = [object.id, object.payment_intent, object.customer, object.payment_method];
  return [id, account, ...named].filter((found) => typeof found === "string");
}

/** One story, told once: what was sold, refunded, refused, malformed and asked for. */
async function tellTheStory(): Promise<void> {
  sold = indiscreet("deed-1815");
  txIds.push(await pay(pipeline, sold));
  txIds.push(await pay(pipeline, indiscreet(PERSONAL.email))); // no asset id: it would be public
  txIds.push(await pay(pipeline, indiscreet(PERSONAL.userId))); // nor is this
  txIds.push(await pay(pipeline, syntheticRefund(sold)));
  await untilWaiting(pipeline, 4);
  await deliverTo(pipeline, "pending-writer", [{ body: await seal(pipeline, payloadOf(sold)) }]);
  const changed = await seal(pipeline, payloadOf(indiscreet("deed-1816")));
  const swapped = {
    ...changed,
    envelope: (await seal(pipeline, payloadOf(indiscreet("deed-1817")))).envelope,
  };
  await writeUnseen(pipeline, swapped);
  const wrongPart = {
    ...payloadOf(indiscreet("deed-1818")),
    private: payloadOf(indiscreet("deed-1819")).private!,
  };
  await writeUnseen(pipeline, await seal(pipeline, wrongPart));
  const wrongShape = { ...payloadOf(indiscreet("deed-1820")), buyer: PERSONAL.name };
  await writeUnseen(pipeline, await seal(pipeline, wrongShape));
  await pipeline.fireCron("miner");

  pipeline.pinning.setFault({ kind: "unauthorized", times: 1 });
  pipeline.pinning.setFault({ kind: "fail", status: 500, on: "upload", times: 1 });
  await asOperator("/api/vdc/mine?wait=60", "POST");
  await deliverTo(pipeline, "pending-writer", [{ body: swapped, attempts: 101 }]);
  for (const stage of STAGES) await enqueue(pipeline, stage, [{ v: 1, poison: stage }]);
  await until(async () => {
    for (const stage of STAGES) expect(await parked(pipeline, stage)).not.toEqual([]);
    expect(await parked(pipeline, "miner")).toHaveLength(4);
  });
  await pay(pipeline, indiscreet("deed-1821")); // this one stays pending
  await untilWaiting(pipeline, 1);
  await checkChain(pipeline);

  const body = JSON.stringify(indiscreet("deed-1822"));
  const post = (init: RequestInit) => ask("/api/stripe/webhook", { method: "POST", ...init });
  await post({ body });
  await post({ body, headers: { "stripe-signature": `t=1,v1=${"0".repeat(64)}` } });
  await post({ body: `not JSON: ${PERSONAL.email}` });
  for (const event of [
    { ...indiscreet("deed-1823"), livemode: "perhaps" as never },
    { ...indiscreet("deed-1824"), data: { object: { [PERSONAL.email]: PERSONAL.name } } },
    { ...indiscreet("deed-1825"), type: "customer.created" },
  ]) {
    const refused = await deliver(pipeline, event);
    answers.push({ to: "webhook", text: `${refused.status} ${await refused.text()}` });
  }
  for (const path of ["latest", "blocks", "blocks/0", "blocks/1", "blocks/7", "transactions/nonsense"])
    await ask(`/api/vdc/${path}`);
  for (const path of ["/.well-known/vdc.json", "/api/ready", "/api/health", "/", "/nowhere"]) await ask(path);
  for (const txId of txIds) await ask(`/api/vdc/transactions/${txId}`);
  await ask("/api/vdc/assets/deed-1815");
  for (const path of ["/api/vdc/pending", "/api/vdc/status", "/api/dead-letters"]) await asOperator(path);
  for (const { id } of await listed(pipeline)) await asOperator(`/api/dead-letters/${id}`);
  await ask("/api/vdc/status");
  await ask("/api/vdc/status", { headers: { "x-admin-secret": "not the secret at all" } });
  await asOperator("/api/vdc/mine?wait=ever", "POST");
}

describe("personal and payment data", () => {
  it("are nowhere in clear: not in a block, a queue's message, an object, an answer or a log line", async () => {
    const readable = await everythingReadable();
    for (const place of ["R2 blocks/1.json", "R2 private/1.json", "KV vdc:block:1", "log line 0"])
      expect([...readable.keys()], "the search looks everywhere").toContain(place);
    for (const prefix of [
      "R2 pending/",
      "R2 dead-letters/miner/",
      "R2 dead-letters/pending-writer/",
      "IPFS ",
      "HTTP ",
    ])
      expect(
        [...readable.keys()].some((place) => place.startsWith(prefix)),
        prefix,
      ).toBe(true);
    // What is public is found, so what is not found is not there.
    expect(placesOf("deed-1815", readable).length).toBeGreaterThan(3);
    expect(placesOf(txIds[0]!, readable).length).toBeGreaterThan(5);

    for (const [what, text] of Object.entries(PERSONAL)) expect(placesOf(text, readable), what).toEqual([]);
    for (const id of [...stripeIdsOf(sold), ...stripeIdsOf(syntheticRefund(sold))])
      expect(placesOf(id, readable), id).toEqual([]);
  });

  it("are not in the log when a caller puts them into an address", async () => {
    await ask(`/api/vdc/assets/${encodeURIComponent(PERSONAL.email)}`);
    await ask(`/api/vdc/assets/${PERSONAL.email}?email=${PERSONAL.email}`);
    const paths = logged(pipeline, "request").map(({ path }) => String(path));
    for (const path of paths) expect(decodeURIComponent(path)).not.toContain(PERSONAL.email);
  });

  it("are still there for whoever holds the system's key, until they are erased", async () => {
    const archived = await pipeline.r2.get(r2Keys.private(1));
    const { envelopes } = await archived!.json<{ envelopes: Record<string, Envelope> }>();
    expect(Object.keys(envelopes).toSorted()).toEqual(txIds.toSorted());
    const keyring = await loadKeyring(pipeline.secrets.SYSTEM_KEYRING);
    const opened = fromUtf8(await keyring.encryption.open(envelopes[txIds[0]!]!));
    const { email, name, userId, note } = PERSONAL;
    for (const text of [email, name, userId, note, ...stripeIdsOf(sold)]) expect(opened).toContain(text);
    expect((await status(pipeline)).counts).toMatchObject({ mined: 4, setAside: 3, pending: 1 });
  });
});

describe("secrets", () => {
  it("are in no answer, no log line, no object and no block", async () => {
    await asOperator("/api/vdc/status");
    const { ADMIN_SECRET, STRIPE_WEBHOOK_SECRET, SYSTEM_KEYRING, PINATA_JWT } = pipeline.secrets;
    const { signing, encryption } = JSON.parse(SYSTEM_KEYRING) as KeyringJson;
    const seeds = [...signing, ...encryption].map(({ seed }) => seed);
    expect(seeds).toHaveLength(2);
    const readable = await everythingReadable();
    const secrets = [
      ADMIN_SECRET,
      STRIPE_WEBHOOK_SECRET,
      STRIPE_WEBHOOK_SECRET.slice("whsec_".length),
      PINATA_JWT,
      ...seeds,
    ];
    for (const secret of secrets) expect(placesOf(secret, readable)).toEqual([]);
  });
});
