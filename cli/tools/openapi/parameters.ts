import * as v from "valibot";
import type { TextsSchema } from "../../../shared/api/plan.ts";
import type { SchemaNode, Schemas } from "./schemas.ts";

export function parametersOf(
  place: "path" | "query",
  schema: TextsSchema | undefined,
  schemas: Schemas,
): SchemaNode[] {
  return Object.entries(schema?.entries ?? {}).map(([name, entry]) => {
    const { description, ...shape } = shapeOf(entry, schemas);
    const optional = place === "query" && entry.type === "optional";
    return {
      name,
      in: place,
      ...(description !== undefined && { description }),
      ...(!optional && { required: true }),
      schema: shape,
    };
  });
}

/** Describes the value inside a text: a number or a flag travels as text. */
function shapeOf(entry: v.GenericSchema, schemas: Schemas): SchemaNode {
  const { wrapped = entry, default: otherwise } = entry as Wrapped;
  const steps = stepsOf(wrapped);
  const transform = steps.findIndex(({ type }) => type === "transform");
  if (transform === -1) return schemas.input(entry);
  const meant = steps[0]?.type === "picklist" ? v.boolean() : v.number();
  const shape = schemas.input(v.pipe(meant as v.GenericSchema, ...(steps.slice(transform + 1) as Checks)));
  return otherwise === undefined ? shape : { ...shape, default: JSON.parse(otherwise) as unknown };
}

type Checks = v.PipeItem<unknown, unknown, v.BaseIssue<unknown>>[];
type Step = { readonly kind: string; readonly type: string; readonly pipe?: readonly Step[] };
type Wrapped = v.GenericSchema & { readonly wrapped?: v.GenericSchema; readonly default?: string };

function stepsOf(schema: Step): readonly Step[] {
  return schema.pipe?.flatMap((step) => (step.pipe === undefined ? [step] : stepsOf(step))) ?? [schema];
}
