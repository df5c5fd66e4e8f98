import assert from "node:assert/strict";
import { test } from "node:test";
import { isDnsLabel, isDnsSubdomain, isSecretKey, nearestName } from "../../plugin/core/names.ts";

const rows: ReadonlyArray<{ text: string; label: boolean; subdomain: boolean; key: boolean }> = [
  { text: "a", label: true, subdomain: true, key: true },
  { text: "a-b", label: true, subdomain: true, key: true },
  { text: "a.b", label: false, subdomain: true, key: true },
  { text: "A_b", label: false, subdomain: false, key: true },
  { text: "-a", label: false, subdomain: false, key: true },
  { text: "a-", label: false, subdomain: false, key: true },
  { text: "a..b", label: false, subdomain: false, key: true },
  { text: "..", label: false, subdomain: false, key: true },
  { text: "a/b", label: false, subdomain: false, key: false },
  { text: "a\n", label: false, subdomain: false, key: false },
  { text: "é", label: false, subdomain: false, key: false },
  { text: "", label: false, subdomain: false, key: false },
  { text: "a".repeat(63), label: true, subdomain: true, key: true },
  { text: "a".repeat(64), label: false, subdomain: true, key: true },
  { text: "a".repeat(254), label: false, subdomain: false, key: false },
];
for (const row of rows)
  test(`${JSON.stringify(row.text.slice(0, 12))} (${row.text.length}) as label, subdomain and Secret key`, () =>
    assert.deepEqual(
      [isDnsLabel(row.text), isDnsSubdomain(row.text), isSecretKey(row.text)],
      [row.label, row.subdomain, row.key],
    ));

const known = ["secretStoreRef", "refreshInterval", "data", "dataFrom"];
const near: ReadonlyArray<[string, string | undefined]> = [
  ["secretStoreref", "secretStoreRef"],
  ["refreshIntervall", "refreshInterval"],
  ["datas", "data"],
  ["dataform", "dataFrom"],
  ["zzzzzzzzzzzz", undefined],
];
for (const [text, want] of near)
  test(`the nearest name to ${text} is ${want}`, () => assert.equal(nearestName(text, known), want));
