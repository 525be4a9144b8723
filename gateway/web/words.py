"""Every sentence the pages say that is not already a word of the floor (`broker.words`), in both languages."""

from broker.words import Word

PRODUCT = Word("仲間まわし", "Mawashi")
LOOPBACK = Word(
    "このページは、この機械の中だけで見られます（利用者の登録とTLSができるまで）。",
    "These pages can be seen on this machine only, until accounts and TLS exist.",
)
AS_OF = Word("時点", "As of")
UNSENT = Word("未送信 {n}件", "{n} not sent yet")
SILENT = Word("応答なし {n}台", "{n} terminals silent")
ABSENT = Word("{firm} {edge} の {n}件が届いていません", "{n} events from {firm} {edge} are missing")
ABSENT_MORE = Word("（ほか {n}台）", " (+{n} more)")
BETWEEN = Word("／", " · ")
STALE = Word("古い表示です　つながるのを待っています", "This is old. Waiting for the connection")

ALL_FIRMS = Word("全社の受注", "All orders")
FLOOR = Word("現場", "Floor")
LEGEND = Word("凡例", "Legend")
WALL = Word("壁に映す", "Wall display")
DESK = Word("机で見る", "Desk view")
OTHER_LANGUAGE = Word("English", "日本語")
ASK = Word("どこ？ 番号・製番・票・図番", "Where is 4471?")
ASK_BUTTON = Word("さがす", "Find")

SHOW_OPEN = Word("進行中", "Open")
SHOW_LATE = Word("遅れ", "Late")
SHOW_CHECK = Word("要確認", "To check")
SHOW_DONE = Word("完了", "Done")
MORE_ORDERS = Word("ほか {n}件は次のページ", "{n} more on the next page")
PREVIOUS = Word("前へ", "Back")
NEXT = Word("次へ", "Next")
BRING = Word("受注を入れる", "Bring orders in")
NO_ORDERS = Word("ここに出す受注はありません。", "There is no order to show here.")
NOT_READY = Word(
    "受注の表を準備しています。このまま少しお待ちください。", "The orders are being prepared. Please wait a moment."
)

ORDER = Word("受注", "Order")
WHO_HAS_IT = Word("いま", "Now")
STEPS = Word("工程の流れ", "Steps")
DUE = Word("納期", "Due")
LATE_DAYS = Word("{n}日遅れ", "{n} d late")
DUE_TODAY = Word("今日", "today")
DAYS_LEFT = Word("あと{n}日", "in {n} d")
DELIVERED_ON_TIME = Word("納期内", "on time")
NO_DUE = Word("納期なし", "no date")
PIECES = Word("{n}個", "{n} pcs")
SINCE = Word("{at}から", "since {at}")
ABOUT = Word("約{at}", "≈ {at}")
ABOUT_NOTE = Word(
    "約：現場端末の時計が合っていないときの時刻。届いた時刻などから求めました",
    "≈: the clock of a terminal was not set then; the time comes from when it arrived",
)
CHECK = Word("要確認", "To check")
CHECKS = Word("要確認 {n}", "Check {n}")
HELD = Word("保留", "On hold")
PARKED = Word("表示が古いままです：事務所で確認してください", "Shown as last known: the office should check")
UNKNOWN_NUMBER = Word("番号不明", "Unknown number")
ALSO = Word("ほか {n}か所", "+{n} more")

OPERATION = Word("工程", "Op")
NOT_STARTED = Word("未着手", "Not started")
TO_SHIP = Word("出荷待ち", "Ready to ship")
ALL_DONE = Word("全工程 完了", "All done")
STATE_AT = Word("{firm} 工程{op} {state}", "at {firm}, operation {op}, {state}")
ON_THE_WAY = Word("{firm}へ 工程{op} {state}", "on the way to {firm}, operation {op}")
ANSWER_AT = Word("いま: {what}", "Now {what}")
ANSWER_ALSO = Word("、ほか {what}", "; also {what}")
ANSWER_DONE = Word("完了しています {at}", "Done, {at}")
ANSWER_CANCELLED = Word("取り消されています", "Cancelled")
ANSWER_NOT_STARTED = Word("まだ着手していません", "Not started yet")
ANSWER_SHIP = Word("{firm} 工程{op} 完了 {state}", "at {firm}, operation {op} done, {state}")

NOT_FOUND = Word(
    "「{q}」は見つかりません。番号・製番・票の6文字・図番のどれかを入れてください。",
    "Nothing is called “{q}”. Enter a number, a ticket's 6 characters, or a drawing.",
)
UNUSED_BLANK = Word(
    "票「{q}」は、まだ使われていない白票です。図面に貼り、現場で読むと受注になります。",
    "Ticket “{q}” is a blank that nobody has used yet. Stick it on a sketch and scan it, and it is an order.",
)
NOTHING_ASKED = Word(
    "番号・製番・票の6文字・図番のどれかを入れてください。",
    "Enter a number, a ticket's 6 characters, or a drawing.",
)
MANY_FOUND = Word("「{q}」は {n}件あります。", "“{q}” is the name of {n} orders.")
TOO_LONG = Word("入力が長すぎます。{n}文字までで入れ直してください。", "That is too long. Use at most {n} characters.")
NO_SUCH_ORDER = Word(
    "この受注はありません。番号でさがしてください。", "There is no such order. Look for it by its number."
)
NO_SUCH_FIRM = Word(
    "この会社はありません。上の一覧から選んでください。", "There is no such firm. Choose one from the list above."
)
NO_SUCH_PAGE = Word(
    "このページはありません。番号でさがしてください。", "There is no such page. Look for an order by its number."
)

PART = Word("品名", "Part")
DRAWING = Word("図番", "Drawing")
REVISION = Word("改訂", "Rev.")
QUANTITY = Word("数量", "Quantity")
SPARE = Word("予備 {n}", "{n} spare")
MATERIAL = Word("材質・寸法", "Material, size")
COORDINATOR = Word("幹事", "Coordinator")
OWN_NUMBER = Word("製番", "Own no.")
CUSTOMER_NUMBER = Word("客先番号", "Customer no.")
RELEASED = Word("受付", "Released")

OPERATIONS = Word("工程", "Operations")
FIRM = Word("会社", "Firm")
STATION = Word("設備", "Station")
STATE = Word("状態", "State")
GOOD = Word("良品", "Good")
SCRAP = Word("不良", "Scrap")
REWORK = Word("手直し", "Rework")
HOLD = Word("保留", "Hold")
REMAINING = Word("残り", "Left")
STARTED = Word("着手", "Started")
FINISHED = Word("完了", "Finished")
STEP_DUE = Word("工程納期", "Step due")
ASSUMED = Word("{n}（未確認）", "{n} (unconfirmed)")
MACHINE_COUNT = Word("{n}（機械）", "{n} (machine)")
REWORKING = Word("手直し中", "Reworking")

HANDOVERS = Word("受け渡し", "Hand-overs")
NO_HANDOVERS = Word("会社間の受け渡しはまだありません。", "No hand-over between firms yet.")
SHIPPED = Word("渡した", "Shipped")
RECEIVED = Word("受け取った", "Received")
IMPLIED = Word("推定", "implied")
NOT_SCANNED = Word("読み取りなし", "not scanned")
DIFFERENCE = Word("差 {n}", "differs by {n}")
BOXES = Word("{n}箱", "{n} boxes")

TICKETS = Word("工程移動票", "Tickets")
PAPERS = Word("紙を刷る", "Print")
PRINT_TICKETS = Word("票・現品票を刷る", "Print")
PRINT_CARDS = Word("札を刷る", "Print cards")
BRANCH = Word("枝番", "Lot")
ISSUE = Word("発行", "Issue")
OLD_ISSUE = Word("旧版", "old issue")
SPLIT_FROM = Word("{id} から分割", "split from {id}")

FLAGS = Word("要確認", "To check")
NO_FLAGS = Word("確認することはありません。", "Nothing to check.")
DETAILS = {
    "sent": Word("出荷 {v}", "shipped {v}"),
    "received": Word("受入 {v}", "received {v}"),
    "boxes_sent": Word("出荷 {v}箱", "{v} boxes shipped"),
    "boxes_received": Word("受入 {v}箱", "{v} boxes received"),
    "missing": Word("{v}個不足", "{v} missing"),
    "over": Word("{v}個多い", "{v} too many"),
    "given": Word("{v}個とした", "taken as {v}"),
    "firm": Word("{v}", "{v}"),
    "ticket": Word("票 {v}", "ticket {v}"),
    "child": Word("分けた票 {v}", "split off: {v}"),
    "station": Word("{v}", "{v}"),
    "times": Word("{v}回", "{v} times"),
}
"""What a flag's details say to a person; what is not here is for the record only."""
SETTLED = Word("確認済み", "settled")

ORDER_TIME = Word("受注の時間（暦日）", "Time of the order (calendar)")
ORDER_TIME_NOTE = Word(
    "受付から納入まで、どの時間もひとつの理由と会社に入れます。",
    "From release to delivery, every moment belongs to one cause and one firm.",
)
LEAD_TIME = Word("リードタイム", "Lead time")
SO_FAR = Word("ここまで", "so far")
OWN_TIME = Word("工程ごとの時間（暦日）", "Time of each operation (calendar)")
OWN_TIME_NOTE = Word(
    "工程自身の時間です。重なることがあるので、足しても受注の時間にはなりません。",
    "Each operation's own times. They may overlap and do not add up to the order's.",
)
CAUSE = Word("理由", "Cause")
TOTAL = Word("合計", "Total")
NO_TIME = Word("まだ時間の記録がありません。", "No time recorded yet.")

COMING = Word("これから来る", "Coming")
READY = Word("着手待ち", "Ready")
AT_STATIONS = Word("設備・作業台", "Stations")
SHIP = Word("出荷待ち", "To ship")
FREE = Word("空き", "Free")
EDGE_AWAY = Word("端末がつながらない：機械の様子は分かりません", "terminal away: nobody knows")
LOOSE = Word("票なしで運転", "Ran without a ticket")
NOBODY_SCANNED = Word("まだ読み取りはありません", "No scan yet")
EMPTY_COLUMN = Word("なし", "none")
FROM_FIRM = Word("{firm}から", "from {firm}")
TO_FIRM = Word("{firm}へ", "to {firm}")
STAGES = {
    "done": Word("済み", "done"),
    "under_way": Word("進行中", "under way"),
    "to_come": Word("これから", "to come"),
    "cancelled": Word("取消", "cancelled"),
}
NEXT_THERE = Word("前工程 {firm} {stage}", "before: {firm}, {stage}")

SECONDS = Word("{s}秒", "{s} s")
MINUTES = Word("{m}分", "{m} min")
HOURS = Word("{h}時間{m}分", "{h} h {m} min")
WHOLE_HOURS = Word("{h}時間", "{h} h")
DAYS = Word("{d}日{h}時間", "{d} d {h} h")
WHOLE_DAYS = Word("{d}日", "{d} d")
WEEKDAYS = tuple(map(Word, "月火水木金土日", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

ELSEWHERE = Word("他社にあった時間", "At other firms")
LEAD_SAID = Word(
    "{when}に納めた{n}件では、{cause}がリードタイムの{share}でした。",
    "Of the {n} orders delivered {when}, {cause} was {share} of the lead time.",
)
LEAD_SAID_AND_RUN = Word(
    "{when}に納めた{n}件では、{cause}がリードタイムの{share}でした。加工は{run}です。",
    "Of the {n} orders delivered {when}, {cause} was {share} of the lead time; running was {run}.",
)
LEAD_TYPICAL = Word(
    "半分の受注は{median}以内、10件のうち8件は{p80}以内です。", "Half took up to {median}, eight in ten up to {p80}."
)
LEAD_FEW = Word(
    "納めた受注は{n}件です。{enough}件そろうと、何に時間がかかったかをここで言います。",
    "Orders delivered so far: {n}. From {enough} on, this says what the time went into.",
)
LEAD_NOTE = Word(
    "受付から納入までを、納めた月で数えます。夜と休みも入る暦日の時間で、実働の時間は稼働日が決まってからです。",
    "From release to delivery, by the month of delivery. Calendar time, with nights and holidays; working time follows "
    "once calendars are set.",
)
LEAD_GREY = Word("灰色は{enough}件より少なく、参考です。", "Grey: fewer than {enough} orders, so take it lightly.")
COUNTING = Word("数えています（{done}／{there}件）", "Counting: {done} of {there} orders")
LAST_MONTH = Word("先月", "last month")
SO_FAR_ALL = Word("これまで", "so far")
BY_CAUSE = Word("理由", "By cause")
BY_MONTH = Word("月", "By month")
BY_STEP = Word("工程", "By process")
BY_NAME = Word("工程名", "Name")
BY_KIND = Word("種別", "Kind")
BY_STATION = Word("設備・作業台", "Station")
ALL_MONTHS = Word("全部の月", "All months")
MONTH_DELIVERED = Word("納めた月", "Delivered")
ORDERS_BEHIND = Word("受注", "Orders")
ORDERS_WITH = Word("あった受注", "Orders with it")
MEDIAN = Word("中央値", "Median")
P80 = Word("8割がこれ以内", "P80")
SHARE = Word("割合", "Share")
BAR_MEDIAN = Word("長さは中央値、色は理由の割合", "Length: median. Colours: shares of the time")
BAR_SHARE = Word("長さは割合、色は理由", "Length: share. Colours: causes")
STEP_NOTE = Word(
    "受注の時間のうち、その工程が受け持った分です。待ちも入り、重なりは一度だけ数えます。",
    "The part of the orders' time that was this process's, waiting included; what overlaps counts once.",
)
MORE_STEPS = Word("ほか {n}", "{n} more")
OLDER_MONTHS = Word("ほかに古い月が {n}", "{n} older months")
NO_NAME = Word("（名前なし）", "(no name)")

FIGURES = Word("設備の数字", "Machine figures")
FIGURES_NOTE = Word(
    "ISO 22400-2 の名前で、この設備だけを見ます。出せないものは出さず、理由を書きます。人のことは出しません。",
    "In the terms of ISO 22400-2, of this machine alone. What cannot be told is left out and says why. Nothing is "
    "computed about people.",
)
FIGURES_OFF = Word(
    "この会社は設備の数字を使っていません。使うときは、共有サーバーの設定で machine_figures を入れます。",
    "This firm has not turned on figures of its machines. The shared server's settings turn them on: machine_figures.",
)
FIGURES_RECENT = Word(
    "この日はこのページで見られません。{n}日前から今日までです。古い日は mawashi figures で見られます。",
    "This page shows today and the {n} days before. Older ones: mawashi figures.",
)
FIGURES_NOTHING = Word("この日、この設備の記録はありません。", "Nothing is known of this machine on this day.")
FIGURE = Word("数字", "Figure")
VALUE = Word("値", "Value")
COMPUTED_FROM = Word("何から出したか", "Computed from")
DAY_OF_MACHINE = Word("この日の機械と作業", "Machine and work on this day")
MACHINE_ROW = Word("機械", "Machine")
WORK_ROW = Word("作業", "Work")
DAY_BEFORE = Word("前の日", "Day before")
DAY_AFTER = Word("次の日", "Day after")
UNTIL_NOW = Word("{at} まで", "until {at}")
