/**
 * Decides whether the caller has this very version, as `if-none-match` says (RFC 9110 §13.1.2).
 * @param etag in its quotes
 */
export function hasVersion(request: Request, etag: string): boolean {
  const known = request.headers.get("if-none-match")?.split(",") ?? [];
  return known.map((tag) => tag.trim()).some((tag) => tag === etag || tag === `W/${etag}` || tag === "*");
}
