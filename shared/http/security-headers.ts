/**
 * What every answer bears, unless its handler says otherwise: the one place. By OWASP's "REST Security" and "HTTP Headers" cheat
 * sheets; test/support/problems.ts holds every call against it.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  // Two years. For this host alone: what else lies below the domain is not ours to bind.
  "strict-transport-security": "max-age=63072000",
  // Data, opened as a page: loads nothing, sends nothing, has no base, and stands in nobody's frame.
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY", // for what knows no frame-ancestors
  // Who may read an answer asks for it by CORS (workers/gateway/cors.ts), which this does not hinder; it ends embedding.
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy":
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()",
  // What may be kept says so itself.
  "cache-control": "no-store",
};
