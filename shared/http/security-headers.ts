/**
 * The headers of every answer, unless its handler sets others. This is the one place for them. By OWASP's "REST Security"
 * and "HTTP Headers" cheat sheets; test/support/assertions/problems.ts holds every call against it.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  // Two years, for this host alone: other hosts under the domain are not VDC's to bind.
  "strict-transport-security": "max-age=63072000",
  // For data that is opened as a page: it loads nothing, sends nothing, has no base, and cannot be framed.
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY", // for browsers without frame-ancestors
  // Ends embedding. Cross-origin reading goes through CORS (workers/gateway/http/cors.ts), which this header does not hinder.
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy":
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()",
  // An answer that may be cached says so itself.
  "cache-control": "no-store",
};
