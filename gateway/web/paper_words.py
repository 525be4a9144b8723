"""What the pages for printing say, in both languages."""

from broker.words import Word

PAPERS = Word("紙を刷る", "Papers to print")
WHICH = Word(
    "どの紙をいつ使うか。絵は見本です。倍率 100 %、ヘッダーとフッターなしで刷ってください。",
    "Which paper for what. The pictures are samples. Print at 100 %, without headers and footers.",
)
BUY = Word("紙と用具：", "To buy: ")
DO_PRINT = Word("刷る", "Print")
DO_SHOW = Word("開く", "Open")
LOOK = Word("見本を見る", "Preview")
BY = Word("刷る人", "Printed by")
BY_HINT = Word("名前（なくてもよい）", "name (optional)")

TICKETS = Word("工程移動票", "Traveller (job ticket)")
TICKETS_FOR = Word(
    "受注の1ロットに1枚。品物といっしょに工程を回り、工程の QR を着手で一度、完了で一度読みます。",
    "One for each lot of an order. It goes round with the pieces; each step's QR is scanned at its start and its end.",
)
TICKETS_BUY = Word(
    "A4 普通紙（折って A5 ハードケースへ）、または A5 普通紙。10工程・4工程で次の頁へ続きます。",
    "plain A4, folded into an A5 hard case, or plain A5. Continues on a second page after 10 or 4 steps.",
)
LABELS = Word("現品票", "Box label")
LABELS_FOR = Word(
    "箱に1枚。どの受注の、どの枝の、何箱目か。", "One on each box: which order, which lot, which of how many boxes."
)
LABELS_BUY = Word(
    "62 mm 幅のラベルプリンター（203 dpi 以上）、長さ 100 mm。",
    "a label printer 62 mm wide (203 dpi or better), cut at 100 mm.",
)
WHICH_ORDER = Word("どの受注ですか", "Which order?")
ORDER_HINT = Word("共通番号・製番・票・図番", "number, own no., ticket, drawing")
NEXT_DUE = Word("納期の近い受注", "Due next")

BLANKS = Word("白票", "Blank tickets")
BLANKS_FOR = Word(
    "飛び込みの仕事と分割に。図面に貼って読めば、その場で票になります。名前は事務所があとで付けます。番号は一度しか出ません。",
    "For walk-in jobs and splits. Stuck on a sketch and scanned, one is a ticket at once; the office names it later. "
    "No number is ever printed twice.",
)
BLANKS_BUY = Word(
    "A4 ラベル用紙 24面（70×37 mm）。ほかの面付けは下で変えられます。",
    "A4 label sheets, 24 of 70 × 37 mm. Other layouts: below.",
)
SHEETS = Word("枚数", "Sheets")
SKIP = Word("1枚目の使用済み", "Used on the first")
LAYOUT = Word("ラベル用紙の寸法（mm）", "Layout of the sheet (mm)")
COLUMNS = Word("横の面数", "Across")
ROWS = Word("縦の面数", "Down")
WIDTH = Word("幅", "Width")
HEIGHT = Word("高さ", "Height")
LEFT = Word("左余白", "Left margin")
TOP = Word("上余白", "Top margin")
GAP_X = Word("横の間隔", "Gap across")
GAP_Y = Word("縦の間隔", "Gap down")
CENTRED = Word("中央", "centred")
ONCE = Word(
    "「刷る」を押すたびに新しい番号を出して記録します。紙づまりのときも、押し直せば別の番号です。",
    "Each press mints new numbers and records them. After a paper jam press again: the numbers are others.",
)

CARDS = Word("作業カード", "Cards")
CARDS_FOR = Word(
    "着手・完了・段取り・中断と理由・不良・出荷…を言うための札。票だけで済む所には要りません。",
    "They say start, finish, set-up, pause and why, scrap, ship... Not needed where the ticket alone will do.",
)
CARDS_BUY = Word(
    "A4 名刺用紙 10面（91×55 mm）か普通紙。ラミネートすると長持ちします。白黒でも使えます。",
    "A4 business cards, 10 of 91 × 55 mm, or plain paper; laminate them. Black and white will do.",
)
DIGITS = Word("数字板", "Digit board")
DIGITS_FOR = Word(
    "テンキーのない所で数を入れる板。数字を順に読み、最後に 確定。",
    "To give a number where there is no ten-key pad: scan the digits, then ENTER.",
)
DIGITS_BUY = Word("A4 普通紙、ラミネート。", "plain A4, laminated.")
STATIONS = Word("設備札", "Station labels")
STATIONS_FOR = Word(
    "機械や作業台に1枚。1台の読取機で何台も見るとき、票の前に読みます。一度も読み取りがなくても刷れます。",
    "One on each machine or bench. Where one scanner serves several, scanned before the ticket. "
    "They can be printed before any scan.",
)
STATIONS_HINT = Word("nc-1 NC旋盤1号機", "nc-1 Lathe 1")
STATIONS_TYPED = Word("1行に1台：記号、空けて名前。", "One a line: id, space, name.")
BADGES = Word("名札", "Badges")
BADGES_FOR = Word(
    "だれの作業かを残したい会社だけ。時間は仕事に付き、人の合計や順位は出しません。",
    "Only for firms that want to know who did it. Hours belong to the job: no screen totals or ranks people.",
)
BADGES_HINT = Word("sato 佐藤", "sato Sato")
BADGES_TYPED = Word("1行に1人：記号、空けて名前。", "One a line: id, space, name.")
FIRM = Word("会社", "Firm")

OF_ORDER = Word("{number} の紙", "Papers of {number}")
TO_ORDER = Word("受注のページへ", "To the order")
ALL_PAPERS = Word("ほかの紙", "Other papers")
ALL_LOTS = Word("全部の枝", "All lots")
LOT = Word("枝番 {branch}（{id}）", "Lot {branch} ({id})")
LOTS = Word("枝", "Lot")
SIZE = Word("大きさ", "Size")
CUSTOMER = Word("客先名と注文番号も刷る（ほかの会社も読みます）", "Print the customer too (other firms will read it)")
BOXES = Word("箱数", "Boxes")
EACH = Word("入数", "Pieces a box")
EACH_NOTE = Word(
    "入数だけなら箱数を計算します。どちらも空けると1枚、入数は手書きです。",
    "Given only the pieces, the boxes are worked out. With neither, one label to fill in by hand.",
)
AGAIN = Word(
    "刷るたびに記録し、二度目からは紙に「再発行 n」と入ります。",
    "Each printing is recorded; from the second on the paper says 再発行 n (reprint n).",
)
PRINTED_SO_FAR = Word("これまでの発行", "Printed so far")
NEVER = Word("まだ刷っていません。", "Not printed yet.")
NOTHING_TO_PRINT = Word("刷る票がありません。", "There is no ticket to print.")
KINDS = {"a4": Word("工程移動票 A4", "Traveller A4"), "a5": Word("工程移動票 A5", "Traveller A5"), "label": LABELS}
FIRST = Word("初回", "first")
REPRINT = Word("再発行 {n}", "reprint {n}")
TIMES = Word("{what} {n}回", "{what} {n}×")
LAST = Word("{times}（最後 {at}{by}）", "{times} (last {at}{by})")
