import { equalBytes } from "../crypto/bytes.ts";
import { verifySignature } from "./algorithms.ts";
import { authorityDepth, type Certificate, hasUnknownLimits } from "./certificate.ts";
import { InvalidTimestamp } from "./invalid-timestamp.ts";

/** Certificates between the signer and a pinned one. */
const MAX_BETWEEN = 4;

interface Authority {
  readonly certificate: Certificate;
  /** How many authorities may follow below it. */
  readonly depth: number;
}

/**
 * Finds a chain from the signer to a pinned certificate, from above: a key is used only after an authority vouched for
 * it. A pinned signer needs no authority. Revocation is not checked: docs/thirty-years.md#when-a-time-stamp-authority-goes-away.
 * @param time milliseconds, at which every certificate of the chain must have been valid
 * @throws InvalidTimestamp "untrusted", "not_valid_then", "unsupported_algorithm"
 */
export async function requireChain(
  signer: Certificate,
  inToken: readonly Certificate[],
  pinned: readonly Certificate[],
  time: number,
): Promise<void> {
  requireValid(signer, time);
  if (hasUnknownLimits(signer))
    throw untrusted("the certificate has a critical extension that is unknown here");
  if (pinned.some(({ bytes }) => equalBytes(bytes, signer.bytes))) return;
  let authorities = pinned.flatMap(asAuthority);
  const candidates = new Set(inToken);
  for (let between = 0; between <= MAX_BETWEEN && authorities.length > 0; between++) {
    const [issuer, ...others] = await issuersOf(signer, authorities);
    if (issuer !== undefined) {
      // An issuer may have two certificates for one key, of which the older one has ended.
      if (!others.some(({ certificate }) => isValid(certificate, time)))
        requireValid(issuer.certificate, time);
      return;
    }
    authorities = await nextAuthorities(candidates, authorities, time);
  }
  throw untrusted("no chain of certificates leads from the signer to a pinned certificate");
}

function asAuthority(certificate: Certificate): Authority[] {
  const depth = authorityDepth(certificate);
  return depth === undefined || hasUnknownLimits(certificate) ? [] : [{ certificate, depth }];
}

/** Takes out of the candidates the authorities that those above vouch for. */
async function nextAuthorities(
  candidates: Set<Certificate>,
  above: readonly Authority[],
  time: number,
): Promise<Authority[]> {
  const next: Authority[] = [];
  for (const candidate of candidates) {
    const [own] = asAuthority(candidate);
    if (own === undefined || !isValid(candidate, time)) continue;
    const issuers = await issuersOf(candidate, above);
    const depth = Math.max(
      -1,
      ...issuers.filter((one) => isValid(one.certificate, time)).map((one) => one.depth - 1),
    );
    if (depth < 0) continue;
    next.push({ certificate: candidate, depth: Math.min(depth, own.depth) });
    candidates.delete(candidate);
  }
  return next;
}

async function issuersOf(certificate: Certificate, authorities: readonly Authority[]): Promise<Authority[]> {
  const { issuer, signatureAlgorithm, signature, signed } = certificate;
  const found: Authority[] = [];
  for (const authority of authorities) {
    const { subject, publicKey } = authority.certificate;
    if (!equalBytes(subject.bytes, issuer.bytes)) continue;
    if (await verifySignature(signatureAlgorithm, undefined, publicKey, signature, signed))
      found.push(authority);
  }
  return found;
}

function isValid({ notBefore, notAfter }: Certificate, time: number): boolean {
  return notBefore <= time && time <= notAfter;
}

function requireValid(certificate: Certificate, time: number): void {
  if (!isValid(certificate, time))
    throw new InvalidTimestamp("not_valid_then", "a certificate was not valid at the stamped time");
}

function untrusted(detail: string): InvalidTimestamp {
  return new InvalidTimestamp("untrusted", detail);
}
