const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name could not be looked up",
  ECONNRESET: "the connection broke off",
  EPIPE: "the connection broke off",
  UND_ERR_SOCKET: "the connection broke off",
  ETIMEDOUT: "there was no answer in time",
  UND_ERR_CONNECT_TIMEOUT: "there was no answer in time",
  UND_ERR_HEADERS_TIMEOUT: "there was no answer in time",
  UND_ERR_BODY_TIMEOUT: "the answer did not come to its end in time",
  EHOSTUNREACH: "no network leads there",
  ENETUNREACH: "no network leads there",
  CERT_HAS_EXPIRED: "its TLS certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its TLS certificate is for another name",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its TLS certificate is not trusted here",
  SELF_SIGNED_CERT_IN_CHAIN: "its TLS certificate is not trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its TLS certificate is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its TLS certificate is not trusted here",
};

/** Explains to a person why a request had no answer. The library's error itself goes into `cause`. */
export function whyUnanswered(error: unknown): string {
  for (const one of [error, error instanceof Error ? error.cause : undefined]) {
    if (!(one instanceof Error)) continue;
    const { name } = one;
    const code = String(Reflect.get(one, "code"));
    if (name === "TimeoutError") return "there was no answer in time";
    if (name === "AbortError") return "the request was given up";
    if (WORDS[code] !== undefined) return WORDS[code];
    if (/^(?:ERR_SSL|ERR_TLS|EPROTO)/.test(code)) return "it does not speak TLS as it must";
  }
  return "the connection failed";
}
