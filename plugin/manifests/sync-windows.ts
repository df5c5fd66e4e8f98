/** The fields of `spec.syncWindows`: when periodic refreshes may happen. */
import * as v from "valibot";
import { described, fields } from "./fields.ts";
import { duration } from "./values.ts";

const schedule = v.pipe(
  v.string(),
  v.regex(
    /^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|@every \S+.*|\S+( \S+){4})$/,
    "must be five fields as in crontab, or a word such as @daily",
  ),
);

export const syncWindowsSchema = fields({
  kind: described(
    "allow: periodic refreshes happen inside of the windows only; deny: outside of them only.",
    v.picklist(["allow", "deny"]),
  ),
  windows: described(
    "When the windows are.",
    v.pipe(
      v.array(
        fields({
          schedule: described(
            "When a window opens: five fields as in crontab, or @daily and the like; in UTC.",
            schedule,
          ),
          duration: described("How long it stays open, such as 8h.", duration),
        }),
      ),
      v.minLength(1, "must not be empty"),
    ),
  ),
});
