/** The same list by Ink, in a process of its own: `tui-ink.mjs SECONDS [defaults|fast]`. */

import { setTimeout } from "node:timers/promises";
import { Box, render, Text, useInput } from "ink";
import { createElement, useEffect, useState } from "react";
import { allRows, changing, columns, rows } from "./tui-board.mjs";
import { MeasuredTerminal, measured, tell } from "./tui-measured.mjs";

const [seconds, manner] = process.argv.slice(2);
/** What makes it quickest to answer, at the price of the processor. */
const fast = { maxFps: 60, incrementalRendering: true };
const listColumns = 74;
/** The frame, the header and the hints. */
const shownRows = rows - 4;
const colours = {
  running: "green",
  pending: "gray",
  complete: "blue",
  failed: "red",
  blocked: "yellow",
};
const h = createElement;

const loops = allRows();
const places = new Map(loops.map(({ id }, index) => [id, index]));
const board = { changed: () => undefined };

/** Rows of plain text, cut beforehand: laying out a box for each cell takes it several times longer. */
function Row({ loop, isSelected }) {
  const { id, parent, title, status, iteration, maxIterations, usage } = loop;
  const mark = isSelected ? "▌" : " ";
  const name = `${mark}${id} ${parent === null ? "" : "  "}${title}`.slice(0, 36).padEnd(36);
  const cost = `$${usage.costUsd}`.padStart(8);
  const text = `${name} ${status.padEnd(9)} ${`${iteration}/${maxIterations}`.padEnd(9)}${cost}`;
  return h(Text, { color: colours[status], inverse: isSelected, wrap: "truncate" }, text);
}

function Detail({ loop }) {
  const { id, title, status, model, usage, updatedAt } = loop;
  const lines = [`${id} ${title}`, status, model, `${usage.inputTokens} tokens`, updatedAt];
  const texts = lines.map((line, index) => h(Text, { key: index, wrap: "truncate" }, line));
  return h(Box, { borderStyle: "round", flexDirection: "column", flexGrow: 1 }, ...texts);
}

function App() {
  const [, redraw] = useState(0);
  const [selected, select] = useState(0);
  const [count, setCount] = useState(0);
  useEffect(() => {
    board.changed = (turn) => {
      redraw(turn);
      setCount(loops.filter(({ status }) => status === "running").length);
    };
  }, []);
  // What comes in one piece may be several keys.
  useInput((input) => {
    const by = [...input].reduce((sum, key) => sum + (key === "j" ? 1 : key === "k" ? -1 : 0), 0);
    select((at) => Math.max(0, Math.min(loops.length - 1, at + by)));
  });
  const top = Math.max(0, selected - shownRows + 1);
  const shown = loops.slice(top, top + shownRows).map((loop, index) => {
    return h(Row, { key: index, loop, isSelected: top + index === selected });
  });
  const list = { borderStyle: "round", flexDirection: "column", width: listColumns };
  return h(
    Box,
    { flexDirection: "column", width: columns, height: rows - 1 },
    h(Text, null, ` td  3 Executions   ● ${count}   $17/$20 today   live`),
    h(Box, { height: shownRows + 2 }, h(Box, list, ...shown), h(Detail, { loop: loops[selected] })),
  );
}

const terminal = new MeasuredTerminal();
const { stdin, stdout } = terminal;
const options = manner === "fast" ? fast : {};
const app = render(h(App), {
  ...options,
  stdin,
  stdout,
  stderr: stdout,
  interactive: true,
  patchConsole: false,
});
await setTimeout(500);
const begin = () =>
  changing((changed, turn) => {
    for (const loop of changed) loops[places.get(loop.id) ?? 0] = loop;
    board.changed(turn);
  });
const shows = (text, selected) => text.includes(`▌${loops[selected].id} `);
const found = await measured(terminal, { seconds: Number(seconds ?? 10), begin, shows });
app.unmount();
await tell(found);
process.exit(0);
