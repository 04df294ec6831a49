import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { POLICIES, type Kind, type Policy } from "../../shared/storage/policies.ts";
import { lineOf, nodes, sources, type Node, type Source } from "./sources.ts";

/** The section "Storage Policies" of the specification. */
const SPECIFICATION = join(import.meta.dirname, "../fixtures/storage-policies.md");

/** The rows of the specification's table, by their kind in the code. */
const KINDS: Readonly<Record<string, Kind>> = {
  "Chain Blocks": "chain_block",
  "Pending Transactions": "pending_transaction",
  Documents: "document",
  "Activation Tokens": "activation_token",
  "User Metadata": "user_metadata",
};

/**
 * Kinds that the specification does not list. A submission that waits for its payment counts as a pending transaction.
 */
const LIKE: Partial<Record<Kind, Kind>> = { signed_intent: "pending_transaction" };

const ENCRYPTIONS: Readonly<Record<string, Policy["encryption"]>> = {
  "None (public)": "none",
  "System Kyber": "system",
  "User Kyber": "user",
};

/** Returns the section, from its heading to the rule that ends it. */
function sectionOf(text: string): string {
  const [, section] = /### Storage Policies\n([\s\S]*?)\n---/.exec(text) ?? [];
  if (section === undefined) throw new Error("there is no section Storage Policies");
  return section.trim();
}

function rowsOf(section: string): Record<string, string>[] {
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  const [head = [], , ...rows] = lines.map((line) => line.split("|").slice(1, -1).map(plain));
  return rows.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i] ?? ""])));
}

function plain(cell: string): string {
  return cell.replaceAll("*", "").trim();
}

/** "✅ Primary" means kept, and "❌ Legacy only" means not kept. */
function isKept(cell: string | undefined): boolean {
  if (cell?.startsWith("✅")) return true;
  if (cell?.startsWith("❌")) return false;
  throw new Error(`neither there nor not: ${cell}`);
}

describe("the storage policies", () => {
  const rows = rowsOf(sectionOf(readFileSync(SPECIFICATION, "utf8")));

  it("are the specification's table, row by row", () => {
    expect(rows.map((row) => row["Data Type"])).toEqual(Object.keys(KINDS));
    for (const row of rows) {
      const kind = KINDS[row["Data Type"] ?? ""] as Kind;
      const { kv, r2, ipfs, encryption } = POLICIES[kind] as Policy;
      expect({ kind, kv: kv !== null, r2: r2 !== null, ipfs, encryption }).toEqual({
        kind,
        kv: isKept(row.KV),
        r2: isKept(row.R2),
        ipfs: isKept(row.IPFS),
        encryption: ENCRYPTIONS[row.Encryption ?? ""],
      });
    }
  });

  it("have no row that is neither the specification's nor like one of its rows", () => {
    const known = [...Object.values(KINDS), ...Object.keys(LIKE)];
    expect(Object.keys(POLICIES).toSorted()).toEqual(known.toSorted());
    for (const [kind, like] of Object.entries(LIKE)) {
      const [own, model] = [POLICIES[kind as Kind], POLICIES[like]] as [Policy, Policy];
      expect([own.kv === null, own.r2 === null, own.ipfs, own.encryption, own.sealedAs]).toEqual([
        model.kv === null,
        model.r2 === null,
        model.ipfs,
        model.encryption,
        model.sealedAs,
      ]);
    }
  });
});

/** Names of `r2Keys` and `kvKeys` whose objects may only be written through a policy. */
const GOVERNED = [
  "r2Keys.block",
  "r2Keys.pending",
  "r2Keys.intent",
  "r2Keys.document",
  "r2Keys.activation",
].concat(["kvKeys.block", "kvKeys.user"]);

const POLICY_KEYS = ["publicKeyIn", "sealedKeyIn"];

/** Functions that write any key, with the position of the key among their arguments. Their callers name the key. */
const WRITERS: Readonly<Record<string, number>> = { createOnly: 1, replaceOnly: 1 };

/** Files with writes whose key this test can't read, and the reason why each is allowed. */
const TOLD_ELSEWHERE: readonly string[] = [
  "shared/storage/r2-tier.ts", // createOnly and replaceOnly themselves
  "shared/storage/sealed-object.ts", // r2KeyOf asks the policy
  "workers/gateway/http/immutable.ts", // the platform's cache, under the URL of a public answer
  "workers/indexer/index-block.ts", // shared/operations/block-index.ts: vdc:tx: and asset:
  "workers/storage-verifier/logs/restore-object.ts", // tiles, entry bundles and checkpoints: expected-objects.ts, verify-checkpoint.ts
  "workers/storage-verifier/verify/verify-block.ts", // the same index
  "workers/storage-verifier/restore/accept-record.ts", // shared/storage/records.ts has the key, and isSealedAs asks what a policy does
];

interface Write {
  readonly place: string;
  readonly key: string | undefined;
}

describe("what a policy governs", () => {
  const writes = sources("{shared,workers}/**/*.ts").flatMap(writesOf);

  it("is written under a key that the policy gave, and no other", () => {
    expect(writes.length).toBeGreaterThan(10);
    expect(writes.filter(({ key }) => key !== undefined && GOVERNED.includes(key))).toEqual([]);
  });

  it("can't be written unseen: each write names its key in its own file, or is listed here", () => {
    const unclear = writes.filter(({ key }) => key === undefined).map(({ place }) => place.split(":")[0]);
    expect([...new Set(unclear)].filter((path) => !TOLD_ELSEWHERE.includes(path ?? ""))).toEqual([]);
  });

  it("is everything that a policy has a key for", () => {
    const keys = Object.values<Policy>(POLICIES).flatMap(({ kv, r2 }) => [kv, r2]);
    expect(keys.filter((key) => key !== null)).toHaveLength(GOVERNED.length);
  });
});

function writesOf(file: Source): Write[] {
  return [...nodes(file.program)].flatMap((node) => {
    const position = keyPosition(node);
    if (position === undefined) return [];
    const key = (node.arguments as Node[])[position];
    return [{ place: `${file.path}:${lineOf(file, node)}`, key: nameOfKey(key, file, 3) }];
  });
}

function keyPosition(node: Node): number | undefined {
  if (node.type !== "CallExpression") return undefined;
  const callee = node.callee as Node;
  if (callee.type === "Identifier") return WRITERS[callee.name as string];
  const method = (callee.property as Node | undefined)?.name;
  return method === "put" || method === "createMultipartUpload" ? 0 : undefined;
}

/**
 * Returns the name with which a key is made (`r2Keys.block`, `sealedKeyIn`…), looked up through constants of the file.
 */
function nameOfKey(node: Node | undefined, file: Source, depth: number): string | undefined {
  if (node === undefined || depth === 0) return undefined;
  if (node.type === "CallExpression") {
    const callee = node.callee as Node;
    if (callee.type === "Identifier" && POLICY_KEYS.includes(callee.name as string))
      return callee.name as string;
    return nameOfKey(callee, file, depth);
  }
  if (node.type === "MemberExpression") {
    const [object, property] = [node.object as Node, node.property as Node];
    const name = `${String(object.name)}.${String(property.name)}`;
    return /^(?:r2|kv)Keys\./.test(name) ? name : undefined;
  }
  if (node.type !== "Identifier") return undefined;
  const declared = [...nodes(file.program)].filter(
    ({ type, id }) => type === "VariableDeclarator" && (id as Node).name === node.name,
  );
  const names = new Set(declared.map(({ init }) => nameOfKey(init as Node, file, depth - 1)));
  return names.size === 1 ? [...names][0] : undefined;
}
