/** Replaces every secret in a text; texts without one come back as they are. */
export type Redactor = (text: string) => string;

const REDACTED = "[redacted]";
/** Shorter ones would be found in ordinary words. */
const SECRET_LENGTH_MIN = 4;
const LINE_LENGTH_MIN = 16;

/** What looks like a secret, whoever's it is. */
const PATTERNS: readonly [RegExp, string][] = [
  [
    // A text cut off inside a key has no END; inside JSON the key ends with its string.
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^"']*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|(?=["'])|$)/g,
    REDACTED,
  ],
  [/\b(bearer|oauth2|basic)(\s+|%20|\+)[\w.~+/=%-]{8,}/gi, `$1$2${REDACTED}`],
  [/(?<![\w/.])v2(\/|%2f)([\w-]+)\1[^\s"'\\&,;<>)\]}]+/gi, `v2$1$2$1${REDACTED}`],
  [
    /\b((?:api|access|reader|refresh)_tokens?|client_secret|password)(=|%3d)[^\s"'\\&,;]+/gi,
    `$1$2${REDACTED}`,
  ],
];

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The ways in which a secret turns up in a text: as it is, encoded, or, of a key with many lines, a line alone. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const lines = secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= LINE_LENGTH_MIN && !line.startsWith("-----"));
  const plain = secret.includes("\n") ? [secret, ...lines] : [secret];
  return [
    ...plain.flatMap((text) => [
      text,
      escapeJson(text),
      escapeJson(escapeJson(text)),
      encodeURIComponent(text),
      encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
      new URLSearchParams({ "": text }).toString().slice(1),
    ]),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
  ];
}

/**
 * The one place where secrets are taken out of texts: of logs, of error messages and of what workers print. Knows the
 * given secrets in any of their encodings, and by their looks bearer and `v2/` tokens and private keys.
 */
export function makeRedactor(secrets: Iterable<string>): Redactor {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.trim().length < SECRET_LENGTH_MIN) continue;
    for (const form of formsOf(secret.trim())) forms.add(form);
  }
  // The longest first, or the rest of a longer one would be left over.
  const sorted = [...forms].sort((a, b) => b.length - a.length);
  const known =
    sorted.length > 0
      ? new RegExp(sorted.map((form) => form.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|"), "g")
      : undefined;
  return (text) => {
    let clean = known ? text.replace(known, REDACTED) : text;
    for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
    return clean;
  };
}

/** The same for a line of JSON, which stays one. */
export function redactJson(line: string, redact: Redactor): string {
  if (redact(line) === line) return line;
  // A match may begin within an escape (`\n` and a secret that begins with n): look at the values.
  const value: unknown = JSON.parse(line);
  return JSON.stringify(redactValue(value, redact)) + (line.endsWith("\n") ? "\n" : "");
}

function redactValue(value: unknown, redact: Redactor): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((inner) => redactValue(inner, redact));
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => [
      redact(key),
      redactValue(inner, redact),
    ]);
    return Object.fromEntries(entries);
  }
  const text = String(value);
  const clean = redact(text);
  return clean === text ? value : clean;
}
