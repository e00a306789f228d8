"""The kit that reports are made of."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.reports import parts as kit
from simulations.reports.markup import Markup, tag
from simulations.reports.scale import Scale, plain, round_times, round_values

HELSINKI = ZoneInfo("Europe/Helsinki")


def test_a_text_is_escaped_wherever_it_stands() -> None:
    evil = "<b onclick='x'>&"
    band = kit.Band(evil, 0, 1)
    parts = [
        kit.text(evil),
        kit.empty(evil),
        kit.verdict(evil, "good"),
        kit.fold(evil, evil),
        kit.figure_strip([kit.Figure(evil, evil, evil, (1.0, 2.0))]),
        kit.table([evil, "n"], [[evil, 1]], evil, numbers=[1]),
        kit.line_chart([0.0, 1.0], [kit.Line(evil, [1, None])], evil, bands=[band], y_name=evil),
        kit.histogram([kit.Sample(evil, [[1.0, 2.0]])], evil, unit=evil),
        kit.bar_chart([(evil, 1.0, evil)], evil),
        kit.interval_plot([kit.Interval(evil, 1.0, 0.5, 2.0, evil)], evil, unit=evil),
        kit.calibration_plot([kit.Held(0.9, 0.8, 0.7, 0.9, 20)], evil),
        kit.percentile_chart([(evil, [(0.5, 1.0), (0.99, 3.0)])], evil, unit=evil),
    ]
    html = kit.page(evil, [kit.section(evil, *parts, evil)], lead=evil, facts=[(evil, evil)])
    assert "<b" not in html.replace("<body", "")
    assert html.count("&lt;b onclick=") >= 20


def test_markup_is_put_in_as_it_is() -> None:
    assert kit.text(tag("b", "<")) == Markup("<p><b>&lt;</b></p>")


def test_code_that_would_end_its_own_element_is_refused() -> None:
    with pytest.raises(ValueError, match="must not hold"):
        kit.script("data", "</script>")


def test_a_table_is_wide_on_its_own() -> None:
    html = kit.table(["name", "n"], [["a", 1], ["b", 22]], "Some", numbers=[1])
    assert html.count("<tr>") == 3
    assert html.count('class="number"') == 3
    assert '<th scope="row">a</th>' in html


def test_a_chart_is_drawn_for_a_page_and_for_a_phone() -> None:
    line = kit.Line("open", [1, 2, None, 4])
    html = kit.line_chart([0, 60, 120, 180], [line], "Orders", zone=HELSINKI)
    assert html.count("<svg") == 3  # with one in the legend
    assert len(re.findall("<polyline", html)) == 2 * 2  # a gap makes two pieces
    assert "Orders. open from 1 to 4" in html


def test_what_cannot_be_drawn_says_so() -> None:
    assert "nothing to draw" in kit.line_chart([], [], "A")
    assert "no order to count" in kit.histogram([kit.Sample("A", [[]])], "A", unit="min")
    assert "nothing to compare" in kit.interval_plot([], "A", unit="min")
    assert "no forecast to check" in kit.calibration_plot([], "A")
    assert "nothing was measured" in kit.percentile_chart([("A", [])], "A", unit="ms")
    assert "nothing to count" in kit.bar_chart([], "A")


def test_a_bar_is_the_share_of_its_values() -> None:
    # Four of ten below 10, six from 10 on: bars of 40 and 60 % of the same axis to 60.
    run = [5.0] * 4 + [15.0] * 6
    html = kit.histogram([kit.Sample("A", [run])], "A", unit="min", low=0, high=20, bins=2)
    wide = html.split('class="narrow"')[0]
    heights = [float(h) for h in re.findall(r'<rect[^>]*height="([\d.]+)"[^>]*bar c0', wide)]
    assert heights[0] / heights[1] == pytest.approx(4 / 6, rel=0.01)


def test_an_interval_that_holds_zero_is_drawn_otherwise() -> None:
    rows = [
        kit.Interval("sure", 2.0, 1.0, 3.0, "+2"),
        kit.Interval("unsure", 2.0, -1.0, 5.0, "+2"),
        kit.Interval("one evening", 2.0, None, None, "+2"),
    ]
    wide = kit.interval_plot(rows, "A", unit="min").split('class="narrow"')[0]
    assert wide.count('class="dot sure"') == 1
    assert wide.count('class="dot unsure"') == 2


def test_a_page_allows_only_its_own_scripts() -> None:
    html = kit.page("A", [], scripts=("report.js",))
    assert html.count("sha256-") == 1
    assert "script-src &#39;none&#39;" in kit.page("A", [])


def test_a_page_is_written_whole(tmp_path: Path) -> None:
    kit.save("<p>ä</p>", tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").read_bytes() == "<p>ä</p>".encode()


@given(
    st.floats(-1e6, 1e6, allow_nan=False),
    st.floats(1e-3, 1e6, allow_nan=False),
    st.integers(2, 12),
)
def test_round_values_cover_what_is_drawn(low: float, span: float, most: int) -> None:
    values = round_values(low, low + span, most)
    assert len(values) >= 2
    assert values[0] <= low + 1e-6 * span
    assert values[-1] >= low + span - 1e-6 * span
    assert len(values) <= most + 2


def test_times_are_those_of_the_clock_on_the_wall() -> None:
    # 17:10 to 18:40 in Helsinki (15:10 to 16:40 UTC), at most four.
    begin = 1_795_187_400
    assert round_times(begin, begin + 5400, 4, HELSINKI) == [
        begin + 1200,
        begin + 3000,
        begin + 4800,
    ]


def test_a_scale_stops_at_its_ends() -> None:
    scale = Scale(0, 10, 100, 200)
    assert [scale.px(value) for value in (-5, 0, 5, 10, 99)] == [100, 100, 150, 200, 200]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (-3, "\N{MINUS SIGN}3"),
        (12_000, "12\N{NARROW NO-BREAK SPACE}000"),
        (0.1 + 0.2, "0.3"),
    ],
)
def test_numbers_are_plain(value: float, told: str) -> None:
    assert plain(value) == told


STYLES = (Path(kit.__file__).parent / "web" / "report.css").read_text(encoding="utf-8")
DARK = STYLES.index("prefers-color-scheme: dark")


@pytest.mark.parametrize("style", [STYLES[:DARK], STYLES[DARK : STYLES.index("* {")]])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        *((ink, paper) for ink in ("ink", "ink-soft") for paper in ("surface", "sunk")),
        *((f"{name}-ink", "surface") for name in ("late", "risk", "choice")),
        *((f"{name}-ink", f"{name}-wash") for name in ("late", "choice")),
        *(("ink", f"{name}-wash") for name in ("late", "done")),
        ("surface", "choice-ink"),
    ],
)
def test_what_is_read_stands_out(style: str, ink: str, paper: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1."""
    light, dark = sorted((_light(style, ink), _light(style, paper)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("style", [STYLES[:DARK], STYLES[DARK : STYLES.index("* {")]])
@pytest.mark.parametrize("line", [f"c{nth}" for nth in range(7)])
def test_lines_of_charts_stand_out(style: str, line: str) -> None:
    """WCAG 2.2, 1.4.11: 3 to 1 for what is drawn."""
    light, dark = sorted((_light(style, line), _light(style, "surface")), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def _light(style: str, name: str) -> float:
    found = re.search(rf"--{name}: #([0-9a-f]{{6}});", style)
    assert found is not None
    shares = [int(found[1][k : k + 2], 16) / 255 for k in (0, 2, 4)]
    r, g, b = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
