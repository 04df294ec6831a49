import { defineConfig, type OxlintOverride } from "oxlint";

type Rules = NonNullable<OxlintOverride["rules"]>;

/** Imports that a room allows, besides those of its own files. */
interface Room {
  /** Rooms of `shared/`, files and packages. */
  readonly may?: readonly string[];
  /** Rooms of which they may import types only. */
  readonly types?: readonly string[];
}

/** The rooms of `shared/`, the lowest first: a room imports only rooms above it in this list. */
const ROOMS: Readonly<Record<string, Room>> = {
  runtime: {},
  "durable-object": { types: ["pipeline.ts"] },
  schema: { may: ["runtime", "valibot"] },
  crypto: {
    may: [
      "runtime",
      "@panva/hpke-noble",
      "@ipld/dag-pb",
      "ipfs-unixfs",
      "ipfs-unixfs-importer",
      "multiformats",
      "valibot",
    ],
  },
  timestamp: { may: ["crypto"] },
  chain: { may: ["crypto", "schema", "valibot"] },
  tlog: { may: ["chain", "crypto", "schema", "valibot"] },
  witness: { may: ["chain", "crypto", "durable-object", "tlog"] },
  verify: { may: ["chain", "crypto", "schema", "timestamp", "tlog", "valibot"] },
  http: { may: ["crypto", "runtime"], types: ["pipeline.ts"] },
  stripe: { may: ["chain", "crypto", "valibot"] },
  storage: { may: ["chain", "crypto", "runtime", "schema", "valibot"] },
  api: {
    may: [
      "chain",
      "crypto",
      "http",
      "runtime",
      "schema",
      "storage",
      "stripe",
      "tlog",
      "verify",
      "pipeline.ts",
      "valibot",
    ],
  },
  objects: {
    may: ["api", "chain", "http", "runtime", "tlog", "pipeline.ts", "valibot"],
    types: [
      "storage",
      ...["audit-log", "chain-head", "checkpointer", "dead-letters", "monitor", "storage-verifier"].map(
        worker,
      ),
    ],
  },
  queue: { may: ["chain", "crypto", "objects", "runtime", "schema", "pipeline.ts", "valibot"] },
  operations: {
    may: ["chain", "crypto", "objects", "runtime", "storage", "tlog", "verify"],
    types: [worker("chain-head")],
  },
  client: {
    may: ["chain", "crypto", "http", "runtime", "schema", "storage", "verify", "valibot"],
    types: ["api"],
  },
};

/** Packages that wrap a service of another company, or that only one place should know, each with its places. */
const BEHIND: Readonly<Record<string, readonly string[]>> = {
  "@noble/hashes": ["shared/crypto/hash.ts", "shared/crypto/bytes.ts"],
  "@noble/post-quantum": ["shared/crypto/ml-dsa.ts", "shared/crypto/envelope.ts"],
  "@valibot/to-json-schema": ["cli/tools/openapi/schemas.ts"],
  asn1js: ["shared/timestamp/der.ts"],
  canonicalize: ["shared/crypto/canonical.ts"],
  cborg: ["shared/tlog/receipt.ts"],
  hpke: ["shared/crypto/envelope.ts"],
  "itty-router": ["workers/gateway/http/router.ts"],
  pinata: ["shared/storage/pinata.ts"],
};

/** A class that others call has one line for each method: docs/design.md#the-chain-head lists the chain head's. */
const LINES_OF_A_DOOR = { "*": 60, "chain-head": 360, monitor: 80, "storage-verifier": 130 };

const ACK = ["ack", "ackAll"].map((property) => ({
  property,
  message: "Only shared/queue/consume.ts acks.",
}));

/** The pure rooms get time and randomness as arguments, and know no network and no environment. */
const IMPURE = [
  "Date Temporal performance scheduler setTimeout setInterval setImmediate queueMicrotask",
  "fetch WebSocket EventSource process caches console",
].flatMap((names) => names.split(" "));
const RANDOM = [
  { object: "Math", property: "random" },
  ...["getRandomValues", "randomUUID", "randomBytes"].map((property) => ({ property })),
];

const ABOVE = {
  regex: "/(?:cli|test)/",
  message: "Nothing that is deployed may know cli/ or test/.",
};

function worker(name: string): string {
  return `../workers/${name}`;
}

/** Returns the patterns of a room, a file of `shared/` or a package, as `shared/<room>/<file>` spells them. */
function spelled(name: string): string[] {
  if (name in ROOMS || name.startsWith("..")) return [`../${name}/**`];
  return [name.endsWith(".ts") ? `../${name}` : name, `${name}/**`];
}

/**
 * Allows these imports and no other; of `types`, the types alone. An import that one `group` exempts with `!` is exempt from
 * all groups, so the other patterns are regular expressions, and come first.
 */
function only(may: readonly string[], types: readonly string[] = []): Rules {
  const group = ["*", ...[...may, ...types].map((pattern) => `!${pattern}`)];
  const message = "docs/contributing.md#rooms: this room may not know that one, or its types alone.";
  const typesAlone = types.map((pattern) => ({ regex: regexOf(pattern), allowTypeImports: true, message }));
  return { "no-restricted-imports": ["error", { patterns: [ABOVE, ...typesAlone, { group, message }] }] };
}

function regexOf(pattern: string): string {
  return `^${pattern.replaceAll(".", "\\.").replaceAll("/**", "/").replaceAll("*", "[^./]+")}`;
}

/** Returns the packages before which this file stands. */
function behind(file: string): string[] {
  return Object.entries(BEHIND).flatMap(([name, places]) => (places.includes(file) ? [name] : []));
}

function ofRoom({ may = [], types = [] }: Room, file = ""): Rules {
  return only(["./**", ...[...may, ...behind(file)].flatMap(spelled)], types.flatMap(spelled));
}

const OUTSIDE = ["valibot", "cloudflare:workers"];
const inWorker = ["./**", "../../shared/**", ...OUTSIDE];
/** In a folder of a Worker: `../x.ts` and `../folder/x.ts` are its own. */
const inFolder = ["./**", "../*.{ts,json}", "../*/*.ts", "../../../shared/**", ...OUTSIDE];

function ofCli(file = ""): Rules {
  const packages = Object.keys(BEHIND).filter((name) => !behind(file).includes(name));
  const group = ["**/workers/**", "**/test/**", ...packages.flatMap((name) => [name, `${name}/**`])];
  const message = "cli/ knows shared/, and speaks HTTP with the Workers.";
  return { "no-restricted-imports": ["error", { patterns: [{ group, message }] }] };
}

/** The rules of a file that stands before a package. */
function ofPlace(file: string): Rules {
  const [place, name = ""] = file.split("/");
  if (place === "cli") return ofCli(file);
  if (place === "workers") return only([...inFolder, ...behind(file)], ["../../*/**"]);
  return ofRoom(ROOMS[name] ?? {}, file);
}

export default defineConfig({
  plugins: ["typescript", "unicorn", "oxc", "import", "promise", "vitest"],
  categories: { correctness: "error", suspicious: "error" },
  rules: {
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/await-thenable": "error",
    "typescript/no-explicit-any": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "import/no-cycle": "error",
    "no-await-in-loop": "off",
    "no-underscore-dangle": "off",
    "no-shadow": "off",
    "import/no-unassigned-import": "off",
    "typescript/no-unsafe-type-assertion": "off",
    "vitest/valid-expect": ["error", { maxArgs: 2 }],
  },
  ignorePatterns: [".build", ".faults", ".vdc", "node_modules"],
  overrides: [
    {
      files: ["test/**"],
      rules: {
        "vitest/no-conditional-expect": "off",
        "vitest/expect-expect": "off",
        "vitest/no-standalone-expect": "off",
      },
    },
    { files: ["{shared,workers,cli}/**"], rules: { "max-lines": ["error", { max: 400 }] } },
    ...Object.entries(LINES_OF_A_DOOR).map(([name, max]): OxlintOverride => ({
      files: [`workers/${name}/index.ts`],
      rules: { "max-lines": ["error", { max }] },
    })),
    { files: ["{shared,workers}/**"], rules: { "no-restricted-properties": ["error", ...ACK] } },
    { files: ["shared/queue/consume.ts"], rules: { "no-restricted-properties": "off" } },
    {
      files: ["shared/{chain,crypto,tlog,verify}/**"],
      rules: {
        "no-restricted-globals": ["error", ...IMPURE],
        "no-restricted-properties": ["error", ...ACK, ...RANDOM],
      },
    },
    {
      // Each has one function that makes the seed of a new key.
      files: ["shared/crypto/{envelope,ml-dsa}.ts"],
      rules: { "no-restricted-properties": ["error", ...ACK] },
    },
    // A new file or folder of shared/ may import nothing until it stands in ROOMS.
    { files: ["shared/**"], rules: only(["./**"]) },
    ...Object.entries(ROOMS).map(([name, room]) => ({ files: [`shared/${name}/**`], rules: ofRoom(room) })),
    { files: ["workers/*/*.ts"], rules: only(inWorker, ["../*/**"]) },
    { files: ["workers/*/*/**"], rules: only(inFolder, ["../../*/**"]) },
    { files: ["cli/**"], rules: ofCli() },
    ...[...new Set(Object.values(BEHIND).flat())].map((file) => ({ files: [file], rules: ofPlace(file) })),
  ],
});
