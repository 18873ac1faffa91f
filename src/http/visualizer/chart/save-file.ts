const TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  svg: "image/svg+xml",
};

/** Hands a text over as a download. */
export function saveFile(name: string, text: string): void {
  const ending = name.slice(name.lastIndexOf(".") + 1);
  const url = URL.createObjectURL(new Blob([text], { type: TYPES[ending] ?? "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  // Ids come from outside.
  link.download = name.replace(/[^\w.-]/g, "_");
  link.click();
  URL.revokeObjectURL(url);
}
