import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syntheticRefund, type SyntheticEvent } from "../../cli/stripe/synthetic.ts";
import type { UnsignedSubmission } from "../../shared/chain/submission.ts";
import { payloadOfSubmission } from "../../shared/chain/submission.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { base64url, fromUtf8, utf8 } from "../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { loadKeyring, type KeyringJson } from "../../shared/crypto/keyring.ts";
import { STAGES } from "../../shared/pipeline.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import type { PrivateEnvelope } from "../../workers/gateway/privacy.ts";
import { CHAIN_ID, creation, newUser, registration, signed, transfer } from "../support/accounts.ts";
import { startAlertReceiver, type AlertReceiver } from "../support/alert-receiver.ts";
import { logged } from "../support/chain-state.ts";
import { checkChain } from "../support/check-chain.ts";
import { givenUp, listed, park } from "../support/dead-letters.ts";
import { parked } from "../support/parked.ts";
import { deliver, pay, purchase, status, until, untilIdle, untilWaiting } from "../support/payments.ts";
import { startPipeline, type Pipeline } from "../support/pipeline.ts";
import { deliverTo, enqueue } from "../support/queues.ts";
import { everythingKept } from "../support/readable.ts";
import { payloadOf, seal, writeUnseen } from "../support/sealed-payments.ts";

/** Everything about the buyer that an event may tell. None of it may be found anywhere in clear. */
const BUYER = {
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

/** The same of somebody else, for each path its own: what is found says by which path it came. */
const personOf = (path: string) => ({
  name: `Grace ${path} Hopper`,
  email: `grace.${path}@navy.example`,
  phone: `+1 555 ${path} 0100`,
  card: "5555555555554444",
  stripe: `cus_${path}Nffr1eUfNV2Hib`,
  note: `only for ${path}`,
});

interface Walked {
  /** Public texts that come of it, and are found: so the search sees what this path leaves behind. */
  readonly leaves: readonly string[];
  /** Besides `personal`: what only turned out on the way. */
  readonly alsoPersonal?: readonly string[];
}

/** One way that personal data come in, or are handled. */
interface Path {
  readonly personal: Readonly<Record<string, string>>;
  readonly walk: (personal: never) => Promise<Walked>;
}

const path = <Personal extends Readonly<Record<string, string>>>(
  personal: Personal,
  walk: (personal: Personal) => Promise<Walked>,
): Path => ({ personal, walk });

let pipeline: Pipeline;
let alerts: AlertReceiver;
const answers: { to: string; text: string }[] = [];
const walked = new Map<string, Walked>();
let readable: ReadonlyMap<string, string>;

/** Asks, and remembers all that was answered, headers too. */
async function ask(to: string, init?: RequestInit): Promise<Response> {
  const response = await pipeline.fetch(to, init);
  const headers = JSON.stringify([...response.headers]);
  answers.push({ to, text: `${response.status} ${headers} ${await response.clone().text()}` });
  return response;
}

const asOperator = (to: string, method = "GET", body?: object) =>
  ask(to, {
    method,
    headers: { "x-admin-secret": pipeline.secrets.ADMIN_SECRET },
    ...(body && { body: JSON.stringify(body) }),
  });

const submit = (submission: unknown) =>
  ask("/api/vdc/transactions", { method: "POST", body: JSON.stringify(submission) });

/** What must be taken. @returns its transaction's id */
async function taken(submission: unknown): Promise<string> {
  const response = await submit(submission);
  const body: { txId: string } = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(202);
  return body.txId;
}

async function untilState(txId: string, state: string): Promise<void> {
  await until(async () => {
    const found = await pipeline.fetch(`/api/vdc/transactions/${txId}`);
    expect(await found.json()).toMatchObject({ state });
  });
}

async function mineAll(): Promise<void> {
  await asOperator("/api/vdc/mine?wait=60", "POST");
  await untilIdle(pipeline);
}

/** With a private part that holds all of it, at several depths. */
async function withPrivate(
  user: UserKeys,
  unsigned: UnsignedSubmission,
  personal: Readonly<Record<string, string>>,
) {
  const salt = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const { email = "", ...others } = personal;
  const part = { buyer: { ...others, contacts: [{ email }] }, [email]: others.name ?? "" };
  return signed(user, { ...unsigned, private: { salt, part } });
}

/** An event with every one of those facts, some where they do not belong. */
function indiscreet(assetId: string): SyntheticEvent {
  const event = purchase({ assetId, userId: BUYER.userId, email: BUYER.email });
  const { object: session } = event.data;
  const address = { line1: BUYER.street, postal_code: BUYER.postalCode, country: "GB" };
  const details = { email: BUYER.email, name: BUYER.name, phone: BUYER.phone, address };
  return {
    ...event,
    account: BUYER.connectedAccount,
    data: {
      object: {
        ...session,
        customer: BUYER.customer,
        customer_email: BUYER.otherEmail,
        customer_details: details,
        client_reference_id: BUYER.reference,
        payment_method_options: { card: { number: BUYER.card, statement: BUYER.cardLast4 } },
        collected_information: { individual_name: BUYER.name, shipping_details: { address } },
        metadata: {
          ...(session.metadata as object),
          note: BUYER.note,
          card: BUYER.card,
          ip: BUYER.ip,
          [BUYER.otherEmail]: BUYER.cardLast4,
        },
      },
    },
  };
}

/** The ids that Stripe gave to the event, its object and all that it refers to. */
function stripeIdsOf({ id, data, account }: SyntheticEvent): string[] {
  const { object } = data;
  const named = [object.id, object.payment_intent, object.customer, object.payment_method];
  return [id, account, ...named].filter((found) => typeof found === "string");
}

let owner: UserKeys;
let deed: string;
let archivedIn = 0;
const txIds: string[] = [];

/** By what comes in, in this order: a later one may go on with what an earlier one left. */
const PATHS: Readonly<Record<string, Path>> = {
  "payments and refunds, mined, set aside, dead-lettered, malformed and refused": path(BUYER, async () => {
    const sold = indiscreet("deed-1815");
    txIds.push(await pay(pipeline, sold));
    txIds.push(await pay(pipeline, indiscreet(BUYER.email))); // no asset id: it would be public
    txIds.push(await pay(pipeline, indiscreet(BUYER.userId))); // nor is this
    txIds.push(await pay(pipeline, indiscreet(`deed-${BUYER.card}`)));
    txIds.push(await pay(pipeline, syntheticRefund(sold)));
    await untilWaiting(pipeline, 5);
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
    const wrongShape = { ...payloadOf(indiscreet("deed-1820")), buyer: BUYER.name };
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
    archivedIn = (await checkChain(pipeline)).length - 1;

    const body = JSON.stringify(indiscreet("deed-1822"));
    const post = (init: RequestInit) => ask("/api/stripe/webhook", { method: "POST", ...init });
    await post({ body });
    await post({ body, headers: { "stripe-signature": `t=1,v1=${"0".repeat(64)}` } });
    await post({ body: `not JSON: ${BUYER.email}` });
    for (const event of [
      { ...indiscreet("deed-1823"), livemode: "perhaps" as never },
      { ...indiscreet("deed-1824"), data: { object: { [BUYER.email]: BUYER.name } } },
      { ...indiscreet("deed-1825"), type: "customer.created" },
    ]) {
      const refused = await deliver(pipeline, event);
      answers.push({ to: "webhook", text: `${refused.status} ${await refused.text()}` });
    }
    await ask("/api/vdc/assets/deed-1815");
    return {
      leaves: ["deed-1815", ...txIds],
      alsoPersonal: [...stripeIdsOf(sold), ...stripeIdsOf(syntheticRefund(sold))],
    };
  }),

  "a registration and an asset, signed, with private parts; the asset waits for its payment": path(
    personOf("signed"),
    async (personal) => {
      owner = await newUser();
      const registered = await withPrivate(owner, registration(owner), personal);
      const txId = await taken(registered);
      await untilState(txId, "pending");
      await mineAll();
      await taken(registered); // once more
      deed = await taken(await withPrivate(owner, creation("deed-paid"), personal));
      await untilState(deed, "awaiting_payment");
      await ask(`/api/vdc/transactions/${deed}`);
      const unpaid = await taken(await withPrivate(owner, creation("deed-unpaid"), personal)); // this one stays
      return { leaves: [owner.userId, txId, deed, unpaid] };
    },
  ),

  "the payment that a signed asset waits for": path(
    personOf("payer"),
    async ({ name, email, note, stripe }) => {
      const event = purchase({ email });
      Object.assign(event.data.object, {
        client_reference_id: deed,
        customer: stripe,
        customer_details: { name, email },
        metadata: { note, assetId: note },
      });
      const payment = await pay(pipeline, event);
      await untilState(deed, "pending");
      await mineAll();
      await untilState(deed, "mined");
      await ask("/api/vdc/assets/deed-paid");
      return { leaves: [payment, "deed-paid"], alsoPersonal: stripeIdsOf(event) };
    },
  ),

  "submissions that are refused": path(personOf("refused"), async (personal) => {
    const { name, email, card, stripe } = personal;
    const fine = () => creation("deed-refused");
    const create = (assetId: string, documentType?: string) =>
      ({
        type: "asset_creation",
        timestamp: Date.now(),
        data: { assetId, ...(documentType !== undefined && { documentType }) },
      }) as const;
    const dotted = name.toLowerCase().replaceAll(" ", ".");
    for (const refused of [
      await withPrivate(owner, create(`deed-${card}`), personal),
      await withPrivate(owner, create(stripe), personal),
      await withPrivate(owner, create(dotted), personal),
      await withPrivate(owner, create("deed-1", dotted.replaceAll(".", "_")), personal),
      await withPrivate(owner, creation("deed-old", 1), personal),
      { ...(await withPrivate(owner, fine(), personal)), timestamp: Date.now() + 1 },
      { ...(await withPrivate(owner, fine(), personal)), data: { assetId: email } },
      { ...(await withPrivate(owner, fine(), personal)), data: { assetId: "deed-1", documentType: name } },
      { ...(await withPrivate(owner, fine(), personal)), private: { salt: email, part: { name } } },
      { ...(await withPrivate(owner, fine(), personal)), private: name },
      { ...(await withPrivate(owner, fine(), personal)), type: name },
      personal,
      `${name}: ${email}`,
    ])
      expect((await submit(refused)).status).toBe(400);
    await ask("/api/vdc/transactions", { method: "POST", body: `not JSON: ${email}` });
    await ask("/api/vdc/transactions", { method: "POST", body: `"${email.repeat(20_000)}"` });
    return { leaves: ["urn:vdc:problem:personal-data", "urn:vdc:problem:body-too-large"] };
  }),

  "submissions that are set aside, or can't be written": path(personOf("aside"), async (personal) => {
    const stranger = await newUser();
    const stolen = await taken(await withPrivate(stranger, transfer("deed-paid", stranger), personal));
    await untilState(stolen, "pending");
    const sound = payloadOfSubmission(
      CHAIN_ID,
      await withPrivate(stranger, transfer("deed-1815", stranger), personal),
    );
    const { transaction } = sound;
    const wrongPart = { transaction, private: { salt: sound.private!.salt, part: { other: personal.name } } };
    await writeUnseen(pipeline, await seal(pipeline, wrongPart as never));
    await pipeline.fireCron("miner");
    await mineAll();
    await untilState(stolen, "set_aside");
    await untilState(transaction.id, "set_aside");
    const lost = await seal(pipeline, {
      ...sound,
      transaction: { ...transaction, id: `vdc_tx_${"ab".repeat(20)}` },
    });
    await park(pipeline, "pending-writer", [givenUp("pending-writer", lost)]);
    await enqueue(pipeline, "pending-writer", [{ ...lost, size: "large" }]);
    await until(async () => expect(await listed(pipeline, `&txId=${lost.txId}`)).toHaveLength(2));
    return { leaves: [stolen, transaction.id, lost.txId] };
  }),

  "requests to show and to erase": path({}, async () => {
    const [shown = "", erased = ""] = txIds;
    const reason = { reason: "request 12" };
    for (const txId of [shown, erased, deed]) await asOperator(`/api/privacy/${txId}/show`, "POST", reason);
    await asOperator(`/api/privacy/${erased}/erase`, "POST", reason);
    await asOperator(`/api/privacy/${erased}/show`, "POST", reason);
    for (const { txId } of (await listed(pipeline, "&state=open")).slice(0, 3))
      if (txId !== null) await asOperator(`/api/privacy/${txId}/erase`, "POST", reason);
    return { leaves: ["request 12", `/api/privacy/${erased}/erase`] };
  }),

  "what is left on its way": path({}, async () => {
    const waiting = await pay(pipeline, indiscreet("deed-1821"));
    await untilWaiting(pipeline, 1);
    return { leaves: [waiting] };
  }),

  "all that is told of it, to the public, to operators and by alerts": path({}, async () => {
    for (const to of [
      "latest",
      "blocks",
      "blocks/0",
      "blocks/1",
      "blocks/2",
      "blocks/99",
      "transactions/nonsense",
    ])
      await ask(`/api/vdc/${to}`);
    for (const to of ["/.well-known/vdc.json", "/api/ready", "/api/health", "/", "/nowhere"]) await ask(to);
    for (const txId of txIds) await ask(`/api/vdc/transactions/${txId}`);
    for (const to of ["/api/vdc/pending", "/api/vdc/status", "/api/dead-letters", "/api/metrics"])
      await asOperator(to);
    await pipeline.fireCron("alerts");
    await until(async () => expect(alerts.taken).not.toEqual([]));
    const letters = await listed(pipeline);
    for (const { id } of letters) await asOperator(`/api/dead-letters/${id}`);
    const reason = "to see";
    const [first, ...others] = letters.filter(({ state }) => state === "open").map(({ id }) => id);
    await asOperator(`/api/dead-letters/${first}/dismiss`, "POST", { reason });
    const select = { ids: others };
    await asOperator("/api/dead-letters/replays", "POST", { select, reason, dryRun: true });
    const replay = await asOperator("/api/dead-letters/replays", "POST", {
      select,
      reason,
      ratePerSecond: 500,
    });
    const { id } = await replay.json<{ id: string }>();
    await until(async () => {
      const found = await asOperator(`/api/dead-letters/replays/${id}`);
      expect(await found.json()).toMatchObject({ state: "done" });
    });
    await asOperator("/api/vdc/mine?wait=60", "POST");
    await asOperator("/api/vdc/mine?wait=ever", "POST");
    await asOperator("/api/storage-verify/verify-all", "POST");
    await ask("/api/vdc/status");
    await ask("/api/vdc/status", { headers: { "x-admin-secret": "not the secret at all" } });
    await asOperator("/api/audit?limit=1000");
    return { leaves: ["vdc_dead_letters", "dead_letters"] };
  }),
};

beforeAll(async () => {
  alerts = await startAlertReceiver();
  pipeline = await startPipeline({
    tap: true,
    vars: { PAID_TYPES: "asset_creation" },
    secrets: { ALERT_WEBHOOK_URL: alerts.url },
  });
  for (const [what, { personal, walk }] of Object.entries(PATHS))
    walked.set(what, await walk(personal as never));
  await checkChain(pipeline);
  readable = await everythingReadable();
}, 180_000);
afterAll(async () => {
  await pipeline.close();
  await alerts.close();
});

/** Every byte that somebody could read: text by the place where it was found. */
async function everythingReadable(): Promise<Map<string, string>> {
  const found = await everythingKept(pipeline);
  for (const [i, { to, text }] of answers.entries()) found.set(`HTTP answer ${i} to ${to}`, text);
  for (const [i, { message }] of pipeline.harness.getLogs().entries())
    found.set(message.includes('"queue.message"') ? `queue message ${i}` : `log line ${i}`, message);
  for (const [i, alert] of alerts.taken.entries()) found.set(`alert ${i}`, JSON.stringify(alert));
  return found;
}

/** As it is, as JSON spells it, as a URL does, as base64, and as a hash that anyone could guess. */
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

describe("personal and payment data", () => {
  it.for(Object.entries(PATHS))("are nowhere in clear: %s", ([what, { personal }]) => {
    const { leaves, alsoPersonal = [] } = walked.get(what) as Walked;
    // What is public is found, so what is not found is not there.
    for (const text of leaves) expect(placesOf(text), `${text} is public`).not.toEqual([]);
    for (const [name, text] of Object.entries(personal)) expect(placesOf(text), name).toEqual([]);
    for (const text of alsoPersonal) expect(placesOf(text), text).toEqual([]);
  });

  it("were looked for everywhere: in every tier, queue, object, answer, alert and log line", () => {
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
    expect(placesOf(txIds[0]!).length).toBeGreaterThan(10);
  });

  it("are not in the log when a caller puts them into an address", async () => {
    await pipeline.fetch(`/api/vdc/assets/${encodeURIComponent(BUYER.email)}`);
    await pipeline.fetch(`/api/vdc/assets/${BUYER.email}?email=${BUYER.email}`);
    const paths = logged(pipeline, "request").map((line) => String(line.path));
    for (const logged of paths) expect(decodeURIComponent(logged)).not.toContain(BUYER.email);
  });

  it("are still there for whoever holds the system's key, until they are erased", async () => {
    const archived = await pipeline.r2.get(r2Keys.private(archivedIn));
    const { envelopes, erased } = await archived!.json<{
      envelopes: Record<string, PrivateEnvelope["envelope"]>;
      erased: string[];
    }>();
    expect(erased).toEqual([txIds[1]]);
    expect([...Object.keys(envelopes), ...erased].toSorted()).toEqual(txIds.toSorted());
    const keyring = await loadKeyring(pipeline.secrets.SYSTEM_KEYRING);
    const opened = fromUtf8(await keyring.encryption.open(envelopes[txIds[0]!]!));
    const { email, name, userId, note, customer } = BUYER;
    for (const text of [email, name, userId, note, customer]) expect(opened).toContain(text);
    expect((await status(pipeline)).counts).toMatchObject({ awaitingPayment: 1 });
  });
});

describe("secrets", () => {
  it("are in no answer, no log line, no object and no block", () => {
    const { ADMIN_SECRET, STRIPE_WEBHOOK_SECRET, SYSTEM_KEYRING, PINATA_JWT } = pipeline.secrets;
    const { signing, encryption } = JSON.parse(SYSTEM_KEYRING) as KeyringJson;
    const seeds = [...signing, ...encryption].map(({ seed }) => seed);
    expect(seeds).toHaveLength(2);
    const secrets = [
      ADMIN_SECRET,
      STRIPE_WEBHOOK_SECRET,
      STRIPE_WEBHOOK_SECRET.slice("whsec_".length),
      PINATA_JWT,
      alerts.url,
      ...seeds,
    ];
    for (const secret of secrets) expect(placesOf(secret)).toEqual([]);
  });
});
