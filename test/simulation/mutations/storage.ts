import { mutation } from "./mutation.ts";
import { overriding } from "./overriding.ts";

/** Break the tiers, and the verifier that compares and restores them. */
export const STORAGE_MUTATIONS = [
  mutation({
    name: "believe-the-pinning-service",
    breaks: "5 latest names what is stored",
    seed: 9,
    file: "shared/storage/ipfs-tier.ts",
    seam: "ipfsTier",
    mutate: (ipfsTier) => (pinner, gateway) =>
      ipfsTier(pinner, overriding(gateway, { serves: async () => true })),
  }),
  mutation({
    name: "take-any-page-for-the-bytes",
    breaks: "5 latest names what is stored",
    seed: 2,
    file: "shared/storage/ipfs-tier.ts",
    seam: "ipfsGateway",
    mutate:
      (ipfsGateway) =>
      (...given) => {
        const gateway = ipfsGateway(...given);
        const serves = (...asked: Parameters<typeof gateway.serves>) =>
          gateway.serves(...asked).catch(() => true);
        return overriding(gateway, { serves });
      },
  }),
  mutation({
    name: "read-error-is-empty",
    breaks: "7 a read error is never empty",
    seed: 5,
    file: "shared/storage/r2-tier.ts",
    seam: "readObject",
    mutate: (readObject) => (bucket, key) => readObject(bucket, key).catch(() => undefined),
  }),
  mutation({
    name: "trust-a-copy-that-is-there",
    breaks: "6 nothing fake",
    seed: 1,
    file: "workers/storage-verifier/verify/inspect.ts",
    seam: "inspect",
    mutate: (inspect) => async (tier, known, judge, patience) => {
      const finding = await inspect(tier, known, judge, patience);
      const { fault } = finding.report;
      if (fault !== "corrupt" && fault !== "forked") return finding;
      return { report: { present: true, hash: tier.name === "ipfs" ? known.cid : known.hash } };
    },
  }),
  mutation({
    name: "restore-without-transactions",
    breaks: "2 nothing is mined twice",
    seed: 9,
    file: "workers/storage-verifier/restore/restored-block.ts",
    seam: "restoredBlock",
    mutate:
      (restoredBlock) =>
      async (...given) => {
        const block = await restoredBlock(...given);
        return { ...block, transactions: block.transactions.slice(1) };
      },
  }),
  mutation({
    name: "leave-late-staged-bytes",
    breaks: "everything is tidied up",
    seed: 4,
    file: "workers/storage-verifier/restore/sweep-staged.ts",
    seam: "sweepStaged",
    mutate: () => async () => {},
  }),
];
