import { REQUEST_ID_HEADER } from "../../../shared/http/answer.ts";
import type { OpenApi } from "../../../shared/api/contents.ts";
import type { Plan } from "../../../shared/api/plan.ts";
import { ROUTES } from "../../../shared/api/routes.ts";
import { OPERATOR_PARAMETER, operationOf, templateOf } from "./operations.ts";
import { problemResponses, problemSchemas } from "./problems.ts";
import { Schemas, type SchemaNode } from "./schemas.ts";
import { ALL_TAGS } from "./tags.ts";

const ABOUT = `Payments at Stripe become transactions of a public chain of signed blocks.

Whoever wants to read or verify the chain needs no key: those calls may be made from any web page. Calls for operators
take the header \`x-admin-secret\`, or an identity of Cloudflare Access.

Every error is \`application/problem+json\` (RFC 9457); its \`type\` is stable. A path that does not exist answers 404, one
that exists and does not take the method answers 405 with \`allow\`. HEAD works wherever GET does. Operators' calls refuse
query parameters that they do not know; public ones ignore them. Times are milliseconds since the epoch.`;

/** Makes the document of the interface; the same table of routes gives the same text. */
export function documentOf(version: string): OpenApi {
  const schemas = new Schemas();
  const paths: Record<string, SchemaNode> = {};
  for (const [name, plan] of Object.entries<Plan>(ROUTES)) {
    const [method = "", path = ""] = name.split(" ");
    const template = templateOf(path);
    paths[template] = {
      ...paths[template],
      [method.toLowerCase()]: operationOf(method, path, plan, schemas),
    };
  }
  const problems = problemSchemas(schemas);
  return {
    openapi: "3.1.0",
    info: {
      title: "Veritas Documents Chain",
      version,
      summary: "Payments become a public chain",
      description: ABOUT,
    },
    servers: [{ url: "/" }],
    tags: ALL_TAGS.filter(({ name }) => isUsed(name, paths)).map(({ name, description }) => ({
      name,
      description,
    })),
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      parameters: { Operator: OPERATOR_PARAMETER },
      headers: { RequestId: REQUEST_ID },
      responses: problemResponses(),
      schemas: { ...schemas.used(), ...problems },
    },
  };
}

function isUsed(tag: string, paths: Readonly<Record<string, SchemaNode>>): boolean {
  return Object.values(paths).some((path) =>
    Object.values(path).some((operation) => (operation as { tags: string[] }).tags.includes(tag)),
  );
}

const REQUEST_ID = {
  description: `Names the request in the log. Send your own ${REQUEST_ID_HEADER} (8 to 64 of A-Z a-z 0-9 -), else one is made`,
  schema: { type: "string", pattern: "^[A-Za-z0-9-]{8,64}$" },
};

const SECURITY_SCHEMES = {
  adminSecret: {
    type: "apiKey",
    in: "header",
    name: "x-admin-secret",
    description:
      "The value of ADMIN_SECRET. Say in `x-operator` who you are: in UTF-8, or percent-encoded as RFC 8187 has it (`UTF-8''%E6%9D%8E`).",
  },
  cloudflareAccess: {
    type: "apiKey",
    in: "cookie",
    name: "CF_Authorization",
    description:
      "Cloudflare Access in front of the gateway, where ACCESS_AUD is set: a person signs in, a program sends its service token (CF-Access-Client-Id, CF-Access-Client-Secret).",
  },
  stripeSignature: {
    type: "apiKey",
    in: "header",
    name: "stripe-signature",
    description: "Stripe's signature of the body, not older than 300 seconds.",
  },
};
