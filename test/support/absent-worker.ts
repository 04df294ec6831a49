/** Stands where a Worker is missing: it consumes nothing, so what is sent to that Worker's queue is lost. */
export default { fetch: () => new Response(null, { status: 404 }) } satisfies ExportedHandler;
