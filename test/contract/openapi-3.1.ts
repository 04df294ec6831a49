/**
 * The part of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0, §4.8) that our document uses: the required and the
 * optional members of each object. A member in a place that is not listed here is a mistake.
 */
const TEXT = { type: "string", minLength: 1 };
const BOOLEAN = { type: "boolean" };
const NUMBER = { type: "integer", minimum: 1 };
const SCHEMA = { $ref: "#/$defs/schema" };

const object = (required: Record<string, object>, optional: Record<string, object> = {}) => ({
  type: "object",
  properties: { ...required, ...optional },
  required: Object.keys(required),
  additionalProperties: false,
});
const map = (values: object, names = "^[a-zA-Z0-9._-]+$") => ({
  type: "object",
  propertyNames: { type: "string", pattern: names },
  additionalProperties: values,
});
const list = (items: object) => ({ type: "array", items });
const or = (values: object, kind: string) => ({
  type: "object",
  if: { required: ["$ref"] },
  // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word
  then: object({ $ref: { type: "string", pattern: `^#/components/${kind}/[A-Za-z0-9._-]+$` } }),
  else: values,
});

const MEDIA = map(object({}, { schema: SCHEMA }), "^[a-z]+/[a-z0-9.+-]+(?:; ?[a-z]+=[^ ]+)*$");
const HEADER = object({ schema: SCHEMA }, { description: TEXT });
const PARAMETER = {
  ...object(
    { name: TEXT, in: { enum: ["path", "query", "header", "cookie"] }, schema: SCHEMA },
    { description: TEXT, required: BOOLEAN, "x-signed": BOOLEAN, "x-max-bytes": NUMBER },
  ),
  if: { properties: { in: { const: "path" } } },
  // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word
  then: { required: ["required"], properties: { required: { const: true } } },
};
const RESPONSE = object(
  { description: TEXT },
  { headers: map(or(HEADER, "headers"), "^[a-z-]+$"), content: MEDIA },
);
const OPERATION = object(
  {
    operationId: { type: "string", pattern: "^[a-z][A-Za-z0-9]+$" },
    tags: { type: "array", items: TEXT, minItems: 1 },
    summary: TEXT,
    security: list(map(list(TEXT))),
    responses: { ...map(or(RESPONSE, "responses"), "^[1-5]\\d\\d$"), minProperties: 1 },
  },
  {
    parameters: list(or(PARAMETER, "parameters")),
    requestBody: object(
      { content: MEDIA },
      { description: TEXT, required: BOOLEAN, "x-signed": BOOLEAN, "x-max-bytes": NUMBER },
    ),
  },
);

export const OPENAPI_3_1 = {
  ...object(
    {
      openapi: { type: "string", pattern: "^3\\.1\\.\\d+$" },
      info: object({ title: TEXT, version: TEXT }, { summary: TEXT, description: TEXT }),
      paths: map(
        {
          ...object({}, { get: OPERATION, put: OPERATION, post: OPERATION, delete: OPERATION }),
          minProperties: 1,
        },
        "^/",
      ),
    },
    {
      servers: list(object({ url: TEXT }, { description: TEXT })),
      tags: list(object({ name: TEXT }, { description: TEXT })),
      components: object(
        {},
        {
          schemas: map(SCHEMA),
          responses: map(or(RESPONSE, "responses")),
          parameters: map(or(PARAMETER, "parameters")),
          headers: map(or(HEADER, "headers")),
          securitySchemes: map(
            object(
              { type: { const: "apiKey" }, in: { enum: ["header", "query", "cookie"] }, name: TEXT },
              { description: TEXT },
            ),
          ),
        },
      ),
    },
  ),
  $defs: { schema: { type: "object" } },
};
