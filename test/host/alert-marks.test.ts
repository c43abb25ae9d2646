import { expect, test } from "vitest";
import type { Alert } from "../../src/core/alerts.ts";
import type { Notice } from "../../src/core/notice.ts";
import { AlertMarks } from "../../src/host/alert-marks.ts";

const alert = (id: string): Alert => ({
  ...{ id, level: "critical", since: 0 },
  ...{ text: `${id} is wrong`, remedy: "td doctor" },
});

/** A file, and what was told; a new one over the same file is a restart. */
class Marks {
  readonly told: Notice[] = [];
  readonly marks: AlertMarks;

  constructor(file: { alerts: ReadonlyMap<string, number> }) {
    const keepAlerts = async (alerts: ReadonlyMap<string, number>) => {
      file.alerts = alerts;
    };
    this.marks = new AlertMarks(
      {
        ...{ keepAlerts },
        get alerts() {
          return file.alerts;
        },
      },
      (error) => {
        throw error;
      },
    );
  }

  look(now: number, channels: number, ...ids: string[]): void {
    this.marks.look(ids.map(alert), now, (notice) => {
      this.told.push(notice);
      return channels;
    });
  }
}

test("an alert is marked once every channel has brought it; a crash before tells it again", () => {
  const file: { alerts: ReadonlyMap<string, number> } = { alerts: new Map() };
  const first = new Marks(file);
  first.look(1, 2, "disk");
  first.look(2, 2, "disk");
  expect(first.told).toHaveLength(1);
  first.marks.brought(first.told);
  expect([...file.alerts]).toEqual([]);

  const second = new Marks(file);
  second.look(3, 2, "disk");
  expect(second.told).toHaveLength(1);
  second.marks.brought(second.told);
  second.marks.brought(second.told);
  expect([...file.alerts]).toEqual([["disk", 3]]);

  const third = new Marks(file);
  third.look(4, 2, "disk");
  expect(third.told).toEqual([]);
});

test("where nobody is told there is nothing to wait for, and one on its way holds up no other", () => {
  const file: { alerts: ReadonlyMap<string, number> } = { alerts: new Map() };
  const marks = new Marks(file);
  marks.look(1, 0, "disk");
  expect([...file.alerts]).toEqual([["disk", 1]]);
  marks.look(2, 1, "disk", "key");
  expect([...file.alerts]).toEqual([["disk", 1]]);
  marks.look(4_000_000, 1, "key");
  expect([...file.alerts.keys()]).toEqual([]);
  marks.marks.brought(marks.told);
  expect([...file.alerts]).toEqual([["key", 2]]);
});
