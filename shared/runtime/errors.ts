/**
 * The reasons for which a message or a transaction can never succeed as it is. The list is closed: any other failure is
 * retried. Dead letters store these names and operators see them, so they never change.
 */
export const PERMANENT_REASONS = [
  "malformed_message", // a queue body that does not fit its schema
  "unknown_key", // sealed to a key that the keyring does not hold
  "undecryptable", // the key is known, but the envelope does not open
  "invalid_transaction", // opened, but breaks its schema, its commitment or its id
  "invalid_signature", // the user's signature does not verify
  "unsigned", // REQUIRE_USER_SIGNATURE is on and there is no user signature
  "asset_exists", // an asset is created once
  "unknown_asset", // a transfer of an asset that no transaction created
  "not_owner", // a transfer must be signed by the asset's owner; an asset that a payment created has no owner
  "user_exists", // a user is registered once
  "not_own_key", // a registration must be signed by the key that it registers
  "erased", // an operator erased its private part, on request
  "missing", // the pending object does not exist any more
  "forked", // two different byte strings claim one block number
  "unrepairable", // no tier has a copy of the block whose bytes verify
  "retries_exhausted", // any other failure, after the last attempt
] as const;

export type PermanentReason = (typeof PERMANENT_REASONS)[number];

/** A failure that no retry can mend: the message is parked with its reason, and the other messages go on. */
export class Permanent extends Error {
  override readonly name = "Permanent";
  readonly reason: PermanentReason;

  constructor(reason: PermanentReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** A failure that is worth a retry, but no sooner than after `seconds` (a rate limit, say). */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly seconds: number;

  constructor(seconds: number, detail: string) {
    super(detail);
    this.seconds = seconds;
  }
}
