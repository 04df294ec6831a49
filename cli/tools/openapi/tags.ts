interface Tag {
  readonly name: string;
  readonly description: string;
  /** Beginnings of the paths with this tag. */
  readonly paths: readonly string[];
}

/** The nouns of the interface, in the order of the document. */
export const TAGS: readonly Tag[] = [
  { name: "Payments", description: "What Stripe calls.", paths: ["/api/stripe/"] },
  {
    name: "Blocks",
    description: "The published chain. Blocks never change.",
    paths: ["/api/vdc/latest", "/api/vdc/blocks"],
  },
  {
    name: "Transactions",
    description: "What users sign and submit, and where a transaction is until it stands in its block.",
    paths: ["/api/vdc/transactions"],
  },
  { name: "Assets", description: "What transactions are about.", paths: ["/api/vdc/assets"] },
  {
    name: "Documents",
    description: "Encrypted to their owners, who alone can read them.",
    paths: ["/api/documents", "/api/vdc/documents"],
  },
  {
    name: "Users",
    description:
      "Who takes part: activation tokens, and what users keep about themselves, encrypted to them.",
    paths: ["/api/activation", "/api/users"],
  },
  {
    name: "Verification",
    description: "What a stranger needs to verify the chain.",
    paths: ["/.well-known/", "/api/vdc/consistency"],
  },
  {
    name: "Log",
    description: "Two transparency logs (C2SP tlog-tiles): of block hashes, and of transactions.",
    paths: ["/log/"],
  },
  {
    name: "Mining",
    description: "For operators: approve, look on, resume, revoke a signing key.",
    paths: ["/api/vdc/mine", "/api/vdc/resume", "/api/vdc/keys", "/api/vdc/pending", "/api/vdc/status"],
  },
  {
    name: "Storage",
    description:
      "For operators: verify and restore the copies of every block and document in KV, R2 and IPFS.",
    paths: ["/api/storage-verify"],
  },
  {
    name: "Dead letters",
    description: "For operators: what could not be done, and doing it again.",
    paths: ["/api/dead-letters"],
  },
  {
    name: "Privacy",
    description: "For operators: requests to show, or to erase, what is private in a transaction.",
    paths: ["/api/privacy"],
  },
  { name: "Audit", description: "For operators: who did what, and why.", paths: ["/api/audit"] },
  {
    name: "Health",
    description: "Whether it lives, works, and how well.",
    paths: ["/api/health", "/api/ready", "/api/metrics"],
  },
];

const INTERFACE: Tag = { name: "Interface", description: "What there is.", paths: ["/", "/openapi.json"] };

export const ALL_TAGS: readonly Tag[] = [...TAGS, INTERFACE];

export function tagOf(path: string): string {
  const tag = INTERFACE.paths.includes(path)
    ? INTERFACE
    : TAGS.find(({ paths }) => paths.some((start) => path.startsWith(start)));
  if (tag === undefined)
    throw new Error(`${path} belongs to no tag: give it one in cli/tools/openapi/tags.ts`);
  return tag.name;
}
