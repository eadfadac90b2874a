"""A drawing of what partitions.py has measured: memory, start and idle CPU against the number of partitions, on logarithmic axes."""
import math

WIDTH, HEIGHT, MARGIN_LEFT, MARGIN_TOP, GAP = 330, 230, 62, 46, 34
COLORS = {("millrace", "written"): "#0b6e99", ("millrace", "empty"): "#6fb7d6", ("kafka", "written"): "#b5471b", ("kafka", "empty"): "#e2a489"}
NAMES = {"millrace": "Millrace", "kafka": "Kafka 3.9"}
PANELS = [("memory, MiB (RSS, idle)", "memory_mib"), ("start after a clean stop, s", "clean_start_s"), ("start after kill -9, s", "killed_start_s"),
          ("idle CPU, % of a core", "idle_cpu_percent")]


def newest(rows):
    """The last row of each broker, kind and count."""
    kept = {(row["broker"], row["kind"], row["partitions"]): row for row in rows}
    return [kept[key] for key in sorted(kept)]


def decades(values):
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def label(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


class Panel:
    def __init__(self, left, top, title, key, rows):
        self.left, self.top, self.title, self.key, self.rows = left, top, title, key, rows
        self.across = decades([row["partitions"] for row in rows])
        self.up = decades([max(row[key], 1e-3) for row in rows])

    def x(self, value):
        return self.left + WIDTH * (math.log10(value) - self.across[0]) / (self.across[1] - self.across[0])

    def y(self, value):
        return self.top + HEIGHT - HEIGHT * (math.log10(max(value, 1e-3)) - self.up[0]) / (self.up[1] - self.up[0])

    def draw(self):
        out = [f'<text x="{self.left}" y="{self.top - 8}" class="title">{self.title}</text>']
        for power in range(self.up[0], self.up[1] + 1):
            at = self.y(10 ** power)
            out.append(f'<path d="M{self.left} {at:.1f}h{WIDTH}" class="grid"/>')
            out.append(f'<text x="{self.left - 6}" y="{at + 4:.1f}" text-anchor="end">{label(10 ** power)}</text>')
        for power in range(self.across[0], self.across[1] + 1):
            at = self.x(10 ** power)
            out.append(f'<path d="M{at:.1f} {self.top}v{HEIGHT}" class="grid"/>')
            out.append(f'<text x="{at:.1f}" y="{self.top + HEIGHT + 16}" text-anchor="middle">{label(10 ** power)}</text>')
        for (broker, kind), color in COLORS.items():
            points = [(self.x(row["partitions"]), self.y(row[self.key])) for row in self.rows if (row["broker"], row["kind"]) == (broker, kind)]
            if points:
                out.append(f'<path d="M{" ".join(f"{x:.1f} {y:.1f}" for x, y in points)}" fill="none" stroke="{color}" stroke-width="2"/>')
                out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
        return out


def draw(rows, path):
    rows = newest(rows)
    step_x, step_y = WIDTH + MARGIN_LEFT + GAP, HEIGHT + MARGIN_TOP + GAP
    width, height = 2 * step_x, 2 * step_y + 34
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           "<style>.grid{stroke:#ddd}.title{font-size:14px;font-weight:bold}text{fill:#333}</style>",
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for number, (title, key) in enumerate(PANELS):
        out += Panel(MARGIN_LEFT + number % 2 * step_x, MARGIN_TOP + number // 2 * step_y, title, key, rows).draw()
    at = MARGIN_LEFT
    for pair, color in COLORS.items():
        if any((row["broker"], row["kind"]) == pair for row in rows):
            out.append(f'<rect x="{at}" y="{height - 24}" width="14" height="4" fill="{color}"/>')
            out.append(f'<text x="{at + 20}" y="{height - 17}">{NAMES[pair[0]]}, {pair[1]}</text>')
            at += 160
    out.append(f'<text x="{width - GAP}" y="{height - 17}" text-anchor="end">partitions on one broker</text></svg>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
