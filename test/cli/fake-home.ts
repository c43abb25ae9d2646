import type { PurgeReport, PurgeView } from "../../src/protocol/purge.ts";
import type { UnitReport, UnitView } from "../../src/protocol/unit.ts";

const purgeView: PurgeView = {
  home: "/home/td",
  isRunning: true,
  entries: ["/home/td/audit", "/home/td/store"],
  unit: null,
  repositories: [{ gitDir: "/repo/.git", pins: 2, branches: ["taskdaemon/1"] }],
  kept: ["/gone is gone: nothing is removed there"],
};

const noPurge: PurgeReport = { home: "/home/td", kept: [], failed: [] };

const unitView: UnitView = {
  file: "/etc/systemd/system/taskdaemon.service",
  text: "[Unit]\n",
  isInstalled: false,
  enable: "systemctl enable --now taskdaemon.service",
  keysFile: "/etc/taskdaemon/environment",
  notes: [],
};

const unitReport: UnitReport = {
  file: unitView.file,
  isEnabled: false,
  lines: [`wrote ${unitView.file}`, "not enabled (there is no systemctl)"],
};

/** What a program says of its home as a whole. */
export class FakeHome {
  readonly asked: unknown[] = [];
  purged: PurgeReport = noPurge;

  readonly purgeView = async () => purgeView;
  readonly purge = async (_place: unknown, options: unknown) => {
    this.asked.push({ purge: options });
    return this.purged;
  };
  readonly unit = async () => unitView;
  readonly installUnit = async () => unitReport;
  readonly uninstallUnit = this.installUnit;
  readonly trash = async () => [{ id: "t1", loop: "1", removedAt: "2026-01-01T00:00:00.000Z" }];
  readonly restoreTrash = async () => "/home/td/worktrees/1";
  readonly emptyTrash = async () => 2;
  shell = async () => ({ dir: "/home/td/worktrees/1", env: { TD_LOOP: "1" } });
}
