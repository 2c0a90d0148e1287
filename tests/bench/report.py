#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
report.py text|markdown|svg GOALS LANE=FILE...

Make a table or a plot of what ci/bench measured.  A FILE has lines "BENCH hypervisor row
best worst floor exits class what" (tests/bench/bench.c), and one "RUN ..." that says what
ran; GOALS is tests/bench/goals.tbl.
"""
import math
import sys
from html import escape

SHARE = 0.6     # of in-tree after the floor, for rows with no goal of their own
PATHS = {}      # of the lanes, in the order of the command line
GROWTH = 1.05   # of a row with an @ against the first of its kind: two runs agree in 2 %
MEAN = 0.35     # goal of the mean


class Row:
    def __init__(self, name, what, kind):
        self.name, self.what, self.kind = name, what, kind
        self.best, self.worst, self.floor, self.exits = {}, {}, {}, {}

    def both(self):
        return "keel" in self.best and "in-tree" in self.best

    def exits_of(self, hypervisor):
        text = self.exits.get(hypervisor, "-")
        return None if text == "-" else int(text) / 10

    def ratio(self):
        if not self.both() or not self.best["in-tree"]:
            return None
        return self.best["keel"] / self.best["in-tree"]

    def ratio_after(self):
        """After the floor; None where in-tree is within the noise of it, or Keel below it."""
        if not self.both() or self.best["keel"] < self.floor["keel"]:
            return None
        rest = self.best["in-tree"] - self.floor["in-tree"]
        if rest <= self.best["in-tree"] * 0.02:
            return None
        return (self.best["keel"] - self.floor["keel"]) / rest

    def spread(self):
        best = self.best.get("keel")
        return 100 * (self.worst["keel"] / best - 1) if best else 0

    def never_exits(self):
        return all(self.exits_of(h) == 0 for h in self.best)


def read_rows(path):
    rows = {}
    with open(path) as lines:
        for line in lines:
            word = line.split()
            if len(word) != 9 or word[0] != "BENCH":
                continue
            _, hypervisor, name, best, worst, floor, exits, kind, what = word
            row = rows.setdefault(name, Row(name, what, kind))
            row.best[hypervisor], row.worst[hypervisor] = int(best), int(worst)
            row.floor[hypervisor], row.exits[hypervisor] = int(floor), exits
    return rows


def read_goals(path):
    goals = {}
    with open(path) as lines:
        for line in lines:
            word = line.split()
            if word and not word[0].startswith("#"):
                goals[word[0], word[1]] = word[2]
    return goals


def judge(lane, row, rows, goals):
    """The goal in words, and whether it is met: yes, NO, or nothing."""
    goal = goals.get((lane, row.name)) or goals.get(("*", row.name))
    answer = {True: "yes", False: "NO", None: ""}
    keel = row.best.get("keel")
    if keel is None or goal == "none":
        return "", ""
    if goal == "no-exit":
        exits = row.exits_of("keel")
        return "no exit", answer[exits == 0]
    if goal and goal.startswith("+") and float(goal) < 1:
        after = row.ratio_after()
        return f"{goal[1:]} after floor", answer[None if after is None else after <= float(goal)]
    if goal and goal.startswith("+"):
        after = keel - row.floor["keel"]
        return f"{goal[1:]} after floor", answer[None if after < 0 else after <= int(goal)]
    if goal and float(goal) >= 1:
        return goal, answer[keel <= int(goal)]
    if goal:
        ratio = row.ratio()
        return f"{goal} of in-tree", answer[None if ratio is None else ratio <= float(goal)]
    if "@" in row.name:
        first = next(r for r in rows.values() if r.name.split("@")[0] == row.name.split("@")[0])
        if first is row:
            return "", ""
        return f"as @{first.name.split('@')[1]}", answer[keel <= first.best["keel"] * GROWTH]
    if row.never_exits():
        return "", ""
    after = row.ratio_after()
    return f"{SHARE} after floor", answer[None if after is None else after <= SHARE]


def means(rows):
    """Of the rows that leave the guest, on both, and stay in the kernel."""
    chosen = [r for r in rows.values()
              if r.kind == "kernel" and r.both() and "@" not in r.name
              and all(r.exits_of(h) for h in r.best)]
    def mean(values):
        values = [max(v, 0.001) for v in values if v is not None]
        return math.exp(sum(map(math.log, values)) / len(values)) if values else None
    return len(chosen), mean([r.ratio() for r in chosen]), mean([r.ratio_after() for r in chosen])


HEAD = ("row", "on every arch.", "keel", "in-tree", "ratio", "floor", "after floor", "goal",
        "met", "exits", "spread")


def cells(lane, row, rows, goals):
    def number(value, form="%d"):
        return "" if value is None else form % value
    exits = "/".join(number(row.exits_of(h), "%.3g") for h in ("keel", "in-tree"))
    goal, met = judge(lane, row, rows, goals)
    return (row.name, row.what if row.what != row.name else "",
            number(row.best.get("keel")), number(row.best.get("in-tree")),
            number(row.ratio(), "%.2f"), number(row.floor.get("keel", 0)),
            number(row.ratio_after(), "%.2f"), goal, met,
            exits if exits != "/" else "", number(row.spread(), "%.1f%%"))


def foot(rows):
    count, raw, after = means(rows)
    if raw is None:
        return None
    return (f"geometric mean of the {count} rows that exit on both and stay in the kernel: {raw:.2f}"
            f" (goal {MEAN}), after the floor: {after:.2f}")


LEFT = {0, 1, 7}


def print_text(lanes, goals):
    for lane, rows in lanes:
        print(f"{lane}: instructions per round trip (bytes for *-memory)")
        table = [HEAD] + [cells(lane, row, rows, goals) for row in rows.values()]
        width = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
        for line in table:
            print("  ".join(cell.ljust(width[i]) if i in LEFT else cell.rjust(width[i])
                            for i, cell in enumerate(line)).rstrip())
        print(foot(rows) or "")
        print()


def what_ran(path):
    with open(path) as lines:
        return [line[4:].strip() for line in lines if line.startswith("RUN ")]


def print_markdown(lanes, goals):
    for lane, rows in lanes:
        print(f"\n## {lane}\n")
        for text in what_ran(PATHS[lane]):
            print(text + ".\n")
        print("| " + " | ".join(HEAD) + " |")
        print("|" + "|".join("---" if i in LEFT else "--:" for i in range(len(HEAD))) + "|")
        for row in rows.values():
            print("| " + " | ".join(cells(lane, row, rows, goals)) + " |")
        if foot(rows):
            print("\n" + foot(rows)[0].upper() + foot(rows)[1:] + ".")


# --- the plot ------------------------------------------------------------------

NAME, BAR, BAR_HEIGHT, ROW_HEIGHT, TOP = 190, 480, 6, 19, 46
COLOR = {"keel": "#1f6f8b", "in-tree": "#b8b8b8"}
MOST = 1.3      # of in-tree; what is longer ends there


def svg_row(row, y):
    unit = row.best["in-tree"]
    yield (f'<text x="{NAME - 8}" y="{y + 11}" text-anchor="end">{escape(row.name)}</text>')
    for i, hypervisor in enumerate(("keel", "in-tree")):
        top = y + 2 + i * (BAR_HEIGHT + 1)
        share = min(row.best[hypervisor] / unit, MOST)
        yield (f'<rect x="{NAME}" y="{top}" width="{share * BAR:.1f}" height="{BAR_HEIGHT}" '
               f'fill="{COLOR[hypervisor]}"/>')
        floor = min(row.floor[hypervisor] / unit, MOST)
        if floor > 0.005:
            yield (f'<rect x="{NAME}" y="{top}" width="{floor * BAR:.1f}" '
                   f'height="{BAR_HEIGHT}" fill="#000" fill-opacity="0.35"/>')
    yield (f'<text x="{NAME + MOST * BAR + 8:.0f}" y="{y + 11}">{row.best["keel"]:,} / '
           f'{unit:,}  ({row.ratio():.2f})</text>')


def print_svg(lanes):
    body, y = [], TOP
    for lane, rows in lanes:
        y += 14
        body.append(f'<text x="{NAME}" y="{y + 10}" font-weight="bold">{escape(lane)}</text>')
        y += 18
        top = y
        for row in rows.values():
            if row.both() and row.best["in-tree"]:
                body += svg_row(row, y)
                y += ROW_HEIGHT
        for share in (0.5, 1):
            x = NAME + share * BAR
            body.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{y}" stroke="#888" '
                        'stroke-width="0.5" stroke-dasharray="3 3"/>')
    width = NAME + MOST * BAR + 200
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y + 20}" '
          'font-family="sans-serif" font-size="11">')
    print(f'<rect width="{width:.0f}" height="{y + 20}" fill="#fff"/>')
    print(f'<text x="{NAME}" y="18" font-size="13">Cost of a round trip, in-tree KVM = 1: '
          f'<tspan fill="{COLOR["keel"]}">Keel above</tspan>, in-tree below; '
          'dark: the floor</text>')
    print(f'<text x="{NAME}" y="36">Numbers: Keel / in-tree (ratio), in instructions; '
          'dashed: 0.5 and 1</text>')
    print("\n".join(body))
    print("</svg>")


def main():
    form, goals = sys.argv[1], read_goals(sys.argv[2])
    PATHS.update(a.split("=", 1) for a in sys.argv[3:])
    lanes = [(name, read_rows(path)) for name, path in PATHS.items()]
    if form == "svg":
        print_svg(lanes)
    else:
        {"text": print_text, "markdown": print_markdown}[form](lanes, goals)


main()
