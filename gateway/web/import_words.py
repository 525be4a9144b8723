"""Every sentence of the pages that bring orders in, in both languages."""

from broker.words import Word
from gateway.web.words import BRING

TITLE = BRING
CHOOSE = Word("お客様の注文ファイル（.xlsx、CSV）", "The customer's order file (.xlsx, CSV)")
CUSTOMER = Word("客先の名前", "Customer")
CUSTOMER_WHY = Word("読み方はこの名前で覚えます", "How it is read is kept by this name")
LOOK = Word("中身を見る", "Look at it")
LOOK_FIRST = Word("まず中身を見ます。登録はその後で。", "First it is only looked at; nothing is recorded yet.")
NO_FILE = Word("ファイルを選んでください。", "Choose a file.")
GONE = Word(
    "このファイルはもう手元にありません。もう一度選んでください。",
    "This file is no longer at hand. Please choose it again.",
)
AGAIN_FILE = Word("別のファイルを選ぶ", "Choose another file")
MEND = Word(
    "{n}か所を直すと登録できます。まだ何も登録していません。", "Mend {n} to import it. Nothing has been recorded."
)
MEND_WHERE = Word(
    "下で答えられるものは答えて、ほかはファイルを直して選び直してください。",
    "Answer below what can be answered; for the rest mend the file and choose it again.",
)
MEND_FILE = Word("ファイルを直して、選び直してください。", "Mend the file and choose it again.")
READY = Word("{n}件、問題なし。まだ何も登録していません。", "{n} orders, no problems. Nothing has been recorded yet.")
IMPORT = Word("{n}件を登録する", "Import {n} orders")
DONE = Word("{n}件を登録しました。", "{n} orders were imported.")
WHO = Word("登録する人", "Who imports")
KEPT = Word("「{customer}」のファイルの読み方を覚えました。", "How files of {customer} are read is kept.")
NOT_KEPT = Word("読み方を覚えられませんでした（{why}）。", "How it is read could not be kept ({why}).")
COLUMNS = Word("列の読み方", "What the columns are")
UNSAID = Word("── 選んでください ──", "-- choose --")
NOT_READ = Word("読まない", "Not read")
MAYBE = Word("{name}？", "{name}?")
NO_HEADING = Word("（見出しなし）", "(no heading)")
EXAMPLE = Word("例", "e.g.")
FOR_ALL = Word("全部の行で同じもの", "The same for every row")
COORDINATOR = Word("幹事会社", "Coordinator")
FIRM = Word("工程の会社", "Firm of the steps")
NOBODY = Word("──", "--")
SHEET = Word("シート", "Sheet")
FURTHER = Word(
    "もう登録されている受注も、もう一つの受注として登録する", "Import orders that are there already as further ones"
)
REREAD = Word("この読み方で見直す", "Look again, read this way")
ROWS = Word("ファイルの中身", "What is in the file")
ROW = Word("行", "Row")
HIDDEN = Word("隠れた行", "Hidden")
MORE_ROWS = Word("ほか {n}行（直すところなし）", "{n} more rows, nothing to mend in them")
MORE_WRONG = Word("直すところのある行がほか {n}行", "{n} more rows have something to mend")
ORDERS = Word("登録する受注", "Orders to be made")
PART = Word("品", "Part")
NUMBER = Word("番号", "Number")
QUANTITY = Word("数量", "Quantity")
DUE = Word("納期", "Due")
STEPS = Word("工程", "Steps")
AS_LAST_TIME = Word("前回と同じ", "as last time")
MORE_ORDERS = Word("ほか {n}件", "{n} more")
TICKETS = Word("工程移動票", "Tickets")
OPEN = Word("受注を見る", "Open")
OTHERWISE = Word(
    "見ていただいた後で、登録する内容が変わりました。まだ何も登録していません。下をもう一度見て、登録してください。",
    "What would be imported is no longer what you saw. Nothing has been recorded. Look at it below, then import it.",
)
BUSY = Word(
    "共有サーバーが受け取れませんでした：{why}",
    "The shared server did not take them: {why}",
)
