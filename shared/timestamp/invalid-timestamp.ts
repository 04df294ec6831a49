/** The reasons for which a time stamp is refused. The list is closed. */
export const TIMESTAMP_FAULTS = [
  "too_large", // more than MAX_TIMESTAMP_BYTES
  "malformed", // not the DER of a TimeStampResp with one SignedData over one TSTInfo
  "trailing_bytes", // bytes behind the end of the answer, or of the signed statement in it
  "not_granted", // the authority says that it did not stamp
  "wrong_hash_algorithm", // the stamp is over another hash than SHA-256
  "wrong_imprint", // the stamp is over other data
  "wrong_nonce", // the answer belongs to another request
  "unsigned", // no signature, or the certificate of its key is neither in the stamp nor pinned
  "certificate_mismatch", // the signed certificate id (ESSCertID) names another certificate
  "not_for_time_stamping", // the certificate may not sign time stamps, or other things too
  "untrusted", // no chain of certificates to a pinned one
  "not_valid_then", // a certificate of the chain was not valid at the stamped time
  "unsupported_algorithm", // neither RSA nor ECDSA with SHA-2
  "wrong_signature", // the signature, or the hash that it covers, does not fit
] as const;

export type TimestampFault = (typeof TIMESTAMP_FAULTS)[number];

/** A time stamp that must not be believed. */
export class InvalidTimestamp extends Error {
  override readonly name = "InvalidTimestamp";
  readonly reason: TimestampFault;

  constructor(reason: TimestampFault, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
