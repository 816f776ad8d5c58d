"""Curves as inline SVG: no script, no network, readable in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 20, 14, 30
Points = Sequence[tuple[float, float]]
COLOURS = ("#2f6fdb", "#d9822b", "#2e9e6b", "#a04fc4")


def chart(title: str, series: dict[str, Points], unit: str = "") -> str:
    """Line chart of (x, y) series by name; each thin line carries its moving average."""
    series = {name: points for name, points in series.items() if points}
    if not series:
        return ""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    x_ticks, y_ticks = ticks(min(xs), max(xs)), ticks(min(0.0, min(ys)), max(ys))
    parts = [_axes(x_ticks, y_ticks)]
    for points, colour in zip(series.values(), COLOURS, strict=False):
        smooth = moving_average(points, max(1, len(points) // 25))
        if len(points) > 30:
            parts.append(_line(points, x_ticks, y_ticks, colour, 0.25, 1))
            parts.append(_line(smooth, x_ticks, y_ticks, colour, 1, 2))
        else:
            parts.append(_line(points, x_ticks, y_ticks, colour, 1, 2))
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for name, colour in zip(series, COLOURS, strict=False)
    )
    caption = f"{escape(title)} <small>{escape(unit)}</small>"
    return (
        f'<figure><figcaption>{caption}<span class="legend">{legend}</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg></figure>"
    )


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers that cover low to high."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / (count - 1)
    power = 10.0 ** _floor_log10(rough)
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = step * int(low // step)
    found = [first]
    while found[-1] < high - 1e-9 * step:
        found.append(found[-1] + step)
    return found


def _floor_log10(value: float) -> int:
    exponent = 0
    while value >= 10:
        value, exponent = value / 10, exponent + 1
    while value < 1:
        value, exponent = value * 10, exponent - 1
    return exponent


def moving_average(points: Points, window: int) -> list[tuple[float, float]]:
    """Trailing mean over `window` points."""
    result = []
    for i, (x, _) in enumerate(points):
        part = points[max(0, i - window + 1) : i + 1]
        result.append((x, sum(y for _, y in part) / len(part)))
    return result


def _place(x: float, y: float, xs: list[float], ys: list[float]) -> tuple[float, float]:
    across = (x - xs[0]) / ((xs[-1] - xs[0]) or 1)
    up = (y - ys[0]) / ((ys[-1] - ys[0]) or 1)
    return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def _line(
    points: Points, xs: list[float], ys: list[float], colour: str, opacity: float, width: float
) -> str:
    path = " ".join("{:.1f},{:.1f}".format(*_place(x, y, xs, ys)) for x, y in points)
    style = f'stroke="{colour}" stroke-opacity="{opacity}" stroke-width="{width}"'
    return f'<polyline points="{path}" fill="none" {style}/>'


def _axes(xs: list[float], ys: list[float]) -> str:
    parts = []
    for y in ys:
        _, v = _place(xs[0], y, xs, ys)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{v:.1f}" y2="{v:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{v + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in xs:
        h, _ = _place(x, ys[0], xs, ys)
        parts.append(f'<text x="{h:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{x:g}</text>')
    return "".join(parts)
