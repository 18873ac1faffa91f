import { bodyParser } from "@koa/bodyparser";
import type { AppContext } from "./context.ts";
import { Problem } from "./problem.ts";

const LIMIT = "64kb";

/** Reads the text; the parsers of §11.3's forms are below. */
const readText = bodyParser({
  enableTypes: ["form", "text"],
  extendTypes: { text: ["multipart/form-data"] },
  formLimit: LIMIT,
  textLimit: LIMIT,
});

/** Waits for the text of a form; reads it once, however often it is called. Throws what the parser throws. */
export async function readFormText(ctx: AppContext): Promise<void> {
  if (ctx.method === "POST") await readText(ctx, () => Promise.resolve());
}

/** A form value: of the body first, then of the query; "" where there is none. */
export type Form = (name: string) => string;

/** Throws `Problem` where body or query cannot be read, or the body is larger than 64 kB. */
export async function readForm(ctx: AppContext): Promise<Form> {
  const sources: Pick<URLSearchParams, "get">[] = [];
  if (ctx.method === "POST") {
    await readFormText(ctx);
    const { rawBody = "" } = ctx.request as { rawBody?: string };
    if (ctx.is("multipart/form-data")) sources.push(await parseMultipart(ctx, rawBody));
    else if (ctx.is("urlencoded")) sources.push(parseEncoded(rawBody, "body"));
  }
  sources.push(parseEncoded(ctx.state.target.search.slice(1), "query"));
  return (name) => {
    for (const source of sources) {
      const value = source.get(name);
      if (typeof value === "string" && value !== "") return value;
    }
    return "";
  };
}

function parseEncoded(text: string, where: string): URLSearchParams {
  try {
    decodeURIComponent(text);
  } catch {
    throw new Problem(400, "bad-form", `the ${where} is not percent-encoded UTF-8`);
  }
  return new URLSearchParams(text);
}

async function parseMultipart(ctx: AppContext, text: string): Promise<URLSearchParams> {
  const headers = { "Content-Type": ctx.get("Content-Type") };
  let form: FormData;
  try {
    form = await new Response(text, { headers }).formData();
  } catch {
    throw new Problem(400, "bad-form", "the body is no multipart/form-data");
  }
  const params = new URLSearchParams();
  for (const [name, value] of form) if (typeof value === "string") params.append(name, value);
  return params;
}
