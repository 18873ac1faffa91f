/** Texts as the page shows them; amounts are written by machines/model/amounts.ts. */

/** The end of an id is what differs; the whole stands in the title. */
export function shortId(id: string, length = 17): string {
  return id.length <= length ? id : `…${id.slice(1 - length)}`;
}

/** What its user named it beside its id. */
export function withName(id: string, name: string): string {
  return name === "" ? id : `${id} (${name})`;
}

/** A code in words: `atQuota` is "at quota". */
export function inWords(code: string): string {
  return code.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Text from outside may be long: cut, and the whole elsewhere. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
