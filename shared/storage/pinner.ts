/** A service that keeps bytes on IPFS. */
export interface Pinner {
  /**
   * Pins the bytes as one UnixFS file (CIDv0) and returns the CID that the service names; the caller compares it. The
   * same bytes may be pinned again.
   * @throws RetryLater when the service limits our rate; any other error is worth a retry too
   */
  pin(bytes: Uint8Array<ArrayBuffer>, name: string, keyvalues: Record<string, string>): Promise<string>;

  /**
   * Asks whether the service keeps this CID pinned.
   * @throws RetryLater as `pin` does; any other error means that it is not known
   */
  isPinned(cid: string): Promise<boolean>;

  /**
   * Removes every pin of this CID. When it resolves, the service says that none is left.
   * @throws RetryLater as `pin` does; any other error means that it may still be pinned
   */
  unpin(cid: string): Promise<void>;
}
