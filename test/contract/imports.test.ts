import { describe, expect, it } from "vitest";
import { importsOf, lineOf, nodes, packageOf, source, sources, type Node, type Source } from "./sources.ts";

interface Layer {
  /** A folder or a single file. */
  readonly folder: string;
  /** Folders, files and packages that its files may import, in addition to each other. */
  readonly may: readonly string[];
  /** Folders and files from which its files may import types only. */
  readonly types?: readonly string[];
}

/** The rooms of shared/, the lowest first: a room imports only rooms above it in this list. docs/design.md shows them. */
const SHARED: readonly Layer[] = [
  { folder: "shared/pipeline.ts", may: [] },
  { folder: "shared/runtime", may: [] },
  { folder: "shared/durable-object", may: [], types: ["shared/pipeline.ts"] },
  { folder: "shared/schema", may: ["shared/runtime", "valibot"] },
  {
    folder: "shared/crypto",
    may: [
      "shared/runtime",
      "@noble/hashes",
      "@noble/post-quantum",
      "@panva/hpke-noble",
      "canonicalize",
      "hpke",
      "ipfs-unixfs-importer",
      "valibot",
    ],
  },
  { folder: "shared/chain", may: ["shared/crypto", "shared/schema", "valibot"] },
  { folder: "shared/http", may: ["shared/crypto", "shared/runtime"], types: ["shared/pipeline.ts"] },
  { folder: "shared/stripe", may: ["shared/chain", "shared/crypto", "valibot"] },
  {
    folder: "shared/storage",
    may: ["shared/chain", "shared/crypto", "shared/runtime", "shared/schema", "pinata", "valibot"],
  },
  {
    folder: "shared/api",
    may: [
      "shared/chain",
      "shared/crypto",
      "shared/http",
      "shared/runtime",
      "shared/schema",
      "shared/storage",
      "shared/stripe",
      "shared/pipeline.ts",
      "valibot",
    ],
  },
  {
    folder: "shared/objects",
    may: ["shared/api", "shared/chain", "shared/http", "shared/runtime", "shared/pipeline.ts", "valibot"],
    types: [
      "shared/storage",
      "workers/audit-log",
      "workers/chain-head",
      "workers/dead-letters",
      "workers/monitor",
      "workers/storage-verifier",
    ],
  },
  {
    folder: "shared/queue",
    may: [
      "shared/chain",
      "shared/crypto",
      "shared/objects",
      "shared/runtime",
      "shared/schema",
      "shared/pipeline.ts",
      "valibot",
    ],
  },
  {
    folder: "shared/operations",
    may: ["shared/chain", "shared/crypto", "shared/objects", "shared/runtime", "shared/storage"],
    types: ["workers/chain-head"],
  },
  {
    folder: "shared/client",
    may: [
      "shared/chain",
      "shared/crypto",
      "shared/http",
      "shared/runtime",
      "shared/schema",
      "shared/storage",
      "valibot",
    ],
    types: ["shared/api"],
  },
];

/**
 * Packages that wrap a service of another company, or that only one place should know. Only these files may import
 * them.
 */
const BEHIND: Readonly<Record<string, readonly string[]>> = {
  "@valibot/to-json-schema": ["cli/tools/openapi/schemas.ts"],
  "@noble/hashes": ["shared/crypto/hash.ts", "shared/crypto/bytes.ts"],
  "@noble/post-quantum": ["shared/crypto/ml-dsa.ts", "shared/crypto/envelope.ts"],
  canonicalize: ["shared/crypto/canonical.ts"],
  hpke: ["shared/crypto/envelope.ts"],
  "itty-router": ["workers/gateway/http/router.ts"],
  pinata: ["shared/storage/pinata.ts"],
};

const inside = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
const isFile = (target: string) => /\.(?:ts|mjs|json)$/.test(target) && !target.startsWith("node:");
const entry = (target: string) => (isFile(target) ? target : packageOf(target));

function breaches(file: Source, layer: Layer): string[] {
  return importsOf(file).flatMap(({ target, typeOnly, line }) => {
    const allowed = [layer.folder, ...layer.may, ...(typeOnly ? (layer.types ?? []) : [])];
    return allowed.some((folder) => inside(entry(target), folder))
      ? []
      : [`${file.path}:${line} imports ${target}${typeOnly ? " (type)" : ""}`];
  });
}

describe("the import rule", () => {
  it("gives every file of shared/ a layer", () => {
    const homeless = sources("shared/**/*.ts").filter(
      ({ path }) => !SHARED.some(({ folder }) => inside(path, folder)),
    );
    expect(homeless.map(({ path }) => path)).toEqual([]);
  });

  it.for(SHARED)("lets $folder know only the layers below it", (layer) => {
    const pattern = layer.folder.endsWith(".ts") ? layer.folder : `${layer.folder}/**/*.ts`;
    expect(sources(pattern).flatMap((file) => breaches(file, layer))).toEqual([]);
  });

  it("has no layer that knows one above it: the order of the list is the order of the layers", () => {
    const order = SHARED.map(({ folder }) => folder);
    const upward = SHARED.flatMap(({ folder, may }, i) =>
      may.filter((other) => order.indexOf(other) >= i).map((other) => `${folder} → ${other}`),
    );
    expect(upward).toEqual([]);
  });

  it("lets a Worker know shared/, its own folder, and of other Workers the types", () => {
    const found = sources("workers/**/*.ts").flatMap((file) => {
      const folder = file.path.split("/").slice(0, 2).join("/");
      return breaches(file, {
        folder,
        may: ["shared", "valibot", "itty-router", "cloudflare:workers"],
        types: ["workers"],
      });
    });
    expect(found).toEqual([]);
  });

  it("lets cli/ know shared/, and speak HTTP with the Workers", () => {
    const found = sources("cli/**/*.{ts,mjs}").flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => inside(target, "workers") || inside(target, "test"))
        .map(({ target, line }) => `${file.path}:${line} imports ${target}`),
    );
    expect(found).toEqual([]);
  });

  it("lets nobody import test/", () => {
    const found = sources("{shared,workers,cli}/**/*.{ts,mjs}").flatMap((file) =>
      importsOf(file).flatMap(({ target }) => (inside(target, "test") ? [`${file.path} → ${target}`] : [])),
    );
    expect(found).toEqual([]);
  });

  it.for(Object.entries(BEHIND))("keeps the package %s behind its own file [T73]", ([name, homes]) => {
    const users = sources("{shared,workers,cli}/**/*.ts")
      .filter((file) => importsOf(file).some(({ target }) => entry(target) === name))
      .map(({ path }) => path);
    expect(users).not.toEqual([]);
    expect(users.filter((path) => !homes.includes(path))).toEqual([]);
  });
});

/** Functions that make randomness. Keys and salts come from the platform's generator alone. */
const RANDOM: readonly string[] = [
  "shared/crypto/envelope.ts generateEncryptionSeed",
  "shared/crypto/ml-dsa.ts generateSigningSeed",
];

/** Sources that the pure layers must receive as an argument instead. */
const IMPURE: Readonly<Record<string, (node: Node) => boolean>> = {
  "a clock": (node) =>
    isMember(node, "Date.now") ||
    isMember(node, "performance.now") ||
    ((node.type === "NewExpression" || node.type === "CallExpression") &&
      nameOf(node.callee) === "Date" &&
      (node.arguments as unknown[]).length === 0) ||
    isName(node, "Temporal"),
  "a timer": (node) =>
    ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"].some((name) => isCall(node, name)) ||
    isName(node, "scheduler"),
  "the network": (node) => isName(node, "fetch") || isName(node, "WebSocket") || isName(node, "EventSource"),
  "the environment": (node) =>
    isName(node, "env") || isName(node, "process") || isName(node, "caches") || isName(node, "console"),
};

describe("the pure layers", () => {
  const pure = sources("shared/{chain,crypto}/**/*.ts");

  it.for(Object.entries(IMPURE))("know nothing of %s [T73]", ([, breaks]) => {
    const found = pure.flatMap((file) =>
      nodes(file.program)
        .filter(breaks)
        .map((node) => `${file.path}:${lineOf(file, node)}`),
    );
    expect(found).toEqual([]);
  });

  it("make randomness for keys, and for nothing else [T35]", () => {
    const found = pure.flatMap((file) =>
      nodes(file.program).flatMap((node) =>
        node.type === "FunctionDeclaration" && nodes(node.body).some(isRandom)
          ? [`${file.path} ${nameOf(node.id)}`]
          : [],
      ),
    );
    expect(found.toSorted()).toEqual(RANDOM);
    const places = pure.flatMap(({ program }) => nodes(program).filter(isRandom));
    expect(places, "one place in each, and none outside a function").toHaveLength(RANDOM.length);
  });
});

function isRandom(node: Node): boolean {
  return (
    ["getRandomValues", "randomUUID", "randomBytes"].some((name) => isName(node, name)) ||
    isMember(node, "Math.random")
  );
}

/** Returns `name` or `object.member` of a plain reference; undefined for any other node. */
function nameOf(node: unknown): string | undefined {
  const { type, name, object, property, computed } = node as Record<string, unknown>;
  if (type === "Identifier") return name as string;
  if (type !== "MemberExpression" || computed === true) return undefined;
  return `${nameOf(object)?.replace(/^globalThis\./, "")}.${nameOf(property)}`;
}

function isCall(node: Node, name: string): boolean {
  return node.type === "CallExpression" && nameOf(node.callee) === name;
}

function isMember(node: Node, name: string): boolean {
  return node.type === "MemberExpression" && nameOf(node)?.replace(/^globalThis\./, "") === name;
}

function isAck({ type, callee }: Node): boolean {
  return type === "CallExpression" && /\.ack(?:All)?$/.test(nameOf(callee) ?? "");
}

/** Tells whether the node is a use of the bare name, as a value or in a declaration. */
function isName(node: Node, name: string): boolean {
  return node.type === "Identifier" && node.name === name;
}

/** A class that others call has one line for each method: docs/design.md#the-chain-head lists the chain head's. */
const LINES_OF_A_DOOR: Readonly<Record<string, number>> = {
  "workers/chain-head/index.ts": 340,
  "workers/monitor/index.ts": 80,
  "workers/storage-verifier/index.ts": 130,
};

describe("a queue's message", () => {
  it("is acked in shared/queue/consume.ts and nowhere else", () => {
    const found = sources("{shared,workers}/**/*.ts").filter(({ program }) => nodes(program).some(isAck));
    expect(found.map(({ path }) => path)).toEqual(["shared/queue/consume.ts"]);
  });
});

describe("the size of a file", () => {
  it.for(sources("workers/*/index.ts").map(({ path }) => path))("%s is a thin door", (path) => {
    const { text, program } = source(path);
    expect(lines(text)).toBeLessThanOrEqual(LINES_OF_A_DOOR[path] ?? 60);
    const branches = nodes(program).filter(({ type }) => /^(?:While|For|Switch|DoWhile)/.test(type));
    expect(branches.length, "loops and switches").toBeLessThanOrEqual(1);
  });

  it("stays below 400 lines, in code that people are to read", () => {
    const long = sources("{shared,workers,cli}/**/*.{ts,mjs}").filter(({ text }) => lines(text) > 400);
    expect(long.map(({ path, text }) => `${path}: ${lines(text)}`)).toEqual([]);
  });
});

function lines(text: string): number {
  return text.trimEnd().split("\n").length;
}
