import { expect } from "vitest";
import { syntheticRefund, type SyntheticEvent } from "../../cli/local/stripe/synthetic.ts";
import { payloadOfSubmission, type UnsignedSubmission } from "../../shared/chain/submission.ts";
import { activationRequest } from "../../shared/client/activation.ts";
import { sealDocument } from "../../shared/client/documents.ts";
import { sealMetadata } from "../../shared/client/user-metadata.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { base64url, fromUtf8 } from "../../shared/crypto/bytes.ts";
import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { STAGES } from "../../shared/pipeline.ts";
import {
  CHAIN_ID,
  creation,
  newUser,
  registration,
  signed,
  storePinned,
  transfer,
} from "../support/users/accounts.ts";
import { newToken } from "../support/users/activation.ts";
import type { AlertReceiver } from "../support/stack/alert-receiver.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { givenUp, listed, park } from "../support/chain/dead-letters.ts";
import { parked } from "../support/chain/parked.ts";
import { until } from "../support/stack/patience.ts";
import { deliver, pay, purchase, untilIdle, untilWaiting } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { deliverTo, enqueue } from "../support/stack/queues.ts";
import { payloadOf, seal, writeUnseen } from "../support/payments/sealed-payments.ts";

/** Everything about the buyer that an event may contain. No part of it may be stored or shown in clear anywhere. */
export const BUYER = {
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

/** The same data of another person, different for each path, so that a found text names its path. */
const personOf = (path: string) => ({
  name: `Grace ${path} Hopper`,
  email: `grace.${path}@navy.example`,
  phone: `+1 555 ${path} 0100`,
  card: "5555555555554444",
  stripe: `cus_${path}Nffr1eUfNV2Hib`,
  note: `only for ${path}`,
});

export interface Walked {
  /** Public texts that this path leaves. The search must find them, which shows that it sees the path. */
  readonly leaves: readonly string[];
  /** Personal texts that only arise on the way, in addition to `personal`. */
  readonly alsoPersonal?: readonly string[];
  /** A text that is known by its hash alone. */
  readonly secret?: string;
}

/** A path by which personal data enter the deployment or are processed. */
export interface Path {
  readonly personal: Readonly<Record<string, string>>;
  readonly walk: (personal: never) => Promise<Walked>;
}

const path = <Personal extends Readonly<Record<string, string>>>(
  personal: Personal,
  walk: (personal: Personal) => Promise<Walked>,
): Path => ({ personal, walk });

/** Shared by the paths: each path records what later paths and the search need. */
export interface World {
  readonly pipeline: Pipeline;
  readonly alerts: AlertReceiver;
  /** Every answer so far, headers included. */
  readonly answers: { to: string; text: string }[];
  /** Transaction ids of the buyer's payments, in order. */
  readonly txIds: string[];
  /** Ids of the users who store metadata about themselves. */
  readonly userIds: string[];
  /** The block with the buyer's payments. */
  archivedIn: number;
}

/** Adds a private part that holds all personal texts, at several depths. */
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

/** Makes an event that contains all of the buyer's data, some of it in wrong places. */
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

/** Returns the ids that Stripe gave to the event, to its object and to everything that they refer to. */
function stripeIdsOf({ id, data, account }: SyntheticEvent): string[] {
  const { object } = data;
  const named = [object.id, object.payment_intent, object.customer, object.payment_method];
  return [id, account, ...named].filter((found) => typeof found === "string");
}

const assetOf = (assetId: string, documentType?: string) =>
  ({
    type: "asset_creation",
    timestamp: Date.now(),
    data: { assetId, ...(documentType !== undefined && { documentType }) },
  }) as const;

/** The paths by their entrance. They run in this order, since a path may continue the work of an earlier one. */
export function pathsThrough(world: World): Readonly<Record<string, Path>> {
  const { pipeline } = world;
  let owner: UserKeys;
  let deed: string;

  /** Sends a request, and records the whole answer, headers included. */
  async function ask(to: string, init?: RequestInit): Promise<Response> {
    const response = await pipeline.fetch(to, init);
    const headers = JSON.stringify([...response.headers]);
    world.answers.push({ to, text: `${response.status} ${headers} ${await response.clone().text()}` });
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

  /** Submits a transaction and expects that it is accepted. @returns its id */
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

  const paths: Readonly<Record<string, Path>> = {
    "payments and refunds, mined, set aside, dead-lettered, malformed and refused": path(BUYER, async () => {
      const sold = indiscreet("deed-1815");
      world.txIds.push(await pay(pipeline, sold));
      world.txIds.push(await pay(pipeline, indiscreet(BUYER.email))); // VDC drops this asset id, which would be public
      world.txIds.push(await pay(pipeline, indiscreet(BUYER.userId))); // this one too
      world.txIds.push(await pay(pipeline, indiscreet(`deed-${BUYER.card}`)));
      world.txIds.push(await pay(pipeline, syntheticRefund(sold)));
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

      pipeline.pinning.setFault({ kind: "quoting", times: 1 });
      pipeline.pinning.setFault({ kind: "fail", status: 500, on: "upload", times: 1 });
      await asOperator("/api/vdc/mine?wait=60", "POST");
      await deliverTo(pipeline, "pending-writer", [{ body: swapped, attempts: 101 }]);
      for (const stage of STAGES) await enqueue(pipeline, stage, [{ v: 1, poison: stage }]);
      await until(async () => {
        for (const stage of STAGES) expect(await parked(pipeline, stage)).not.toEqual([]);
        expect(await parked(pipeline, "miner")).toHaveLength(4);
      });
      world.archivedIn = (await checkChain(pipeline)).length - 1;

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
        world.answers.push({ to: "webhook", text: `${refused.status} ${await refused.text()}` });
      }
      await ask("/api/vdc/assets/deed-1815");
      return {
        leaves: ["deed-1815", ...world.txIds],
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
        await taken(registered); // the same bytes again
        deed = await taken(await withPrivate(owner, creation("deed-paid"), personal));
        await untilState(deed, "awaiting_payment");
        await ask(`/api/vdc/transactions/${deed}`);
        const unpaid = await taken(await withPrivate(owner, creation("deed-unpaid"), personal)); // its payment never comes
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
      const dotted = name.toLowerCase().replaceAll(" ", ".");
      for (const refused of [
        await withPrivate(owner, assetOf(`deed-${card}`), personal),
        await withPrivate(owner, assetOf(stripe), personal),
        await withPrivate(owner, assetOf(dotted), personal),
        await withPrivate(owner, assetOf("deed-1", dotted.replaceAll(".", "_")), personal),
        await withPrivate(owner, creation("deed-old", 1), personal),
        { ...(await withPrivate(owner, creation("deed-refused"), personal)), timestamp: Date.now() + 1 },
        { ...(await withPrivate(owner, creation("deed-refused"), personal)), data: { assetId: email } },
        {
          ...(await withPrivate(owner, creation("deed-refused"), personal)),
          data: { assetId: "deed-1", documentType: name },
        },
        {
          ...(await withPrivate(owner, creation("deed-refused"), personal)),
          private: { salt: email, part: { name } },
        },
        { ...(await withPrivate(owner, creation("deed-refused"), personal)), private: name },
        { ...(await withPrivate(owner, creation("deed-refused"), personal)), type: name },
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
      // Sends the transfer past the checks of `accounts`, which refuse it. The asset might change after a submission is
      // accepted.
      const stolenPayload = payloadOfSubmission(
        CHAIN_ID,
        await withPrivate(stranger, transfer("deed-paid", stranger), personal),
      );
      const stolen = stolenPayload.transaction.id;
      await writeUnseen(pipeline, await seal(pipeline, stolenPayload));
      const sound = payloadOfSubmission(
        CHAIN_ID,
        await withPrivate(stranger, transfer("deed-1815", stranger), personal),
      );
      const { transaction } = sound;
      const wrongPart = {
        transaction,
        private: { salt: sound.private!.salt, part: { other: personal.name } },
      };
      await writeUnseen(pipeline, await seal(pipeline, wrongPart));
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

    "documents, what is in them and what they are called": path(personOf("document"), async (personal) => {
      const { name, email } = personal;
      const file = (contents: string) => canonicalBytes({ fileName: `${name}.pdf`, contents, ...personal });
      const { id, bytes } = await sealDocument(CHAIN_ID, file(`${name}, ${email}`), owner);
      const put = (body: BodyInit) =>
        ask("/api/documents", { method: "POST", headers: { "content-type": "application/json" }, body });
      expect((await put(bytes)).status).toBe(202);
      await put(bytes); // the same bytes again
      await put(JSON.stringify({ ...JSON.parse(fromUtf8(bytes)), name }));
      await put((await sealDocument(CHAIN_ID, file("a stranger's"), await newUser())).bytes);
      await put(`${name}: ${email}`);
      pipeline.pinning.setFault({ kind: "quoting", on: "upload", times: 1 });
      await storePinned(pipeline, (await sealDocument(CHAIN_ID, file("pinned later"), owner)).bytes);
      await ask(`/api/documents/${id}`);
      await ask(`/api/documents/${email}`);
      return { leaves: [id] };
    }),

    "activation tokens, and what users keep about themselves": path(
      personOf("activated"),
      async (personal) => {
        const { name, email } = personal;
        const { token, tokenHash } = await newToken(pipeline, {
          private: personal,
          reason: "request 7",
        });
        const unused = await newToken(pipeline, { private: personal }); // never used; a used token's object is written again
        const user = await newUser();
        const request = await activationRequest(CHAIN_ID, token, user, Date.now(), {
          ...personal,
          [email]: name,
        });
        const activation = (body: object) =>
          ask("/api/activation", { method: "POST", body: JSON.stringify(body) });
        const answer = await activation(request);
        const { txId } = await answer.json<{ txId: string }>();
        expect(answer.status).toBe(202);
        await activation(request); // the same request again
        const other = await newUser();
        await activation(await activationRequest(CHAIN_ID, token, other, Date.now(), personal));
        await activation({ ...request, token: `${token.slice(0, -1)}A` });
        await activation({ ...request, token: email, name });
        await ask(`/api/activation/${token}?token=${token}`, { headers: { "x-request-id": token } });
        await asOperator(`/api/activation-tokens/${token}`, "POST", { token });
        await asOperator(`/api/vdc/mine?token=${token}`, "POST", { reason: token });
        await untilState(txId, "pending");
        await mineAll();
        const to = `/api/users/${user.userId}/metadata`;
        const put = (body: unknown) => ask(to, { method: "PUT", body: JSON.stringify(body) });
        const second = await sealMetadata(CHAIN_ID, user, 2, { ...personal });
        expect((await put(second)).status).toBe(200);
        await put(await sealMetadata(CHAIN_ID, user, 1, { ...personal, note: name })); // an older version
        await put({ ...second, envelope: { ...second.envelope, name } });
        await put({ ...second, version: name });
        await ask(to);
        world.userIds.push(user.userId);
        return { leaves: [txId, tokenHash, unused.tokenHash, user.userId], secret: token };
      },
    ),

    "requests to show and to erase": path({}, async () => {
      const [shown = "", erased = ""] = world.txIds;
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
      for (const txId of world.txIds) await ask(`/api/vdc/transactions/${txId}`);
      for (const to of ["/api/vdc/pending", "/api/vdc/status", "/api/dead-letters", "/api/metrics"])
        await asOperator(to);
      await pipeline.fireCron("alerts");
      await until(async () => expect(world.alerts.taken).not.toEqual([]));
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
  return paths;
}
