import tseslint from "typescript-eslint";

const takeAClock = "take a Clock (plugin/core/clock.ts) as an argument";
const takeHttp = "take an HttpSend (plugin/stores/http.ts) as an argument";
const takeConfig = "take the value as an argument; the environment is read in plugin/config.ts";

/** What the product may not reach by itself: each has one place that hands it on. */
const environment = { object: "process", property: "env", message: takeConfig };
const time = [
  { object: "Date", property: "now", message: takeAClock },
  { object: "performance", property: "now", message: takeAClock },
  { object: "process", property: "hrtime", message: takeAClock },
  { object: "AbortSignal", property: "timeout", message: "use withDeadline (plugin/core/deadline.ts)" },
];
const timeGlobals = ["setTimeout", "setInterval"].map((name) => ({ name, message: takeAClock }));
const bareDate = { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: takeAClock };
const timeModules = ["node:timers", "node:timers/promises", "timers", "timers/promises", "node:process", "process"];

export default tseslint.config(
  { ignores: ["dist/**", "node_modules/**"] },
  { files: ["**/*.{mjs,cjs}"], extends: [...tseslint.configs.recommended] },
  { files: ["**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-console": "error",
      eqeqeq: ["error", "always"],
    },
  },
  {
    files: ["plugin/**/*.ts"],
    rules: {
      "no-restricted-properties": ["error", environment, ...time],
      "no-restricted-globals": ["error", ...timeGlobals, { name: "fetch", message: takeHttp }],
      "no-restricted-syntax": ["error", bareDate],
      "no-restricted-imports": ["error", { paths: timeModules.map((name) => ({ name, message: takeAClock })) }],
    },
  },
  { files: ["plugin/config.ts"], rules: { "no-restricted-properties": ["error", ...time] } },
  {
    // Where the outside comes in.
    files: ["plugin/core/clock.ts", "plugin/wire/**/*.ts"],
    rules: {
      "no-restricted-properties": ["error", environment],
      "no-restricted-globals": "off",
      "no-restricted-syntax": "off",
      "no-restricted-imports": "off",
    },
  },
  {
    // node:test returns promises that the runner itself awaits.
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "suite", "describe", "it"] },
          ],
        },
      ],
      "@typescript-eslint/require-await": "off",
    },
  },
  { files: ["bench/**/*.ts"], rules: { "no-console": "off" } },
);
