/**
 * Why a message or a transaction can never succeed as it is. A closed union: what is not listed here is retried.
 * The names are stored in dead letters and shown to operators, so they stay as they are.
 */
export const PERMANENT_REASONS = [
  "malformed_message", // a queue body that does not fit its schema
  "unknown_key", // sealed to a key that the keyring does not hold
  "undecryptable", // the key is known, but the envelope does not open
  "invalid_transaction", // opened, but breaks its schema, its commitment or its id
  "invalid_signature", // the user's signature does not verify
  "unsigned", // REQUIRE_USER_SIGNATURE is on and there is no user signature
  "asset_exists", // an asset is created once
  "unknown_asset", // a transfer of what no transaction created
  "not_owner", // a transfer is signed by the asset's owner; what a payment created has none
  "user_exists", // a user is registered once
  "not_own_key", // a registration is signed by the very key that it registers
  "erased", // an operator erased its private part, on request
  "missing", // the pending object is gone
  "forked", // two different byte strings claim one block number
  "unrepairable", // no tier has a copy of the block whose bytes verify
  "retries_exhausted", // everything else, after the last attempt
] as const;

export type PermanentReason = (typeof PERMANENT_REASONS)[number];

/** A failure that no retry can mend: the message is parked with its reason, and the rest goes on. */
export class Permanent extends Error {
  override readonly name = "Permanent";
  readonly reason: PermanentReason;

  constructor(reason: PermanentReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** A failure that is worth a retry, but not before `seconds` have passed (a rate limit, say). */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly seconds: number;

  constructor(seconds: number, detail: string) {
    super(detail);
    this.seconds = seconds;
  }
}
