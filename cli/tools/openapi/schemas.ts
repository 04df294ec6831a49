import { toJsonSchema, type ConversionConfig } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { namedSchemas } from "./names.ts";

export type SchemaNode = { [name: string]: unknown };

const SCHEMAS = "#/components/schemas/";

/** Actions that change the value but do not narrow it. */
const HARMLESS = ["trim"];
/**
 * Checks that JSON Schema can't express, for example that a key's id is that of its bytes. The document leaves them out of
 * answers, and so promises less.
 */
const BEYOND_JSON_SCHEMA = ["check"];

const CONFIG: ConversionConfig = {
  target: "draft-2020-12",
  overrideRef: ({ referenceId }) => `${SCHEMAS}${referenceId}`,
};

/** Collects the named schemas that the document uses. */
export class Schemas {
  readonly #named = namedSchemas();
  readonly #used = new Map<string, SchemaNode>();

  /**
   * Converts the schema of a request.
   * @throws Error for a check that the document could not show, unless the plan is `signed`
   */
  input(schema: v.GenericSchema, signed = false): SchemaNode {
    const ignoreActions = signed ? [...HARMLESS, ...BEYOND_JSON_SCHEMA] : HARMLESS;
    return this.#convert(schema, { ...CONFIG, typeMode: "input", ignoreActions });
  }

  /** Converts the schema of an answer. */
  output(schema: v.GenericSchema): SchemaNode {
    const ignoreActions = [...HARMLESS, ...BEYOND_JSON_SCHEMA];
    return this.#convert(schema, { ...CONFIG, typeMode: "output", ignoreActions });
  }

  /** Returns the used schemas in the alphabetical order of their names. */
  used(): SchemaNode {
    return Object.fromEntries([...this.#used].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #convert(schema: v.GenericSchema, config: ConversionConfig): SchemaNode {
    const definitions = convertible(this.#named, config);
    const { $schema: _, $defs = {}, ...own } = toJsonSchema(schema, { ...config, definitions });
    this.#use(own, $defs);
    return withoutEmptyDescriptions(own);
  }

  /** Keeps the definitions to which a schema refers. */
  #use(schema: unknown, definitions: Readonly<Record<string, unknown>>): void {
    for (const name of referencesOf(schema)) {
      const definition = withoutEmptyDescriptions(definitions[name]);
      const known = this.#used.get(name);
      if (known === undefined) {
        this.#used.set(name, definition);
        this.#use(definition, definitions);
      } else if (JSON.stringify(known) !== JSON.stringify(definition))
        throw new Error(
          `${name} is not the same on the way in and out: give one of the two a schema of its own`,
        );
    }
  }
}

/** Leaves out schemas that can't be converted. They may be exported as long as no plan uses them. */
function convertible(
  named: Readonly<Record<string, v.GenericSchema>>,
  config: ConversionConfig,
): Record<string, v.GenericSchema> {
  return Object.fromEntries(
    Object.entries(named).filter(([, schema]) => {
      try {
        return toJsonSchema(schema, config) !== undefined;
      } catch {
        return false;
      }
    }),
  );
}

function* referencesOf(value: unknown): Generator<string> {
  if (value === null || typeof value !== "object") return;
  if ("$ref" in value && typeof value.$ref === "string" && value.$ref.startsWith(SCHEMAS))
    yield value.$ref.slice(SCHEMAS.length);
  for (const member of Object.values(value)) yield* referencesOf(member);
}

/** Removes empty descriptions: a parameter without a text describes itself as "". */
function withoutEmptyDescriptions(schema: unknown): SchemaNode {
  const text = JSON.stringify(schema, (name, member: unknown) =>
    name === "description" && member === "" ? undefined : member,
  );
  return JSON.parse(text) as SchemaNode;
}
