/** Public reads hold nothing of the caller's, so any web page may make them. */
export const CORS = { "access-control-allow-origin": "*" };
