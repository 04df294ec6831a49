/**
 * ML-DSA contexts (FIPS 204 §5.2): one per kind of signed bytes, so that a signature made over a transaction can
 * never be shown as one over a block. Part of the public format: they never change.
 */
export const BLOCK = "vdc/block/v1";
export const TRANSACTION = "vdc/transaction/v1";
export const DOCUMENT = "vdc/document/v1";
export const USER_METADATA = "vdc/user-metadata/v1";
