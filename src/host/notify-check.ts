import type { Config } from "../adapters/config/schema.ts";
import type { Check } from "../protocol/program.ts";
import { asUserError } from "./errors.ts";
import { channelsOf } from "./notify-channels.ts";
import type { Surroundings } from "./surroundings.ts";
import { loadRepositoryConfig } from "./world.ts";

/** Who would be told, from an environment like ours; none where the configuration cannot be read. */
export function checkNotify(around: Surroundings, home: string): readonly Check[] {
  let users: Config;
  try {
    users = loadRepositoryConfig(around, home, null).config;
  } catch (error) {
    if (asUserError(error) === error) throw error;
    return []; // The repository's check says what is wrong with it.
  }
  const channels = channelsOf({
    ...{ around, home, config: () => users },
    redact: (text) => text,
    record: async () => undefined,
  });
  const name = "notifications";
  const secret = users.notify["webhook-secret-env"];
  if (users.notify.webhook !== null && secret !== null && !around.env[secret]) {
    const message = `nothing can be posted: ${secret} is not set here`;
    return [{ name, state: "warning", message, remedy: `start the daemon with ${secret} set` }];
  }
  const on = channels.filter((channel) => channel.isOn());
  if (on.length > 0) {
    const message = on.map((channel) => `${channel.name} ${channel.about()}`).join("; ");
    return [{ name, state: "ok", message, remedy: "td notify test sends one" }];
  }
  const message = `none: ${channels[0]?.about() ?? "there is no channel"}`;
  return [{ name, state: "ok", message, remedy: "write notify: in the user-level taskdaemon.yml" }];
}
