/**
 * ML-DSA contexts (FIPS 204 §5.2), one for each kind of signed bytes, so that a signature over a transaction can never
 * pass as one over a block. These contexts are part of the public format and never change.
 */
export const BLOCK = "vdc/block/v1";
export const TRANSACTION = "vdc/transaction/v1";
export const DOCUMENT = "vdc/document/v1";
export const USER_METADATA = "vdc/user-metadata/v1";
export const LOG_KEY = "vdc/log-key/v1";
