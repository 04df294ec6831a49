import { consistencyProof, leafHash, merkleRoot } from "../../../shared/chain/merkle.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { generateLogKeyring, loadLogKeyring } from "../../../shared/tlog/log-keyring.ts";

const TIME = 1_788_220_900;

/** A log that signs whatever a test wants, also two histories. */
export interface WitnessedLog {
  readonly origin: string;
  readonly vkeys: readonly [string, string];
  /** The signed note over the first `size` entries. @param history another name gives other entries from `forksAt` on */
  note(size: number, history?: string): Promise<string>;
  /** The consistency proof from one size to another. */
  proof(from: number, to: number, history?: string): Uint8Array[];
}

/** @param forksAt the number of entries that all histories share */
export async function witnessedLog(origin = "log.example/chain", forksAt = 0): Promise<WitnessedLog> {
  const signer = (await loadLogKeyring(generateLogKeyring())).signer(origin);
  const leaves = (size: number, history: string) =>
    Array.from({ length: size }, (_, i) =>
      leafHash(utf8(i < forksAt ? `entry ${i}` : `entry ${i}${history}`)),
    );
  return {
    origin,
    vkeys: signer.vkeys,
    note: (size, history = "") =>
      signer.sign({ size, root: Uint8Array.from(merkleRoot(leaves(size, history))) }, TIME),
    proof: (from, to, history = "") => consistencyProof(leaves(to, history), from),
  };
}
