# SPDX-License-Identifier: GPL-2.0-only
"""The flame graph of ci/profile-report: stacks from below, as wide as they cost."""
from html import escape

WIDTH, ROW, LETTER = 1400, 18, 7	# LETTER: of the font, wide


class Frame:
    def __init__(self):
        self.own = 0
        self.total = 0
        self.callees = {}


def tree(stacks):
    """From {((name, part), ...): instructions}."""
    root = Frame()
    for frames, number in stacks.items():
        frame = root
        frame.total += number
        for each in frames:
            frame = frame.callees.setdefault(each, Frame())
            frame.total += number
        frame.own += number
    return root


def depth(frame):
    return 1 + max((depth(callee) for callee in frame.callees.values()), default=0)


def colour(part):
    others = {"kernel": "#e8b04a", "guest": "#7fb77e", "user space": "#8fb4dc",
              "firmware": "#bbbbbb", "all": "#dddddd"}
    return others.get(part, "#e2725b")	# a module


def draw_frame(out, frame, who, x, y, unit, trips):
    """One rectangle and those above it; its title shows when the pointer is on it."""
    name, part = who
    width = frame.total * unit
    if width < 0.3:
        return
    letters = int((width - 6) / LETTER)
    text = name if len(name) <= letters else name[:letters - 1] + "…" if letters > 3 else ""
    about = (f"{name} [{part}]: {frame.total / trips:.1f} instructions,"
             f" {frame.own / trips:.1f} of its own")
    out.write(f'<g><title>{escape(about)}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}"'
              f' height="{ROW - 1}" fill="{colour(part)}" stroke="white" stroke-width="0.5"/>'
              f'<text x="{x + 3:.1f}" y="{y + 13}">{escape(text)}</text></g>\n')
    for callee, below in sorted(frame.callees.items()):
        draw_frame(out, below, callee, x, y - ROW, unit, trips)
        x += below.total * unit


def draw(out, title, stacks, trips):
    root = tree(stacks)
    height = (depth(root) + 3) * ROW
    out.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
              f' viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">\n'
              f'<rect width="100%" height="100%" fill="white"/>\n'
              f'<text x="6" y="15" font-size="13">{escape(title)}</text>\n')
    x = 6
    for part in sorted({part for frames in stacks for _, part in frames}):
        out.write(f'<rect x="{x}" y="21" width="10" height="10" fill="{colour(part)}"/>'
                  f'<text x="{x + 14}" y="30">{escape(part)}</text>\n')
        x += 30 + LETTER * len(part)
    everything = f"{root.total / trips:.1f} instructions per round trip", "all"
    draw_frame(out, root, everything, 0, height - ROW, WIDTH / root.total, trips)
    out.write("</svg>\n")
