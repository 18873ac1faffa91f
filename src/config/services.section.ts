import { z } from "zod";
import { key, optionalSection, section, text } from "./fields.ts";

/** An URL with an empty path gets `/`, so that `http://h:9006` and `http://h:9006/` are one key (specification §1.2). */
export function normalizeUrl(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+$/i.test(url) ? `${url}/` : url;
}

function isServiceUrl(url: string): boolean {
  return /^(https?|wss?):\/\/[^/?#]/i.test(url) && URL.canParse(url);
}

const EXPECTED_URL = "a URL such as http://localhost:9006/";

const internalUrl = section({
  listenURL: key(
    "ListenURL",
    text("").refine((url) => url === "" || isServiceUrl(url), { error: EXPECTED_URL }),
  ),
  rendezvous: key("Rendezvous", text("")),
});

const internalUrls = z
  .record(z.string().refine(isServiceUrl, { error: EXPECTED_URL }), internalUrl, {
    error: "a map from URLs to {}",
  })
  .prefault({})
  .transform((urls) =>
    Object.fromEntries(Object.entries(urls).map(([url, entry]) => [normalizeUrl(url), entry])),
  );

const controllerUrl = text("")
  .refine((url) => url === "" || (/^https?:\/\/[^/?#]/i.test(url) && URL.canParse(url)), {
    error: "the controller's URL, such as https://controller.example.org/",
  })
  .describe("The controller's base URL; may be empty with the embedded queue");

export const services = optionalSection({
  controller: key(
    "Controller",
    optionalSection({ externalURL: key("ExternalURL", controllerUrl) }),
  ),
  dispatchCloud: key(
    "DispatchCloud",
    optionalSection({
      internalURLs: key(
        "InternalURLs",
        internalUrls,
        "Where to listen; the command line reaches the daemon there",
      ),
    }),
  ),
});
