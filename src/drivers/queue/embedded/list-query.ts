import { RESOURCES, type Attribute, type ResourceSchema } from "./attributes.ts";
import { QueueStoreError, type ListQuery, type Resource } from "./port.ts";
import type { Sql } from "./sql.ts";

type Filterable = Required<Attribute>;

/** The page's records, one JSON text a row. Throws `QueueStoreError` 422 that names what is wrong. */
export function listSql(resource: Resource, query: ListQuery): Sql {
  const schema = RESOURCES[resource];
  const where = whereSql(schema, query.filters);
  const text =
    `SELECT ${recordSql(resource, query.select)} FROM ${schema.from}${where.text}` +
    ` ORDER BY ${orderSql(schema, query.order)} LIMIT ? OFFSET ?`;
  return { text, values: [...where.values, BigInt(query.limit), BigInt(query.offset)] };
}

export function countSql(resource: Resource, query: ListQuery): Sql {
  const schema = RESOURCES[resource];
  const where = whereSql(schema, query.filters);
  return { text: `SELECT count(*) FROM ${schema.from}${where.text}`, values: where.values };
}

export function getSql(resource: Resource, uuid: string, select: readonly string[] | null): Sql {
  const { from, uuidColumn } = RESOURCES[resource];
  const text = `SELECT ${recordSql(resource, select)} FROM ${from} WHERE ${uuidColumn} = ?`;
  return { text, values: [uuid] };
}

function invalid(message: string): QueueStoreError {
  return new QueueStoreError(422, [message]);
}

/** One record as JSON text. Throws `QueueStoreError` 422 for an unknown attribute. */
export function recordSql(resource: Resource, select: readonly string[] | null): string {
  const { attributes } = RESOURCES[resource];
  const names = select ?? [...attributes].flatMap(([name, { isOwn }]) => (isOwn ? [] : [name]));
  if (names.length === 0) throw invalid("Attribute selection list cannot be empty");
  const members = [...new Set(names)].map((name) => {
    const attribute = attributes.get(name);
    if (!attribute) throw invalid(`Invalid attribute(s): ${JSON.stringify(name)} in select`);
    return `'${name}', ${attribute.json}`;
  });
  return `json_object(${members.join(", ")})`;
}

function filterable(schema: ResourceSchema, name: unknown, where: string): Filterable {
  const attribute = typeof name === "string" ? schema.attributes.get(name) : undefined;
  if (attribute?.column === undefined || attribute.kind === undefined) {
    throw invalid(`Invalid attribute ${JSON.stringify(name)} in ${where}`);
  }
  return attribute as Filterable;
}

function orderSql(schema: ResourceSchema, order: readonly string[]): string {
  const terms = order.map((term) => {
    const [name, direction = "asc", ...rest] = term.trim().split(/\s+/);
    const { column } = filterable(schema, name?.replace(/^\w+\./, ""), "order");
    if (!/^(asc|desc)$/i.test(direction) || rest.length > 0) {
      throw invalid(
        `Invalid order ${JSON.stringify(term)}: expected "<attribute> asc" or "… desc"`,
      );
    }
    return `${column} ${direction.toUpperCase()}`;
  });
  const all = terms.length > 0 ? terms : [...schema.defaultOrder];
  // Pages by offset need one order among equals.
  if (!all.some((term) => term.startsWith(`${schema.uuidColumn} `))) all.push(schema.uuidColumn);
  return all.join(", ");
}

function whereSql(schema: ResourceSchema, filters: readonly unknown[]): Sql {
  const conditions = filters.map((filter) => conditionSql(schema, filter));
  return {
    text:
      conditions.length === 0 ? "" : ` WHERE ${conditions.map(({ text }) => text).join(" AND ")}`,
    values: conditions.flatMap(({ values }) => values),
  };
}

function conditionSql(schema: ResourceSchema, filter: unknown): Sql {
  if (!Array.isArray(filter) || filter.length !== 3) {
    const expected = `expected ["attribute", "operator", operand]`;
    throw invalid(`Invalid element in filters: ${JSON.stringify(filter)}: ${expected}`);
  }
  const [name, operator, operand] = filter as unknown[];
  const attribute = filterable(schema, name, "filter");
  const { column } = attribute;
  const bad = (expected: string) =>
    invalid(
      `Invalid operand for '${String(operator)}' filter on ${String(name)}: expected ${expected}`,
    );
  switch (typeof operator === "string" ? operator.toLowerCase() : operator) {
    case "=":
      if (operand === null) return { text: `${column} IS NULL`, values: [] };
      return { text: `${column} = ?`, values: [readOperand(attribute, operand, bad)] };
    case "!=":
      if (operand === null) return { text: `${column} IS NOT NULL`, values: [] };
      return { text: `${column} IS NOT ?`, values: [readOperand(attribute, operand, bad)] };
    case "<":
    case "<=":
    case ">":
    case ">=":
      return {
        text: `${column} ${String(operator)} ?`,
        values: [readOperand(attribute, operand, bad)],
      };
    case "in":
    case "not in": {
      if (!Array.isArray(operand)) throw bad("a list");
      const values = operand.map((each: unknown) => readOperand(attribute, each, bad));
      // One parameter whatever the length, so that the statement is one too.
      const list = `(SELECT value FROM json_each(?))`;
      const listed = values.map((value) =>
        typeof value === "bigint" ? value : JSON.stringify(value),
      );
      const text =
        String(operator).toLowerCase() === "in" ? `${column} IN ${list}` : notIn(column, list);
      return { text, values: [`[${listed.join(",")}]`] };
    }
    default:
      throw invalid(`Invalid operator ${JSON.stringify(operator)} in filter on ${String(name)}`);
  }
}

function notIn(column: string, list: string): string {
  return `(${column} IS NULL OR ${column} NOT IN ${list})`;
}

function readOperand(
  { kind }: Filterable,
  operand: unknown,
  bad: (expected: string) => QueueStoreError,
): string | bigint {
  if (kind === "integer") {
    const digits = typeof operand === "number" ? String(operand) : operand;
    if (typeof digits !== "string" || !/^-?\d{1,18}$|^-?[1-8]\d{18}$/.test(digits)) {
      throw bad("an integer");
    }
    return BigInt(digits);
  }
  if (typeof operand !== "string") throw bad("a string");
  if (kind === "text") return operand;
  const ms = Date.parse(operand);
  if (Number.isNaN(ms)) throw bad("a time as 2026-01-02T03:04:05Z");
  return new Date(ms).toISOString();
}
