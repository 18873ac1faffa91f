import { dirname, relative, resolve } from "node:path";
import tseslint from "typescript-eslint";

/** What each folder of src/ may import from src/ (docs/design.md: folders, and who may import whom). */
const MAY_IMPORT = {
  machines: [],
  config: ["machines"],
  telemetry: ["machines"],
  drivers: ["machines", "config"],
  actors: ["machines", "drivers", "config", "telemetry"],
  http: ["actors", "machines", "drivers", "config", "telemetry"],
  simulator: ["actors", "machines", "drivers", "config", "telemetry"],
  "crunch-run": ["drivers"],
  cli: null,
};

const FOLDERS = Object.keys(MAY_IMPORT);

/** Packages that a folder is limited to, where it is limited. */
const PACKAGES = {
  machines: "^(?!xstate$|zod$|\\.)",
  config: "^(?!zod$|yaml$|node:|\\.)",
  "crunch-run": "^(?!node:|\\.)",
};

const clocks = [
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    name: "Date.now()",
  },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", name: "new Date()" },
  {
    selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
    name: "Math.random()",
  },
  {
    selector: "CallExpression[callee.object.name='performance'][callee.property.name='now']",
    name: "performance.now()",
  },
].map(({ selector, name }) => ({
  selector,
  message: `${name}: take the time and chance from the Clock that is passed in`,
}));

/** Folders that use RxJS. */
const STREAMS = ["actors", "simulator"];

/** Operators of RxJS that wait: without a scheduler they go by real time, which no simulated clock drives. */
const realTime = [
  {
    selector:
      "CallExpression[callee.name=/^(timer|interval|delay|debounceTime|throttleTime|auditTime|sampleTime|bufferTime|windowTime|timeout)$/][arguments.length<2]",
    message: "give it the scheduler of the Clock (src/actors/scheduler.ts)",
  },
  {
    selector:
      "CallExpression[callee.name=/^(retry|repeat)$/] > ObjectExpression > Property[key.name='delay'][value.type!='ArrowFunctionExpression']",
    message: "a delay in figures goes by real time: return a timer with the scheduler of the Clock",
  },
];

function boundaries(folder) {
  const allowed = MAY_IMPORT[folder];
  const patterns = [];
  if (allowed) {
    for (const other of FOLDERS) {
      if (other === folder || allowed.includes(other)) continue;
      patterns.push({
        regex: `^(\\.\\./)+${other}/`,
        message: `src/${folder} must not import src/${other}`,
      });
    }
  }
  if (folder === "actors" || folder === "http" || folder === "simulator") {
    patterns.push({
      regex: "/drivers/.+/(?!port\\.ts$)[^/]+$",
      message: `src/${folder} may import a driver's port.ts only, never an adapter`,
    });
  }
  if (folder === "config") {
    patterns.push({
      regex: "/machines/(?!model/)",
      message: "src/config may import the model of src/machines only",
    });
  }
  if (folder === "crunch-run") {
    patterns.push({
      regex: "/drivers/(?!queue/arvados/)",
      message: "src/crunch-run may import the controller client of drivers/queue/arvados only",
    });
  }
  if (PACKAGES[folder]) {
    patterns.push({ regex: PACKAGES[folder], message: `src/${folder} may not use this package` });
  }
  return patterns;
}

/**
 * The page runs elsewhere: it may use its own files, preact and its signals, and of the rest of src/ the types of what
 * goes over the wire, and what makes files of it and texts of amounts (plain functions, which the command line uses too).
 */
const pageImports = {
  meta: { messages: { foreign: "the page may not import {{source}}" } },
  create(context) {
    const page = resolve(import.meta.dirname, "src/http/visualizer");
    const isAllowed = (source, isType) => {
      if (!source.startsWith(".")) return /^(preact(\/hooks)?|@preact\/signals)$/.test(source);
      const path = relative(page, resolve(dirname(context.filename), source));
      if (!path.startsWith("..") || path.startsWith("../export/")) return true;
      if (path === "../../machines/model/amounts.ts") return true;
      return isType && path.startsWith("../wire/");
    };
    const check = (node) => {
      const source = node.source?.value;
      if (typeof source !== "string") return;
      const isType = node.importKind === "type" || node.exportKind === "type";
      if (!isAllowed(source, isType))
        context.report({ node, messageId: "foreign", data: { source } });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
    };
  },
};

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "coverage/"] },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      "@typescript-eslint/switch-exhaustiveness-check": "off",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/require-await": "off",
      eqeqeq: ["error", "smart"],
      "max-depth": ["error", 4],
    },
  },
  ...FOLDERS.map((folder) => ({
    files: [`src/${folder}/**/*.{ts,tsx}`],
    rules: {
      "no-restricted-imports": ["error", { patterns: boundaries(folder) }],
      "no-restricted-syntax": [
        "error",
        ...(folder === "crunch-run" ? [] : clocks),
        ...(STREAMS.includes(folder) ? realTime : []),
        {
          // The pattern above sees static imports only.
          selector: `ImportExpression[source.value=/${
            MAY_IMPORT[folder]
              ? FOLDERS.filter((o) => o !== folder && !MAY_IMPORT[folder].includes(o))
                  .map((o) => `^(..\\u002F)+${o}\\u002F`)
                  .join("|") || "^$"
              : "^$"
          }/]`,
          message: `src/${folder}: the import rule holds for dynamic imports too`,
        },
      ],
    },
  })),
  {
    files: ["src/http/visualizer/**/*.{ts,tsx}"],
    plugins: { page: { rules: { imports: pageImports } } },
    rules: { "page/imports": "error", "no-restricted-imports": "off" },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    rules: {
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      "no-console": "error",
      "no-restricted-properties": [
        "error",
        { object: "process", property: "env", message: "the environment is read in src/cli only" },
      ],
    },
  },
  {
    files: ["src/cli/**/*.ts", "src/crunch-run/**/*.ts", "src/drivers/cloud/loopback/instance.ts"],
    rules: { "no-restricted-properties": "off" },
  },
  {
    // The one file of the daemon that reads the machine's clock, and the page's one that reads the browser's.
    files: [
      "src/actors/clock.ts",
      "src/http/visualizer/clock.ts",
      "src/cli/**/*.ts",
      "src/drivers/cloud/loopback/instance.ts",
    ],
    rules: { "no-restricted-syntax": "off" },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/unbound-method": "off",
      "max-lines": ["error", { max: 600, skipBlankLines: true, skipComments: true }],
    },
  },
);
