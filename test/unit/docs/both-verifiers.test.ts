// The project's verifier and the verifier written from docs/format.md find the same fault in the same block, also when
// the operator made the block and signed it again.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asJson,
  cidV0,
  hex,
  root,
  txIdOf,
  userTxId,
  type Block,
  type Members,
  type Transaction,
} from "../../support/chain/independent-verifier.ts";
import {
  changed,
  other,
  places,
  sealed,
  signedBy,
  stored,
  submittedBy,
  type ExampleKey,
} from "./independent-signer.ts";
import { at, blocks, example, keys, verdict } from "../../support/chain/worked-example.ts";
import { runs } from "../../support/assertions/fast-check.ts";

/** Verifies the example up to a block with one transaction replaced. The operator signs that block again. */
function withTransaction(block: number, index: number, transaction: Transaction): Promise<string> {
  const original = at(blocks, block);
  const transactions = original.transactions.with(index, transaction);
  const signer = block === 3 ? keys.signing2 : keys.signing1;
  return verdict([...example.slice(0, block), stored(sealed({ ...original, transactions }, signer))]);
}

const SIGNED = [
  { block: 1, index: 0, type: "asset_creation" },
  { block: 3, index: 0, type: "user_registration" },
  { block: 3, index: 1, type: "asset_transfer" },
] as const;

const OF_THE_ID = ["id", "timestamp", "privateCommitment", "data.assetId", "signatures.user.keyId"];

describe.each(SIGNED)(
  "a user's $type, changed by an operator who signs the block anew",
  ({ block, index }) => {
    const original = at(at(blocks, block).transactions, index);
    const user = original.signatures.user;
    if (user === undefined) throw new Error("it is signed");
    const everywhere = [...places(asJson(original))]
      .slice(1)
      .map((path) => ({ path, place: path.join(".") }));

    it.each(everywhere)("is refused when $place is another", async ({ path, place }) => {
      const tampered = changed(asJson(original), path, other) as unknown as Transaction;
      const fault = await withTransaction(block, index, tampered);
      if (/^signatures\.user\.(?:publicKey|signature)$/.test(place))
        expect(fault).toBe("wrong_user_signature");
      else if (OF_THE_ID.includes(place)) expect(fault).toBe("wrong_transaction_id");
      else expect(["wrong_transaction_id", "not_a_block"]).toContain(fault); // the transaction may not even have the right shape
    });

    it.each(everywhere)("is refused without $place", async ({ path }) => {
      const tampered = changed(asJson(original), path, () => undefined) as unknown as Transaction;
      const allowed = original.type === "asset_creation" && path.join(".") === "signatures.user";
      const fault = await withTransaction(block, index, tampered);
      if (!allowed) expect(fault).not.toBe("accepted");
    });

    const contents = everywhere.filter(
      ({ path }) => path[0] === "timestamp" || path[0] === "data" || path[0] === "privateCommitment",
    );
    it.each(contents)(
      "is refused when $place is another, and the id is that of what it says [T32 T37 T48]",
      async ({ path }) => {
        const tampered = changed(asJson(original), path, other) as unknown as Transaction;
        const id = userTxId("vdc-example", user.keyId, tampered);
        expect(["wrong_user_signature", "not_a_block"]).toContain(
          await withTransaction(block, index, { ...tampered, id }),
        );
      },
    );

    it("is refused with the signature of somebody else, under either id", async () => {
      const { secondUser } = keys;
      expect(await withTransaction(block, index, signedBy(secondUser, original))).toBe(
        "wrong_transaction_id",
      );
      const stolen = submittedBy(secondUser, original);
      const swapped = { ...stolen, signatures: original.signatures };
      expect(await withTransaction(block, index, swapped)).toBe("wrong_transaction_id");
      const { id } = original;
      expect(await withTransaction(block, index, { ...stolen, id })).toBe("wrong_transaction_id");
      const { signature } = stolen.signatures.user ?? user;
      const signatures = { user: { ...user, signature } };
      expect(await withTransaction(block, index, { ...original, signatures })).toBe("wrong_user_signature");
    });

    it("is refused when it was signed for another chain [T11 T37]", async () => {
      const foreign = submittedBy(keys.user, original, "vdc-other");
      expect(await withTransaction(block, index, foreign)).toBe("wrong_transaction_id");
      const { id } = original;
      expect(await withTransaction(block, index, { ...foreign, id })).toBe("wrong_user_signature");
    });

    it("is accepted when its user signed it again: the id is the same", async () => {
      const again = submittedBy(keys.user, original);
      expect(again.id).toBe(original.id);
      expect(again.signatures).not.toEqual(original.signatures);
      expect(await withTransaction(block, index, again)).toBe("accepted");
    });
  },
);

describe("a signature that the operator leaves out", () => {
  it("is missed where there must be one [T37]", async () => {
    for (const { block, index, type } of SIGNED.slice(1)) {
      const unsigned = { ...at(at(blocks, block).transactions, index), signatures: {} };
      expect(await withTransaction(block, index, unsigned), type).toBe("wrong_user_signature");
    }
  });

  it("leaves an asset that nobody owns: its user's transfer does not follow", async () => {
    const [creation, payment] = at(blocks, 1).transactions as [Transaction, Transaction];
    const stripped = sealed(
      { ...at(blocks, 1), transactions: [{ ...creation, signatures: {} }, payment] },
      keys.signing1,
    );
    expect(await verdict([at(example, 0), stored(stripped)])).toBe("accepted");
    const transfer = at(at(blocks, 3).transactions, 1);
    const after = following([at(blocks, 0), stripped], [transfer]);
    expect(await verdict([at(example, 0), stored(stripped), stored(after)])).toBe("broken_rule");
  });
});

/** Makes the block after these, with these transactions. */
function following(
  chain: readonly Block[],
  transactions: Transaction[],
  signer: ExampleKey = keys.signing1,
): Block {
  const last = at(chain, chain.length - 1);
  return sealed(
    {
      ...last,
      blockNumber: chain.length,
      previousHash: last.hash,
      previousCid: cidV0(stored(last)),
      historyRoot: hex(root(chain.map(({ hash }) => Buffer.from(hash, "hex")))),
      transactions,
    },
    signer,
  );
}

/** Makes a transaction of the system, under the id of its source. */
function systems(type: string, data: Members, named: Members): Transaction {
  const id = txIdOf({ source: type, chainId: "vdc-example", ...named });
  return { id, type, timestamp: 1_788_221_000_000, data, signatures: {} };
}
const rotation = (key: ExampleKey) => systems("key_rotation", signingKeyOf(key), { keyId: key.keyId });
const revocation = ({ keyId }: ExampleKey, fromBlock: number) =>
  systems("key_revocation", { keyId, fromBlock, reason: "stolen" }, { keyId, fromBlock });
const payment = (n: number): Transaction => ({
  id: `vdc_tx_${String(n).padStart(40, "0")}`,
  type: "payment",
  timestamp: 1_788_221_000_000,
  data: {},
  signatures: {},
});

/** Verifies the example with another block that revokes signing key 1 again. */
const revokedAgain = (fromBlock: number) =>
  verdict([...example, stored(following(blocks, [revocation(keys.signing1, fromBlock)], keys.signing2))]);

describe("what the system says of its keys, changed by an operator who signs the block anew", () => {
  const [first, second] = [keys.signing1, keys.signing2];
  /** Verifies blocks 0 to 3 and a block 4 with these transactions. */
  const atTheEnd = (...transactions: Transaction[]) =>
    verdict([...example.slice(0, 4), stored(following(blocks.slice(0, 4), transactions, second))]);

  const all = [
    { type: "key_rotation", transaction: rotation(keys.user) },
    { type: "key_revocation", transaction: revocation(first, 2) },
  ].flatMap(({ type, transaction }) =>
    [...places(asJson(transaction))]
      .slice(1)
      .map((path) => ({ type, transaction, path, place: path.join(".") })),
  );
  it.each(all)("is refused when the $place of a $type is another", async ({ transaction, path, place }) => {
    const tampered = changed(asJson(transaction), path, other) as unknown as Transaction;
    const fault = await atTheEnd(tampered);
    if (place === "timestamp" || place === "data.reason") expect(fault).toMatch(/^(?:accepted|2)$/);
    else if (place === "id" || place === "data.fromBlock") expect(fault).toBe("wrong_transaction_id");
    else expect(["wrong_transaction_id", "not_a_block"]).toContain(fault);
    expect(
      await atTheEnd(changed(asJson(transaction), path, () => undefined) as unknown as Transaction),
    ).toBe("not_a_block");
  });

  it("is refused in another place of the block, and twice in it", async () => {
    const [rotated, revoked] = [rotation(keys.user), revocation(first, 2)];
    expect(await atTheEnd(rotated, revoked, payment(1))).toBe("2");
    for (const order of [
      [payment(1), rotated],
      [payment(1), revoked],
      [revoked, rotated],
      [rotated, payment(1), revoked],
      [rotated, rotation(keys.secondUser)],
      [revoked, revocation(first, 1)],
    ])
      expect(await atTheEnd(...order)).toBe("wrong_place");
  });

  it("is refused under the id of another chain, or of nothing", async () => {
    const { keyId } = keys.user;
    const foreign = txIdOf({ source: "key_rotation", chainId: "vdc-other", keyId });
    for (const id of [foreign, payment(1).id, txIdOf({ source: "key_rotation", keyId })])
      expect(await atTheEnd({ ...rotation(keys.user), id })).toBe("wrong_transaction_id");
  });

  it("is refused when a key comes back, or is revoked that is not retired, from a block to come, or less than before", async () => {
    for (const broken of [
      rotation(first),
      rotation(second),
      revocation(second, 2),
      revocation(keys.user, 2),
      revocation(first, 5),
    ])
      expect(await atTheEnd(broken)).toBe(
        broken.type === "key_rotation" && broken.data.keyId === second.keyId ? "wrong_place" : "broken_rule",
      );
    expect(await revokedAgain(2)).toBe("wrong_place"); // the same transaction as in block 4
    expect(await revokedAgain(3)).toBe("broken_rule");
    expect(await revokedAgain(1)).toBe("1,2");
    expect(await revokedAgain(0)).toBe("0,1,2");
  });

  it("is refused when a block announces a key and revokes the one that signs it", async () => {
    expect(await atTheEnd(rotation(keys.user), revocation(second, 3))).toBe("broken_rule");
  });

  it("is refused when a retired or revoked key says it [T32 T33]", async () => {
    for (const said of [rotation(keys.user), revocation(second, 0)])
      expect(await verdict([...example, stored(following(blocks, [said], first))])).toBe("retired_key");
  });
});

const SIGNERS = [keys.signing1, keys.signing2, keys.user, keys.secondUser];

/** A block of an operator who may or may not follow the rules: its key transactions, and the key that signs it. */
const step = fc.record({
  rotateTo: rarely(2, fc.nat({ max: 3 })),
  revoke: rarely(2, fc.record({ key: fc.nat({ max: 3 }), back: fc.integer({ min: -1, max: 3 }) })),
  /** Signs with this key instead of the active one. */
  signedBy: rarely(12, fc.nat({ max: 3 })),
});

/** Makes null `weight` times as often as a value. */
function rarely<T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

describe("any chain of rotations and revocations", () => {
  it("is accepted by both verifiers or refused by both for the same fault, with the same blocks not to be trusted [T32 T33]", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (plan) => {
        const chain = [at(blocks, 0)];
        let present = 0;
        for (const { rotateTo, revoke, signedBy: signer } of plan) {
          const n = chain.length;
          const said = [
            ...(rotateTo === null ? [] : [rotation(at(SIGNERS, rotateTo))]),
            ...(revoke === null ? [] : [revocation(at(SIGNERS, revoke.key), Math.max(0, n - revoke.back))]),
            payment(n),
          ];
          chain.push(following(chain, said, at(SIGNERS, signer ?? present)));
          present = rotateTo ?? present;
        }
        const said = await verdict(chain.map(stored));
        seen.add(/^[\d,]+$/.test(said) ? "untrusted" : said);
      }),
      { numRuns: runs(60), seed: 13 },
    );
    expect([...seen]).toEqual(
      expect.arrayContaining(["accepted", "untrusted", "broken_rule", "retired_key", "unknown_key"]),
    );
  });
});

const USERS = [keys.user, keys.secondUser, keys.signing1];
const ASSETS = ["a", "b"];
const signingKeyOf = ({ keyId, publicKey }: ExampleKey): Members => ({
  keyId,
  algorithm: "ML-DSA-44",
  publicKey,
});

/** An action of a user, right or wrong, as the n-th transaction of a chain. */
const deed = fc.record({
  kind: fc.constantFrom("create", "create unsigned", "transfer", "register"),
  by: fc.nat({ max: 2 }),
  to: fc.nat({ max: 2 }),
  asset: fc.constantFrom(...ASSETS),
  forged: fc.oneof(
    { weight: 30, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
});
type Deed = typeof deed extends fc.Arbitrary<infer Each> ? Each : never;

function transactionOf({ kind, by, to, asset, forged }: Deed, n: number): Transaction {
  const [signer, receiver] = [at(USERS, by), at(USERS, to)];
  const { keyId, publicKey } = keys.userEncryption;
  const [type, data]: [string, Members] =
    kind === "transfer"
      ? ["asset_transfer", { assetId: asset, newOwnerKeyId: receiver.keyId }]
      : kind === "register"
        ? [
            "user_registration",
            {
              signingKey: signingKeyOf(receiver),
              encryptionKey: { keyId, algorithm: "ML-KEM-768", publicKey },
            },
          ]
        : ["asset_creation", { assetId: asset }];
  const id = `vdc_tx_${String(n).padStart(40, "0")}`;
  const unsigned: Transaction = { id, type, timestamp: 1_788_220_860_000 + n, data, signatures: {} };
  if (kind === "create unsigned") return unsigned;
  const signed = submittedBy(signer, unsigned);
  return forged
    ? { ...signed, signatures: submittedBy(receiver, { ...unsigned, timestamp: 0 }).signatures }
    : signed;
}

/** Applies the rules of ownership, written a third time and more briefly. @returns whether the actions keep them */
function keepsRules(deeds: readonly Deed[]): boolean {
  const owners = new Map<string, number | undefined>();
  const users = new Set<number>();
  return deeds.every(({ kind, by, to, asset }) => {
    if (kind === "register") return by === to && users.size < users.add(by).size;
    if (kind !== "transfer") {
      const isNew = !owners.has(asset);
      owners.set(asset, kind === "create" ? by : undefined);
      return isNew;
    }
    const isOwner = owners.get(asset) === by;
    owners.set(asset, to);
    return isOwner;
  });
}

describe("any chain of creations, transfers and registrations", () => {
  it("is accepted by both verifiers when it keeps the rules, and refused by both for the same fault [T12 T52]", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(deed, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
        async (plan) => {
          const chain = [at(blocks, 0)];
          let n = 0;
          for (const deeds of plan)
            chain.push(
              following(
                chain,
                deeds.map((each) => transactionOf(each, n++)),
              ),
            );
          const said = await verdict(chain.map(stored));
          seen.add(said);
          const all = plan.flat();
          const isForged = all.some(({ forged, kind }) => forged && kind !== "create unsigned");
          if (!isForged) expect(said).toBe(keepsRules(all) ? "accepted" : "broken_rule");
          else expect(said).not.toBe("accepted");
        },
      ),
      { numRuns: runs(40), seed: 4 },
    );
    expect([...seen]).toEqual(expect.arrayContaining(["accepted", "broken_rule"]));
  });
});
