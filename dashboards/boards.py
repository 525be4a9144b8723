"""A firm's two boards: いま (what happens now) and 納期 (orders, progress, where the time went).

Every query filters `void`, reads only the firm's own database, and is run by the tests on a real InfluxDB.
"""

from grafana_foundation_sdk.builders.barchart import Panel as BarChart
from grafana_foundation_sdk.builders.common import TableSortByFieldState, VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, FieldColor
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    GridPos,
    Panel,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from dashboards.influxql import SOURCE, InfluxQL

COLOURS = {
    "running": ("作業中 Running", "#2f7d4f"),
    "setup": ("段取り中 Set-up", "#b7791f"),
    "paused": ("中断中 Paused", "#8a6d9e"),
    "done": ("完了 Done", "#5b6b7a"),
    "ready": ("着手待ち Ready", "#3b7cb8"),
    "in_transit": ("移動中 In transit", "#2a8f94"),
    "waiting": ("前工程待ち Waiting", "#a0a7ae"),
    "cancelled": ("取消 Cancelled", "#c9c9c9"),
    "idle": ("停止 Idle", "#d0b354"),
    "hold": ("一時停止 Hold", "#c9772f"),
    "alarm": ("アラーム Alarm", "#b03a3a"),
    "off": ("電源断 Off", "#777777"),
    "unknown": ("不明 Unknown", "#bbbbbb"),
}
CAUSES = {
    "run": ("加工 Run", "#2f7d4f"),
    "setup": ("段取り Set-up", "#b7791f"),
    "paused": ("中断 Paused", "#8a6d9e"),
    "wait_external": ("他社・客先待ち Others", "#b03a3a"),
    "transit": ("運搬 Transport", "#2a8f94"),
    "wait_ship": ("引取・出荷待ち To ship", "#6f8f2a"),
    "queue": ("着手待ち Queue", "#a0a7ae"),
}

QUALITIES = {
    "counted": ("数えた Counted", "#2f7d4f"),
    "machine": ("機械の数 Machine", "#2a8f94"),
    "assumed": ("（未確認） Assumed", "#c9772f"),
}

HEADINGS = {
    "order": "受注 Order",
    "operation": "工程 Op.",
    "station": "設備 Station",
    "edge": "端末 Terminal",
    "name": "工程名 Name",
    "part": "品名 Part",
    "phase": "状態 State",
    "state": "状態 State",
    "percent": "進み具合 Progress",
    "due": "納期 Due",
    "flags": "要確認 Flags",
    "good": "良品 Good",
    "good_quality": "良品の数 Good is",
    "remaining": "残 Left",
    "waiting": "未送信 Not sent",
    "missing": "未着 Missing",
    "lost": "欠落 Gone for good",
    "source": "渡した From",
    "target": "受け取る To",
    "sent": "出荷数 Sent",
    "sent_quality": "出荷数 Sent is",
    "received": "受入数 Received",
    "received_quality": "受入数 Received is",
    "Time": "から Since",
}


def mapping(words: dict[str, tuple[str, str]]) -> ValueMapping:
    """Show a code as its word and colour."""
    return ValueMap(
        options={code: ValueMappingResult(text=text, color=colour) for code, (text, colour) in words.items()}
    )


def table(title: str, query: str, *, sort_by: str | None = None) -> Table:
    """A table whose headings are in both languages and whose states are coloured words."""
    panel = (
        Table()
        .title(title)
        .datasource(SOURCE)
        .with_target(InfluxQL(query))
        .mappings([mapping(COLOURS | QUALITIES)])
        .no_value("―")
        .override_by_name("phase", _coloured())
        .override_by_name("state", _coloured())
        .override_by_regexp(".*_quality", _coloured())
        .override_by_name("percent", [DynamicConfigValue(id_val="unit", value="percent")])
        .with_transformation(DataTransformerConfig(id_val="organize", options={"renameByName": HEADINGS}))
    )
    return panel.sort_by([TableSortByFieldState().display_name(HEADINGS[sort_by])]) if sort_by else panel


def _coloured() -> list[DynamicConfigValue]:
    return [DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-background", "mode": "basic"})]


def number(title: str, query: str, colour: str) -> Stat:
    """One big number; no rows is 0, said as such."""
    return (
        Stat()
        .title(title)
        .datasource(SOURCE)
        .with_target(InfluxQL(query))
        .no_value("0")
        .color_scheme(FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colour))
    )


# What is the case now has no time range: an order of last year that still waits must not leave the board.
RUNNING_NOW = """SELECT count("phase") FROM "session" WHERE "void" = 0 AND "open" = 1 AND "phase" = 'running'"""
PAUSED_NOW = """SELECT count("phase") FROM "session" WHERE "void" = 0 AND "open" = 1 AND "phase" = 'paused'"""
NOT_SENT = """SELECT sum("waiting") FROM (SELECT last("waiting") AS "waiting" FROM "edge" WHERE "void" = 0
    GROUP BY "edge")"""
OPEN_SESSIONS = """SELECT "station", "order", "operation", "phase", "good", "good_quality" FROM "session"
    WHERE "void" = 0 AND "open" = 1"""
READY = """SELECT "order", "operation", "name", "state", "remaining" FROM "operation"
    WHERE "void" = 0 AND "mine" = 1 AND ("state" = 'ready' OR "state" = 'in_transit')"""
TERMINALS = """SELECT last("waiting") AS "waiting", "missing", "lost" FROM "edge" WHERE "void" = 0 GROUP BY "edge" """
OPEN_ORDERS = """SELECT "order", "part", "state", "percent", "due", "flags" FROM "order"
    WHERE "void" = 0 AND "state" <> 'done' AND "state" <> 'cancelled'"""
LATE_ORDERS = """SELECT count("due_ms") FROM "order" WHERE "void" = 0 AND "due_ms" > 0 AND "due_ms" < $__to
    AND "state" <> 'done' AND "state" <> 'cancelled'"""
OPEN_COUNT = """SELECT count("state") FROM "order" WHERE "void" = 0 AND "state" <> 'done' AND "state" <> 'cancelled'"""

# History: as far as the board's time range reaches.
MACHINES = """SELECT "state" FROM "machine" WHERE "void" = 0 AND $timeFilter GROUP BY "station" """
LEAD_DAYS = """SELECT median("lead_s") / 86400 FROM "order" WHERE "void" = 0 AND "state" = 'done' AND $timeFilter"""
TIME_BY_CAUSE = """SELECT sum("seconds") / 3600 FROM "order_time" WHERE "void" = 0 AND $timeFilter
    GROUP BY time(1d), "cause" fill(none)"""
GOOD = """SELECT sum("good") AS "良品 Good" FROM "session" WHERE "void" = 0 AND "good_quality" <> 'assumed'
    AND $timeFilter GROUP BY time(1d) fill(none)"""
GOOD_ASSUMED = """SELECT sum("good") AS "良品（未確認） Good, assumed" FROM "session" WHERE "void" = 0
    AND "good_quality" = 'assumed' AND $timeFilter GROUP BY time(1d) fill(none)"""
BAD = """SELECT sum("scrap") AS "不良 Scrap", sum("hold") AS "保留 Hold" FROM "session" WHERE "void" = 0
    AND $timeFilter GROUP BY time(1d) fill(none)"""
HANDOVERS = """SELECT "order", "source", "target", "sent", "sent_quality", "received", "received_quality"
    FROM "handover" WHERE "void" = 0 AND $timeFilter"""


def _board(title: str, uid: str, since: str) -> Dashboard:
    return (
        Dashboard(title)
        .uid(uid)
        .tags(["mawashi"])
        .refresh("10s")
        .time(since, "now")
        .timezone("browser")
        .with_variable(DatasourceVariable("shop").label("会社 Firm").type("influxdb"))
    )


def now_board() -> Dashboard:
    """いま: sessions, stations, machines, and whether the terminals have sent everything."""
    return _place(
        _board("いま Now", "mawashi-now", "now-30d"),
        [
            (6, 4, number("作業中 Running", RUNNING_NOW, COLOURS["running"][1])),
            (6, 4, number("中断中 Paused", PAUSED_NOW, COLOURS["paused"][1])),
            (6, 4, number("未送信 Not sent yet", NOT_SENT, COLOURS["hold"][1])),
            (6, 4, table("現場端末 Terminals", TERMINALS)),
            (24, 9, table("いまの作業 Sessions now", OPEN_SESSIONS)),
            (
                24,
                8,
                StateTimeline()
                .title("設備の状態 Machines")
                .datasource(SOURCE)
                .with_target(InfluxQL(MACHINES).series("$tag_station"))
                .mappings([mapping(COLOURS)])
                .no_value("設備の信号なし No machine signals"),
            ),
            (24, 9, table("次の作業 Ready and on the way", READY)),
        ],
    )


def due_board() -> Dashboard:
    """納期: open orders with progress and lateness, hand-overs, and the time by cause."""
    legend = VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    return _place(
        _board("納期 Due dates", "mawashi-due", "now-90d"),
        [
            (8, 4, number("進行中 Open orders", OPEN_COUNT, COLOURS["ready"][1])),
            (8, 4, number("納期遅れ Late", LATE_ORDERS, COLOURS["alarm"][1])),
            (8, 4, number("リードタイム 中央値（日） Median lead time, days", LEAD_DAYS, COLOURS["done"][1])),
            (24, 10, table("受注 Orders", OPEN_ORDERS, sort_by="due")),
            (
                24,
                10,
                BarChart()
                .title("時間の内訳（時間） Time by cause, hours")
                .datasource(SOURCE)
                .with_target(InfluxQL(TIME_BY_CAUSE).series("$tag_cause"))
                .mappings([mapping(CAUSES)])
                .stacking(StackingMode.NORMAL)
                .legend(legend),
            ),
            (
                12,
                8,
                BarChart()
                .title("数 Pieces a day")
                .datasource(SOURCE)
                .with_target(InfluxQL(GOOD).series("$col"))
                .with_target(InfluxQL(GOOD_ASSUMED).series("$col").ref("B"))
                .with_target(InfluxQL(BAD).series("$col").ref("C"))
                .legend(legend),
            ),
            (12, 8, table("受け渡し Hand-overs", HANDOVERS)),
        ],
    )


def _place(board: Dashboard, panels: list[tuple[int, int, Builder[Panel]]]) -> Dashboard:
    """Lay panels of (width, height) out in rows of 24 columns."""
    x = y = row_height = 0
    for width, height, panel in panels:
        if x + width > 24:
            x, y, row_height = 0, y + row_height, 0
        board.with_panel(panel.grid_pos(GridPos(h=height, w=width, x=x, y=y)))  # type: ignore[attr-defined]
        x, row_height = x + width, max(row_height, height)
    return board
