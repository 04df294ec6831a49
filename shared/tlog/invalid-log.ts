/** The closed list of reasons why bytes of a transparency log are refused. */
export const LOG_FAULTS = [
  "malformed_note", // the text is no C2SP signed note
  "malformed_key", // the text is no C2SP verifier key
  "malformed_checkpoint", // the note's text is no C2SP checkpoint
  "malformed_tile", // the bytes are no tile or entry bundle of this width
  "malformed_proof", // the text is no C2SP tlog-proof
  "malformed_policy", // the text is no C2SP tlog-policy
  "malformed_endorsement", // the JSON is no endorsement of log keys
  "wrong_signature", // a known key's signature does not verify
  "no_known_signature", // no known key has signed
  "wrong_origin", // the checkpoint is of another log
  "wrong_tile", // a tile's hashes do not give the hash that the tree needs
  "not_included", // the path does not lead from the entry to the root
  "not_consistent", // the larger tree does not begin with the smaller one
  "wrong_endorsement", // the endorsement's signature is not that of a key of the chain
] as const;
export type LogFault = (typeof LOG_FAULTS)[number];

/** Bytes that are not what a transparency log of this format would show. */
export class InvalidLog extends Error {
  override readonly name = "InvalidLog";
  readonly fault: LogFault;
  constructor(fault: LogFault, detail: string) {
    super(detail);
    this.fault = fault;
  }
}
