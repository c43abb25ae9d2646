import type { Config } from "../adapters/config/schema.ts";
import { runNotifyCommand } from "../adapters/notify/command.ts";
import { type Desktop, findDesktop, showOnDesktop } from "../adapters/notify/desktop.ts";
import { postWebhook } from "../adapters/notify/webhook.ts";
import { searchPath } from "../adapters/sandbox/environment.ts";
import type { Batch, Channel, Sent } from "../ports/notify.ts";
import type { NotifyTestView } from "../protocol/alerts.ts";
import { type Notification, notificationOf } from "../views/notification.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ChannelsOptions {
  readonly around: Surroundings;
  readonly home: string;
  /** As it is at the moment, of the user alone. */
  readonly config: () => Config;
  readonly redact: (text: string) => string;
  /** Nothing is sent unrecorded. Rejects when it cannot be recorded. */
  readonly record: (channel: string, note: Notification) => Promise<void>;
}

/** A channel, and what is wrong with it or where it goes, in words. */
export interface NotifyChannel extends Channel {
  readonly about: () => string;
}

const passed = ["LANG", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"];
const alsoPassed = ["XDG_RUNTIME_DIR", "XAUTHORITY", "USER", "LOGNAME", "TZ"];

/** All there are, configured or not. */
export function channelsOf(options: ChannelsOptions): readonly NotifyChannel[] {
  const desktop = findDesktop(options.around.env, options.around.platform);
  return [desktopChannel(options, desktop), webhookChannel(options), commandChannel(options)];
}

/** Sends it once by every channel that is on. */
export async function tryChannels(
  channels: readonly NotifyChannel[],
  batch: Batch,
  signal: AbortSignal,
): Promise<readonly NotifyTestView[]> {
  return Promise.all(
    channels.map(async (each): Promise<NotifyTestView> => {
      const { name: channel } = each;
      if (!each.isOn()) return { channel, state: "off", message: each.about() };
      const sent = await each.send(batch, signal);
      if (sent.ok) return { channel, state: "sent", message: each.about() };
      return { channel, state: "failed", message: sent.reason };
    }),
  );
}

function desktopChannel(options: ChannelsOptions, desktop: Desktop): NotifyChannel {
  const { around, config } = options;
  const isOff = () => config().notify.desktop === "off";
  return channel(options, {
    name: "desktop",
    isOn: () => !isOff() && desktop.ok,
    about: () => {
      if (isOff()) return "notify.desktop is off";
      return desktop.ok ? `by ${desktop.program}` : desktop.why;
    },
    bring: async (note, signal) =>
      desktop.ok
        ? showOnDesktop(desktop, note, around.env, signal)
        : { ok: false, reason: desktop.why, again: false },
  });
}

function webhookChannel(options: ChannelsOptions): NotifyChannel {
  const { around, config } = options;
  return channel(options, {
    name: "webhook",
    isOn: () => config().notify.webhook !== null,
    about: () => {
      const { webhook, "webhook-secret-env": secret } = config().notify;
      if (webhook === null) return "notify.webhook is not set";
      const signed = secret === null ? "not signed" : `signed with ${secret}`;
      return `to ${new URL(webhook).host}, ${signed}`;
    },
    bring: async (note, signal) => {
      const { webhook: url, "webhook-secret-env": name } = config().notify;
      if (url === null) return { ok: false, reason: "there is no address any more", again: false };
      const secret = name === null ? null : (around.env[name] ?? "");
      if (secret === "") {
        const reason = `${name} is not set in the daemon's environment, so nothing can be signed`;
        return { ok: false, reason, again: false };
      }
      return postWebhook({ url, secret, id: note.id }, JSON.stringify(note), signal);
    },
  });
}

function commandChannel(options: ChannelsOptions): NotifyChannel {
  const { around, config, home: dir } = options;
  return channel(options, {
    name: "command",
    isOn: () => config().notify.command !== null,
    about: () => (config().notify.command === null ? "notify.command is not set" : "as configured"),
    bring: async (note, signal) => {
      const { command } = config().notify;
      if (command === null) return { ok: false, reason: "there is none any more", again: false };
      const env = { ...givenOf(around), PATH: searchPath(around.env).join(":") };
      return runNotifyCommand({ command, env, dir, id: note.id }, JSON.stringify(note), signal);
    },
  });
}

interface Way extends Omit<NotifyChannel, "send"> {
  readonly bring: (note: Notification, signal: AbortSignal) => Promise<Sent>;
}

function channel({ redact, record }: ChannelsOptions, { bring, ...way }: Way): NotifyChannel {
  return {
    ...way,
    send: async (batch, signal) => {
      const note = notificationOf(batch, redact);
      try {
        await record(way.name, note);
        const sent = await bring(note, signal);
        return sent.ok ? sent : { ...sent, reason: redact(sent.reason) };
      } catch (error) {
        return { ok: false, reason: redact(String(error)), again: false };
      }
    },
  };
}

/** No key of anybody's is among them. */
function givenOf({ env, userHome }: Surroundings): Record<string, string> {
  const given: Record<string, string> = { HOME: userHome };
  for (const name of [...passed, ...alsoPassed]) {
    const value = env[name];
    if (value !== undefined) given[name] = value;
  }
  return given;
}
