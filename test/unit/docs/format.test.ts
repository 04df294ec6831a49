import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import * as v from "valibot";
import { beforeAll, describe, expect, it } from "vitest";
import { AUDIT_FAULTS, AuditEntry, auditHash } from "../../../shared/chain/audit-chain.ts";
import {
  BLOCK_FAULTS,
  blockBytes,
  buildBlock,
  Header,
  NO_PREVIOUS_HASH,
  type Block,
  type BlockSigner,
} from "../../../shared/chain/block.ts";
import { signedDocumentBytes } from "../../../shared/chain/document.ts";
import { append, historyInclusionProof, historyRoot, type NodeStore } from "../../../shared/chain/history.ts";
import { inclusionProof, leafHash } from "../../../shared/chain/merkle.ts";
import { LEDGER_FAULTS } from "../../../shared/chain/ledger.ts";
import type { Reservation } from "../../../shared/chain/reservation.ts";
import {
  payloadOfSubmission,
  unsignedTransaction,
  type UnsignedSubmission,
} from "../../../shared/chain/submission.ts";
import {
  privateCommitment,
  signedTransactionBytes,
  type KeyRevocation,
  Transaction,
  transactionBytes,
  txIdOf,
  type PendingPayload,
  type UserSignature,
} from "../../../shared/chain/transaction.ts";
import { ChainVerifier } from "../../../shared/chain/verify-chain.ts";
import { base64url, concat, fromHex, fromUtf8, hex, utf8 } from "../../../shared/crypto/bytes.ts";
import { canonicalBytes, canonicalText, type Json } from "../../../shared/crypto/canonical.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import * as contexts from "../../../shared/crypto/contexts.ts";
import { Envelope, importEncryptionSeed } from "../../../shared/crypto/envelope.ts";
import { sha256, sha256Hex } from "../../../shared/crypto/hash.ts";
import { loadKeyring, type Keyring } from "../../../shared/crypto/keyring.ts";
import { keyId } from "../../../shared/crypto/key-id.ts";
import { PERMANENT_REASONS } from "../../../shared/runtime/errors.ts";
import { logger } from "../../../shared/runtime/log.ts";
import { deadLetterQueueName, queueName, STAGES } from "../../../shared/pipeline.ts";
import { blockRecord, kvTier, type BlockRecord } from "../../../shared/storage/kv-tier.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { PaymentFacts, Purchase, Refund } from "../../../shared/stripe/decision.ts";
import type { StripeEvent } from "../../../shared/stripe/event.ts";
import { toTransaction } from "../../../shared/stripe/to-transaction.ts";
import type { Env } from "../../../workers/dead-letters/env.ts";
import { park } from "../../../workers/dead-letters/entries/park.ts";
import { systemPart } from "../../../workers/miner/system-part.ts";
import { TestAuditLog } from "../../support/chain/audit-log.ts";
import { listIn } from "../../support/assertions/lists.ts";
import { fixture } from "../../support/chain/vectors.ts";

const DOCUMENT = readFileSync(join(import.meta.dirname, "../../../docs/format.md"), "utf8");

interface SignedEnvelope {
  envelope: Envelope;
  signature: UserSignature;
}
interface UserMetadataRecord extends SignedEnvelope {
  userId: string;
  version: number;
}
interface KeyFixture {
  algorithm: string;
  seed: string;
  publicKey: string;
  keyId: string;
}
type KeyName = "signing1" | "signing2" | "user" | "secondUser" | "encryption" | "userEncryption";
type Keys = Record<KeyName, KeyFixture>;
const keys = fixture("worked-example/keys.json") as Keys;
const chain = fixture("worked-example/chain.json") as { blocks: { cid: string; bytes: string }[] };
const pending = fixture("worked-example/pending.json") as { envelope: Envelope; payload: string };
const accounts = fixture("worked-example/accounts.json") as {
  document: { plaintext: string; record: string };
  metadata: { plaintext: string; record: UserMetadataRecord };
  activation: { token: string };
};
const { record: publishedRecord } = fixture("worked-example/kv-record.json") as { record: BlockRecord };

const CHAIN_ID = "vdc-example";
const START = 1_788_220_800; // 2026-09-01T00:00:00Z in seconds
const GATEWAY = { gatewayUrl: "https://gateway.example", now: () => (START + 90) * 1000 + 500 };

/** Derives the seeds and salts of the example from their names, as the document says, so that none is chosen freely. */
function derived(name: string): Uint8Array<ArrayBuffer> {
  return sha256(utf8(`vdc worked example: ${name}`));
}

interface ExampleSigner extends BlockSigner {
  readonly fixture: KeyFixture;
}

/** Signs deterministically (FIPS 204 §3.4), for published examples only. */
function signerOf(name: string): ExampleSigner {
  const { publicKey, secretKey } = ml_dsa44.keygen(derived(name));
  const id = keyId("ML-DSA-44", publicKey);
  return {
    keyId: id,
    sign: async (message, context) =>
      ml_dsa44.sign(message, secretKey, { context: utf8(context), extraEntropy: false }),
    fixture: {
      algorithm: "ML-DSA-44",
      seed: hex(derived(name)),
      publicKey: base64url(publicKey),
      keyId: id,
    },
  };
}

const first = signerOf("signing key 1");
const second = signerOf("signing key 2");
const user = signerOf("user signing key");
const secondUser = signerOf("second user signing key");
const encryptionSeed = seedOf("encryption key");
const userEncryptionSeed = seedOf("user encryption key");

function seedOf(name: string): Uint8Array<ArrayBuffer> {
  return concat(derived(`${name}, first half`), derived(`${name}, second half`));
}

/** Makes the keyring before or after the rotation. */
async function keyringOf(active: ExampleSigner, ...retired: ExampleSigner[]): Promise<Keyring> {
  const entry = (signer: ExampleSigner, status: string) => ({
    keyId: signer.keyId,
    seed: base64url(fromHex(signer.fixture.seed)),
    status,
  });
  return loadKeyring(
    JSON.stringify({
      signing: [entry(active, "active"), ...retired.map((signer) => entry(signer, "retired"))],
      encryption: [{ keyId: keys.encryption.keyId, seed: base64url(encryptionSeed), status: "active" }],
    }),
  );
}

function facts(n: number, members: Partial<PaymentFacts> = {}): PaymentFacts {
  return {
    objectId: `cs_test_example_${n}`,
    paymentIntent: `pi_example_${n}`,
    amount: 1999,
    currency: "eur",
    paymentStatus: "paid",
    customerEmail: "zoe@example.com",
    customerName: "Zoë Müller",
    metadata: {},
    ...members,
  };
}

/** Makes the payload of the example's n-th event, `seconds` after the start, as ingest-webhook would. */
function fromStripe(n: number, seconds: number, decision: Purchase | Refund, salt: string) {
  const event: StripeEvent = {
    id: `evt_example_${n}`,
    object: "event",
    type: decision.kind === "refund" ? "charge.refunded" : "checkout.session.completed",
    created: START + seconds,
    livemode: false,
    api_version: "2026-07-29.dahlia",
    data: { object: {} },
  };
  return toTransaction(event, decision, { salt: derived(salt) }).payload;
}

async function signatureOf(
  signer: ExampleSigner,
  message: Uint8Array,
  context: string,
): Promise<UserSignature> {
  const { keyId, fixture } = signer;
  const signature = base64url(await signer.sign(message, context));
  return { algorithm: "ML-DSA-44", keyId, publicKey: fixture.publicKey, signature };
}

/** Makes the payload that accounts makes of this user's submission. */
async function submitted(signer: ExampleSigner, unsigned: UnsignedSubmission): Promise<PendingPayload> {
  const message = signedTransactionBytes(unsignedTransaction(CHAIN_ID, signer.keyId, unsigned));
  const signatures = { user: await signatureOf(signer, message, contexts.TRANSACTION) };
  return payloadOfSubmission(CHAIN_ID, { ...unsigned, signatures });
}

/** Returns the time this many seconds after the start of the example. */
const at = (seconds: number) => (START + seconds) * 1000;

class Example {
  readonly blocks: Block[] = [];
  readonly #nodes = new Map<string, Uint8Array>();
  readonly history: NodeStore = {
    get: (level, index) => {
      const node = this.#nodes.get(`${level}/${index}`);
      if (node === undefined) throw new Error(`history node ${level}/${index} is not there`);
      return node;
    },
    set: (level, index, hash) => void this.#nodes.set(`${level}/${index}`, hash),
  };
  readonly #announced: string[] = [];

  /** Builds a block as the miner does: the system's own transactions first, then the pending ones. */
  async mine(
    seconds: number,
    keyring: Keyring,
    waiting: readonly Transaction[],
    revocation: KeyRevocation | null = null,
  ): Promise<void> {
    const blockNumber = this.blocks.length;
    const previous = this.blocks.at(-1);
    const reservation: Reservation = {
      chainId: CHAIN_ID,
      blockNumber,
      life: "",
      revision: 0,
      timestamp: at(seconds),
      previousHash: previous?.hash ?? NO_PREVIOUS_HASH,
      previousCid: previous === undefined ? null : await cidV0(blockBytes(previous)),
      historyRoot: hex(historyRoot(this.history, blockNumber)),
      transactions: waiting.map(({ id }) => id),
      moved: [],
      announcedKeyIds: this.#announced,
      revocation,
    };
    const system = systemPart(reservation, keyring);
    const signer = [first, second].find((known) => known.keyId === system.signer.keyId);
    if (signer === undefined) throw new Error("the example has no such signer");
    const block = await buildBlock(reservation, [...system.transactions, ...waiting], signer);
    append(this.history, blockNumber, fromHex(block.hash));
    this.#announced.push(...system.announces.map(({ keyId }) => keyId));
    this.blocks.push(block);
  }
}

const creation = await submitted(user, {
  type: "asset_creation",
  timestamp: at(60),
  data: {
    assetId: "asset-1",
    documentHash: sha256Hex(utf8(accounts.document.plaintext)),
    documentCid: await cidV0(utf8(accounts.document.record)),
    documentType: "deed",
  },
  private: { salt: base64url(derived("salt 1")), part: { owner: "Zoë Müller", parcel: "17/4" } },
});
const payment = fromStripe(
  1,
  65,
  {
    kind: "purchase",
    source: "pi_example_1",
    facts: facts(1, { clientReferenceId: creation.transaction.id }),
  },
  "salt 2",
);
const refund = fromStripe(
  2,
  120,
  {
    kind: "refund",
    source: "re_example_1",
    purchase: "pi_example_1",
    refundId: "re_example_1",
    charge: undefined,
    amountRefunded: 1999,
    facts: facts(1, { objectId: "ch_example_1", paymentStatus: "refunded" }),
  },
  "salt 3",
);
const userEncryption = await importEncryptionSeed(userEncryptionSeed);
const registration = await submitted(user, {
  type: "user_registration",
  timestamp: at(200),
  data: {
    signingKey: { keyId: user.keyId, algorithm: "ML-DSA-44", publicKey: user.fixture.publicKey },
    encryptionKey: {
      keyId: userEncryption.kid,
      algorithm: "ML-KEM-768",
      publicKey: base64url(userEncryption.publicKey),
    },
  },
});
const transfer = await submitted(user, {
  type: "asset_transfer",
  timestamp: at(210),
  data: { assetId: "asset-1", newOwnerKeyId: secondUser.keyId },
});

/** The operator's revocation of the first signing key, after its retirement. */
const REVOCATION = { keyId: first.keyId, fromBlock: 2, reason: "stolen from the safe" };

const example = new Example();

beforeAll(async () => {
  const [before, after] = [await keyringOf(first), await keyringOf(second, first)];
  await example.mine(0, before, []);
  await example.mine(90, before, [creation.transaction, payment.transaction]);
  await example.mine(180, after, [refund.transaction]);
  await example.mine(240, after, [registration.transaction, transfer.transaction]);
  await example.mine(300, after, [], REVOCATION);
});

describe("the published fixtures of the worked example", () => {
  it("are the keys that the seeds give", async () => {
    const keyring = await keyringOf(first);
    const { kid, publicKey } = keyring.encryption.active;
    expect(keys.encryption).toEqual({
      algorithm: "ML-KEM-768",
      seed: hex(encryptionSeed),
      publicKey: base64url(publicKey),
      keyId: kid,
    });
    expect([keys.signing1, keys.signing2, keys.user, keys.secondUser]).toEqual(
      [first, second, user, secondUser].map(({ fixture }) => fixture),
    );
    expect(keys.userEncryption).toEqual({
      algorithm: "ML-KEM-768",
      seed: hex(userEncryptionSeed),
      publicKey: base64url(userEncryption.publicKey),
      keyId: userEncryption.kid,
    });
  });

  it("are the bytes that the miner's code makes of the example", async () => {
    expect(chain.blocks.map(({ bytes }) => bytes)).toEqual(
      example.blocks.map((block) => fromUtf8(blockBytes(block))),
    );
    expect(chain.blocks.map(({ cid }) => cid)).toEqual(
      await Promise.all(example.blocks.map((block) => cidV0(blockBytes(block)))),
    );
  });

  it("are a chain that the project verifies", async () => {
    const verifier = new ChainVerifier();
    for (const { bytes } of chain.blocks) await verifier.add(utf8(bytes));
    expect(verifier.next).toBe(5);
  });

  it("are a KV record that gives the block's bytes back", async () => {
    const block = published(1);
    const bytes = blockBytes(block);
    expect(publishedRecord).toEqual(blockRecord({ block, bytes, cid: await cidV0(bytes) }, GATEWAY));
    const cid = await cidV0(bytes);
    const answer = { value: JSON.stringify(publishedRecord), metadata: { hash: block.hash, ipfsHash: cid } };
    const stored = { getWithMetadata: async () => answer } as unknown as KVNamespace;
    expect(await kvTier(stored, GATEWAY).read({ blockNumber: 1, cid, hash: block.hash })).toEqual({
      state: "present",
      bytes,
    });
  });

  it("are an envelope that opens to the pending transaction", async () => {
    const keyring = await keyringOf(first);
    const opened = fromUtf8(await keyring.encryption.open(v.parse(Envelope, pending.envelope)));
    expect(opened).toBe(pending.payload);
    expect(opened).toBe(canonicalText(creation as unknown as Json));
  });

  it("are a document and metadata that their user signed, and can open", async () => {
    const { document, metadata } = accounts;
    const record = JSON.parse(document.record) as SignedEnvelope;
    expect(document.record).toBe(canonicalText(record as unknown as Json));
    expect(record.envelope).toMatchObject({ txId: `vdc_document:${user.keyId}`, kid: userEncryption.kid });
    expect(fromUtf8(await userEncryption.open(v.parse(Envelope, record.envelope)))).toBe(document.plaintext);
    expect(record.signature).toEqual(
      await signatureOf(user, signedDocumentBytes(CHAIN_ID, documentId(record)), contexts.DOCUMENT),
    );

    const { envelope, signature, userId } = metadata.record;
    expect(envelope).toMatchObject({ txId: `vdc_user:${userId}`, kid: userEncryption.kid });
    expect(fromUtf8(await userEncryption.open(v.parse(Envelope, envelope)))).toBe(metadata.plaintext);
    expect(userId).toBe(user.keyId);
    expect(signature).toEqual(
      await signatureOf(user, metadataBytes(metadata.record), contexts.USER_METADATA),
    );
  });
});

describe("docs/format.md", () => {
  it("states every value of the worked example as the code computes it, and no other [T78 T79]", async () => {
    expect(documentedExample()).toEqual(await computedExample());
  });

  it("names every storage key of the layout", () => {
    const kv = [
      kvKeys.latest,
      kvKeys.indexed,
      kvKeys.pendingCount,
      kvKeys.documentEntry("{sha256}", 0, 0).replace(/:0+:0+$/, ":{n}:{index}"),
      ...[kvKeys.block, kvKeys.transaction, kvKeys.asset, kvKeys.user].map((key, i) =>
        (key as (part: string) => string)(["{n}", "{txId}", "{assetId}", "{userId}"][i] ?? ""),
      ),
    ];
    const n = "{n}" as unknown as number;
    const r2 = [
      r2Keys.pending("{txId}"),
      r2Keys.setAside("{txId}"),
      r2Keys.block(n),
      r2Keys.sealed(n, "{sha256}"),
      r2Keys.private(n),
      r2Keys.evidence(n, "{tier}", "{sha256}"),
      r2Keys.erased("{txId}"),
      r2Keys.intent("{txId}"),
      r2Keys.document("{id}"),
      r2Keys.documentEvidence("{id}", "{sha256}"),
      r2Keys.activation("{tokenHash}"),
      r2Keys.logCheckpoint(r2Keys.logPrefix, n),
      r2Keys.logEvidence("log/{path}", "{sha256}"),
      r2Keys.timestamp("{authority}", n),
      r2Keys.deadLetter("{stage}", "{id}"),
    ];
    expect(listIn(sectionOf("KV")).map(([key]) => key)).toEqual(expect.arrayContaining(kv));
    expect(listIn(sectionOf("KV"))).toHaveLength(kv.length);
    expect(listIn(sectionOf("R2")).map(([key]) => key)).toEqual(expect.arrayContaining(r2));
    expect(listIn(sectionOf("R2"))).toHaveLength(r2.length);
    expect(Object.keys(kvKeys).filter((name) => !name.endsWith("Prefix"))).toHaveLength(kv.length);
    expect(Object.keys(r2Keys).filter((name) => !name.endsWith("Prefix"))).toHaveLength(r2.length);
  });

  it("names every transaction type", () => {
    const types = Transaction.options.map((option) => option.entries.type.literal);
    expect(tableUnder("Types").map(([type]) => type)).toEqual(types);
  });

  it("names every member of the header, in the order in which it lists them", () => {
    expect(tableUnder("Header").map(([name]) => name)).toEqual(Object.keys(Header.entries));
  });

  it("names every rule across transactions", () => {
    expect(tableUnder("Rules").map(([rule]) => rule)).toEqual([...LEDGER_FAULTS]);
  });

  it("names every fault that a verifier reports", () => {
    expect(tableUnder("Faults").map(([fault]) => fault)).toEqual([...BLOCK_FAULTS]);
  });

  it("names every member of an audit entry, and every fault of an audit log", () => {
    for (const { entries } of AuditEntry.options)
      expect(tableUnder("Audit log").map(([name]) => name)).toEqual(Object.keys(entries));
    expect(tableUnder("To verify an audit log").map(([fault]) => fault)).toEqual([...AUDIT_FAULTS]);
  });

  it("names every ML-DSA context", () => {
    expect(tableUnder("Contexts").map(([context]) => context)).toEqual(Object.values(contexts));
  });

  it("names every queue and every stage", () => {
    const queues = STAGES.map(queueName);
    const named = listIn(sectionOf("Queue messages")).map(([name = ""]) => name);
    expect(named.filter((name) => name.startsWith("vdc-"))).toEqual(queues);
    for (const stage of STAGES) expect(DOCUMENT).toContain(`\`${deadLetterQueueName(stage)}\``);
  });
});

function documentId({ envelope }: SignedEnvelope): string {
  return sha256Hex(canonicalBytes(envelope));
}

/** Returns the bytes that a user signs for their metadata. */
function metadataBytes({ userId, version, envelope }: UserMetadataRecord): Uint8Array<ArrayBuffer> {
  return canonicalBytes({ chainId: CHAIN_ID, envelope, userId, version });
}

function published(number: number): Block {
  const block = example.blocks[number];
  if (block === undefined) throw new Error(`the example has no block ${number}`);
  return block;
}

/** Computes everything that the document's worked example states. */
async function computedExample(): Promise<Record<string, string>> {
  const encryptionKey = keys.encryption;
  const sources = {
    genesis: { source: "genesis", chainId: CHAIN_ID },
    rotation: { source: "key_rotation", chainId: CHAIN_ID, keyId: second.keyId },
    revocation: { source: "key_revocation", chainId: CHAIN_ID, keyId: first.keyId, fromBlock: 2 },
    creation: {
      source: "user",
      chainId: CHAIN_ID,
      keyId: user.keyId,
      type: "asset_creation",
      timestamp: at(60),
      data: creation.transaction.data,
      privateCommitment: creation.transaction.privateCommitment,
    } as unknown as Json,
    payment: { source: "stripe", livemode: false, account: null, object: "pi_example_1" },
    refund: { source: "stripe", livemode: false, account: null, object: "re_example_1" },
  };
  const block1 = published(1);
  const [created, paid] = block1.transactions;
  if (created === undefined || paid === undefined) throw new Error("block 1 has two transactions");
  const hidden = creation.private;
  if (hidden === undefined) throw new Error("the creation has a private part");
  const document = JSON.parse(accounts.document.record) as SignedEnvelope;
  const metadata = accounts.metadata.record;
  const { enc: _, ct: __, ...aad } = pending.envelope;
  const put = await putRecord(block1);
  const deadLetter = { txId: created.id };
  const audited = firstAuditEntry();

  const values: Record<string, string> = {
    "chain id": CHAIN_ID,
    "signing key 1, seed": first.fixture.seed,
    "signing key 1, SHA-256 of the public key": sha256Hex(publicKeyOf(keys.signing1)),
    "signing key 1, key id": first.keyId,
    "signing key 2, seed": second.fixture.seed,
    "signing key 2, key id": second.keyId,
    "user signing key, seed": user.fixture.seed,
    "user signing key, key id": user.keyId,
    "user encryption key, seed": hex(userEncryptionSeed),
    "user encryption key, key id": userEncryption.kid,
    "second user signing key, key id": secondUser.keyId,
    "encryption key, seed": hex(encryptionSeed),
    "encryption key, SHA-256 of the public key": sha256Hex(publicKeyOf(encryptionKey)),
    "encryption key, key id": keyId("ML-KEM-768", publicKeyOf(encryptionKey)),

    "genesis, source": canonicalText(sources.genesis),
    "genesis, id": txIdOf(sources.genesis),
    "block 2, key_rotation, source": canonicalText(sources.rotation),
    "block 2, key_rotation, id": txIdOf(sources.rotation),
    "block 4, key_revocation, source": canonicalText(sources.revocation),
    "block 4, key_revocation, id": txIdOf(sources.revocation),
    "block 4, key_revocation, bytes": fromUtf8(transactionBytes(published(4).transactions[0] as Transaction)),
    "block 2, refund, source": canonicalText(sources.refund),
    "block 2, refund, id": txIdOf(sources.refund),

    "transaction 0, source": canonicalText(sources.creation),
    "transaction 0, id": txIdOf(sources.creation),
    "transaction 0, salt": hidden.salt,
    "transaction 0, private part": canonicalText(hidden.part),
    "transaction 0, private part, SHA-256": sha256Hex(canonicalBytes(hidden.part)),
    "transaction 0, privateCommitment": privateCommitment(derived("salt 1"), hidden.part),
    "transaction 0, signed bytes": fromUtf8(signedTransactionBytes(created)),
    "transaction 0, user signature, SHA-256": sha256Hex(
      bytesOfBase64url(created.signatures.user?.signature ?? ""),
    ),
    "transaction 0, length": String(transactionBytes(created).length),
    "transaction 0, SHA-256": sha256Hex(transactionBytes(created)),
    "transaction 0, leaf hash": hex(leafHash(transactionBytes(created))),
    "transaction 1, source": canonicalText(sources.payment),
    "transaction 1, id": txIdOf(sources.payment),
    "transaction 1, bytes": fromUtf8(transactionBytes(paid)),
    "transaction 1, leaf hash": hex(leafHash(transactionBytes(paid))),
    "transaction 0, audit path": inclusionProof(
      block1.transactions.map((transaction) => leafHash(transactionBytes(transaction))),
      0,
    )
      .map(hex)
      .join(" "),

    "user_registration, id": registration.transaction.id,
    "asset_transfer, signed bytes": fromUtf8(signedTransactionBytes(transfer.transaction)),
    "asset_transfer, id": transfer.transaction.id,

    "document, id": documentId(document),
    "document, signed bytes": fromUtf8(signedDocumentBytes(CHAIN_ID, documentId(document))),
    "document, signature, SHA-256": sha256Hex(bytesOfBase64url(document.signature.signature)),
    "document, record length": String(utf8(accounts.document.record).length),
    "document, CID": await cidV0(utf8(accounts.document.record)),
    "user metadata, signed bytes, SHA-256": sha256Hex(metadataBytes(metadata)),
    "user metadata, signature, SHA-256": sha256Hex(bytesOfBase64url(metadata.signature.signature)),
    "activation token": accounts.activation.token,
    "activation token, hash": sha256Hex(utf8(accounts.activation.token)),

    "KV metadata": JSON.stringify(put.metadata),
    "envelope, AAD": canonicalText(aad),
    "envelope, plaintext length": String(utf8(pending.payload).length),
    "envelope, plaintext SHA-256": sha256Hex(utf8(pending.payload)),
    "dead letter, named": canonicalText({ stage: "miner", message: deadLetter }),
    "dead letter, id": await parkedId(deadLetter),
    "audit entry 1, hashed": audited.hashed,
    "audit entry 1, hash": audited.hash,
    "block 0 in the history of block 3, audit path": historyInclusionProof(example.history, 3, 0)
      .map(hex)
      .join(" "),

    "CID of no bytes": await cidOfZeros(0),
    "CID of 262,144 zero bytes": await cidOfZeros(262_144),
    "CID of 262,145 zero bytes": await cidOfZeros(262_145),
    "CID of 45,613,057 zero bytes": await cidOfZeros(45_613_057),
  };
  for (const block of [published(0), block1]) {
    const name = `block ${block.blockNumber}`;
    const { hash: _, transactions: __, blockSignature: ___, ...header } = block;
    values[`${name}, header`] = canonicalText(header);
    values[`${name}, merkleRoot`] = block.merkleRoot;
  }
  const [genesis] = published(0).transactions;
  if (genesis === undefined) throw new Error("block 0 has a transaction");
  values["genesis, length"] = String(transactionBytes(genesis).length);
  values["genesis, SHA-256"] = sha256Hex(transactionBytes(genesis));
  values["genesis, leaf hash"] = hex(leafHash(transactionBytes(genesis)));
  for (const block of example.blocks) {
    const name = `block ${block.blockNumber}`;
    const bytes = blockBytes(block);
    values[`${name}, historyRoot`] = block.historyRoot;
    values[`${name}, hash`] = block.hash;
    values[`${name}, blockSignature.keyId`] = block.blockSignature.keyId;
    values[`${name}, signature, SHA-256`] = sha256Hex(bytesOfBase64url(block.blockSignature.signature));
    values[`${name}, length`] = String(bytes.length);
    values[`${name}, SHA-256`] = sha256Hex(bytes);
    values[`${name}, CID`] = await cidV0(bytes);
  }
  return values;
}

function cidOfZeros(size: number): Promise<string> {
  return cidV0(new Uint8Array(size));
}

function publicKeyOf({ publicKey }: KeyFixture): Uint8Array {
  return bytesOfBase64url(publicKey);
}

function bytesOfBase64url(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "base64url"));
}

/** Returns the metadata that the KV tier writes with a block. */
async function putRecord(block: Block): Promise<{ metadata: unknown }> {
  const puts: { metadata: unknown }[] = [];
  const kv = {
    put: async (_: string, __: string, options: { metadata: unknown }) => void puts.push(options),
  } as unknown as KVNamespace;
  const bytes = blockBytes(block);
  await kvTier(kv, GATEWAY).store({ block, bytes, cid: await cidV0(bytes) });
  const [put] = puts;
  if (put === undefined) throw new Error("nothing was put");
  return put;
}

/** Returns the id of a set-aside transaction's dead letter. */
async function parkedId(pointer: { txId: string }): Promise<string> {
  const keys: string[] = [];
  const R2 = { put: async (key: string) => keys.push(key) } as unknown as R2Bucket;
  const [reason] = PERMANENT_REASONS;
  const body = {
    v: 1,
    kind: "set_aside",
    ...pointer,
    blockNumber: 1,
    reason,
    error: "an example",
    failedAt: 0,
  };
  const message = { id: "m", timestamp: new Date(0), attempts: 1, body } as Message;
  const DEAD_LETTERS = { getByName: () => ({ note: async () => {} }) };
  await park(message, deadLetterQueueName("miner"), { R2, DEAD_LETTERS } as unknown as Env, logger("test"));
  const [id = ""] = keys.map((key) => key.replace("dead-letters/miner/", "").replace(".json", ""));
  return id;
}

/** Returns the audit log's first entry for the example's action. */
function firstAuditEntry(): { hashed: string; hash: string } {
  const log = new TestAuditLog();
  log.now = at(300);
  log.started({
    operator: { name: "ann", by: "secret" },
    action: "POST /api/vdc/resume",
    target: "/api/vdc/resume",
    reason: "a test copy of block 7 was put away",
    requestId: "5f0c7a4e-6f0a-4a57-9a3e-0d8f3c7f4a11",
  });
  const [entry] = log.entries();
  if (entry === undefined) throw new Error("the log has no entry");
  const { hash, ...hashed } = entry;
  expect(auditHash(entry)).toBe(hash);
  return { hashed: canonicalText(hashed), hash };
}

/** Reads the example's tables (`| name | value |`) and code blocks (with `text` and a name as info string). */
function documentedExample(): Record<string, string> {
  const section = sectionOf("Worked example");
  const values: [string, string][] = [];
  for (const [, name = "", value = ""] of section.matchAll(/^\| ([^|`]+?) +\| `([^`|]+)` +\|$/gm))
    values.push([name, value]);
  for (const [, name = "", value = ""] of section.matchAll(/^```text (.+)\n(.*)\n```$/gm))
    values.push([name, value]);
  const named = Object.fromEntries(values);
  if (Object.keys(named).length !== values.length) throw new Error("a name stands twice in the example");
  return named;
}

/** Returns the text from the heading with this title to the next heading of its level or above. */
function sectionOf(title: string): string {
  const found = new RegExp(`^(#+) (?:[\\d.]+ )?${title}$`, "m").exec(DOCUMENT);
  if (found === null) throw new Error(`docs/format.md has no section "${title}"`);
  const rest = DOCUMENT.slice(found.index + found[0].length);
  const end = rest.search(new RegExp(`^#{1,${found[1]?.length ?? 1}} `, "m"));
  return end === -1 ? rest : rest.slice(0, end);
}

/** Returns the rows of the first table under a heading, the first cell without its backquotes. */
function tableUnder(title: string): string[][] {
  const lines = sectionOf(title).split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    const cells = line.split("|").slice(1, -1);
    rows.push(cells.map((cell) => cell.trim().replace(/^`([^`]*)`$/, "$1")));
  }
  if (rows.length === 0) throw new Error(`no table under "${title}"`);
  return rows;
}
