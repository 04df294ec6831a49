import * as v from "valibot";
import { BlockSignature, Header } from "../chain/block.ts";
import { CidV0, Sha256Hex } from "../chain/transaction.ts";
import { LogEndorsement } from "../tlog/endorsement.ts";

const Bytes = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]+$/), v.description("base64url"));
const Index = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** RFC 6962 siblings, the leaf's first. A tree of 2^53 leaves has 53 levels. */
const Path = v.pipe(v.array(Sha256Hex), v.maxLength(63));
/** A signed note: C2SP tlog-checkpoint. */
const Note = v.pipe(v.string(), v.maxLength(100_000));

const SignedHeader = { header: Header, blockSignature: BlockSignature };

/** A transaction that announces or revokes a signing key, with its place in its signed block. */
export const KeyStatement = v.strictObject({
  ...SignedHeader,
  transaction: Bytes,
  index: Index,
  merklePath: Path,
});
export type KeyStatement = v.InferOutput<typeof KeyStatement>;

/**
 * Everything that a stranger with the genesis hash needs to check one transaction without a network: docs/format.md, "The log".
 * Nothing in it says what must be checked: the verifier's own policy does.
 */
export const VdcProof = v.strictObject({
  format: v.literal("vdc-proof@1"),
  chainId: Header.entries.chainId,
  genesisHash: Sha256Hex,
  transaction: v.pipe(Bytes, v.description("The canonical bytes in base64url")),
  index: v.pipe(Index, v.description("Its place in the block")),
  merklePath: v.pipe(Path, v.description("From the transaction to the header's merkleRoot")),
  block: v.strictObject({ ...SignedHeader, cid: CidV0 }),
  head: v.pipe(
    v.nullable(v.strictObject({ ...SignedHeader, path: Path })),
    v.description(
      "A later block whose historyRoot covers this one; null for the newest block of the checkpoint",
    ),
  ),
  logs: v.strictObject({
    blocks: v.strictObject({ checkpoint: Note, path: Path }),
    transactions: v.strictObject({ checkpoint: Note, index: Index, path: Path }),
  }),
  logKeys: v.pipe(v.array(LogEndorsement), v.description("The block key's word for the logs' keys")),
  keys: v.pipe(
    v.array(KeyStatement),
    v.description("Genesis, then each rotation and revocation of a signing key, in the chain's order"),
  ),
  timestamps: v.array(
    v.strictObject({
      authority: v.string(),
      checkpoint: v.pipe(Note, v.description("Of the log of blocks, as it was stamped")),
      path: v.pipe(Path, v.description("From the block to that checkpoint's root")),
      token: v.pipe(Bytes, v.description("RFC 3161 time stamp of the checkpoint's bytes")),
    }),
  ),
});
export type VdcProof = v.InferOutput<typeof VdcProof>;
