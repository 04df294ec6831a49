/** A pinned file as the service lists it: nothing of it is verified. */
export interface ListedPin {
  readonly cid: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly keyvalues: Readonly<Record<string, unknown>>;
}

export interface PinPage {
  readonly pins: readonly ListedPin[];
  /** Token of the page after; `undefined`: this is the last. */
  readonly next: string | undefined;
}

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
   * A page of up to 1,000 pinned files that bear these key values, oldest first.
   * @param token `next` of the page before; `undefined` for the first page
   * @throws RetryLater as `pin` does; any other error means that the list is not known: a page that names itself as the next one, for example
   */
  list(keyvalues: Readonly<Record<string, string>>, token: string | undefined): Promise<PinPage>;
}
