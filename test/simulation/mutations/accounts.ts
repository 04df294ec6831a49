import { mutation } from "./mutation.ts";

/**
 * Bytes that the mutated loan takes for each document. The simulation's documents are small, and only the largest
 * documents fill the memory of a real isolate.
 */
const LARGE_BYTES = 8_000_000;

/** Break promises to users who sign, pay, or ask for an erasure. */
export const ACCOUNT_MUTATIONS = [
  mutation({
    name: "spend-a-token-twice",
    breaks: "a token is spent once",
    seed: 16,
    file: "workers/accounts/activation/token-object.ts",
    seam: "spend",
    mutate:
      (spend) =>
      async (...given) => {
        await spend(...given);
        return true;
      },
  }),
  mutation({
    name: "take-an-expired-token",
    breaks: "an expired token is of no use",
    seed: 13,
    file: "shared/storage/activation-tokens.ts",
    seam: "isExpired",
    mutate: (isExpired) => (facts, now) => isExpired({ ...facts, expiresAt: facts.expiresAt * 2 }, now),
  }),
  mutation({
    name: "leave-intents",
    breaks: "everything comes to rest",
    seed: 12,
    file: "workers/accounts/submissions/sweep-intents.ts",
    seam: "sweepIntents",
    mutate: () => async () => {},
  }),
  mutation({
    name: "call-it-pinned-unread",
    breaks: "a document is kept",
    seed: 1,
    file: "workers/storage-verifier/documents/pin-document.ts",
    seam: "pinDocument",
    mutate: () => async (documentId, env) =>
      env.DOCUMENT_INDEX.getByName(env.CHAIN_ID).notePinned(documentId),
  }),
  mutation({
    name: "write-metadata-over-a-write-in-doubt",
    breaks: "metadata never goes back",
    seed: 2086,
    isRare: true,
    file: "workers/accounts/metadata/metadata-write.ts",
    seam: "writeVersion",
    mutate:
      () =>
      (...[, , , write]) =>
        write(),
  }),
  mutation({
    name: "keep-memory-for-ever",
    breaks: "everything comes to rest",
    seed: 6,
    file: "workers/accounts/documents/byte-budget.ts",
    seam: "ByteBudget",
    mutate: (ByteBudget) =>
      class extends ByteBudget {
        constructor(most: number, _lent: number, now: () => number) {
          super(most, Infinity, now);
        }

        override loan() {
          const loan = super.loan();
          return { extendTo: (bytes: number) => loan.extendTo(Math.max(bytes, LARGE_BYTES)), end: () => {} };
        }
      },
  }),
  mutation({
    name: "lend-what-is-announced",
    breaks: "an honest upload finds room",
    seed: 2,
    file: "shared/http/read-into.ts",
    seam: "readInto",
    mutate: (readInto) => (body, arriving) => {
      arriving.lend?.(arriving.room);
      return readInto(body, { ...arriving, lend: () => {} });
    },
  }),
  mutation({
    name: "wait-for-idle-uploads",
    breaks: "an idle upload is cut off",
    seed: 2,
    file: "shared/http/read-into.ts",
    seam: "readInto",
    mutate: (readInto) => (body, arriving) =>
      readInto(body, { ...arriving, pace: { bytes: 0, milliseconds: arriving.milliseconds } }),
  }),
  mutation({
    name: "erase-all-but-the-archive",
    breaks: "erased stays erased",
    seed: 1,
    file: "shared/storage/private-archive.ts",
    seam: "eraseFromArchive",
    mutate: () => async () => {},
  }),
  mutation({
    name: "take-any-signature",
    breaks: "nothing forged is taken",
    seed: 15,
    inEveryRun: true,
    file: "workers/accounts/submissions/submission-checks.ts",
    seam: "checkSignature",
    mutate: (checkSignature) => async (transaction) => {
      if (transaction.type === "user_registration") await checkSignature(transaction);
    },
  }),
  mutation({
    name: "take-any-time",
    breaks: "nothing forged is taken",
    seed: 6,
    file: "workers/accounts/submissions/submission-checks.ts",
    seam: "checkTime",
    mutate: (checkTime) => (timestamp, now, windowSeconds) => {
      if (timestamp <= 0) checkTime(timestamp, now, windowSeconds);
    },
  }),
];
