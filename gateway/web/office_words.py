"""What the office's pages say, in both languages. The words of a change itself stand in `gateway.office.words`."""

from broker.words import Word
from gateway.office import words as office

OFFICE = Word("事務所", "Office")
BACK = Word("受注へ戻る", "Back to the order")
EDIT = Word("数量・納期・改訂を変える", "Change quantity, date, revision")
EDIT_NOTE = Word(
    "変える所だけ直してください。次の画面で、何が変わるかを確かめられます。",
    "Change only what is to be different. The next page says what will happen.",
)
MORE = Word("ほかの項目", "Other fields")
REROUTE = Word("工程を他社へ", "Give a step to another firm")
STEP = Word("工程", "Step")
FIRM = Word("新しい会社", "New firm")
STEP_DUE = Word("工程納期", "Step due")
CHOOSE = Word("選んでください", "Choose")
NO_STEPS = Word("移せる工程はありません。", "There is no step that could go elsewhere.")
RESTEP_NOTE = Word(
    "番号を空けておくと最後に付きます。作業が始まった工程はなくせません。",
    "Without a number a step goes to the end. A step that was begun cannot be left out.",
)
NO_ROUTING_NOTE = Word(
    "工程がまだありません。作業の順に入れてください。貼ってある票はそのまま使えます。",
    "It has no steps yet. Give them in the order of work. The ticket on it stays good.",
)
LEAVE_OUT = Word("なくす工程", "Leave out")
STEP_NO = Word("番号", "No.")
STEP_NAME = Word("工程名", "Step")
STEP_FIRM = Word("会社", "Firm")
LOT_TAKES = Word("増減する枝", "Which lot takes or gives")
LAST_LOT = Word("最後の枝", "The last lot")
RESTEP = office.RESTEP
SPLIT = Word("分割", "Split")
SPLIT_NOTE = Word("枝を二つに分けます。どちらも新しい票になります。", "Makes two lots of one, both with new papers.")
LOT = Word("どの枝", "Which lot")
LOT_SAID = Word("枝{branch}　{id}　{n}個", "Lot {branch}, {id}, {n} pcs")
LOT_UNCOUNTED = Word("枝{branch}　{id}", "Lot {branch}, {id}")
PIECES = Word("分ける数", "Pieces to split off")
HOLD = Word("保留", "Hold")
HOLD_NOTE = Word(
    "この受注の票を読むと「保留の受注 幹事へ」と出ます。作業の記録は続きます。",
    "Whoever scans a ticket is told that the order is on hold. Work is recorded all the same.",
)
HOLD_PIECES = Word("何個（全部なら空欄）", "How many (blank: all)")
RELEASE = Word("保留を解除", "End the hold")
UNCANCEL = Word("取消を解除", "Take the cancellation back")
CANCEL = Word("取消", "Cancel")
CANCEL_NOTE = Word(
    "作業した記録は残ります。あとで解除もできます。",
    "What was done stays recorded, and it can be taken back.",
)
NAME = Word("番号不明の票に名前を付ける", "Give the ticket its order")
GIVE = Word("ある受注のもの", "It belongs to an order")
INTO = Word("共通番号・製番", "Order number")
GIVE_PIECES = Word("数（わかれば）", "Pieces, if known")
NEW = Word("新しい受注にする", "Make it a new order")
COORDINATOR = Word("幹事会社", "Coordinator")
SCANNED_FIRST = Word("最初に読んだ会社", "The firm that scanned it first")
NEXT = Word("確かめる", "See what happens")

NOT_YET = Word("まだ何も変えていません", "Nothing has been changed yet")
WHAT_CHANGES = Word("変わること", "What changes")
PAPERS = Word("票", "Papers")
EXCHANGE = Word("印刷して取り替えてください", "Print and exchange these papers")
MIND = Word("気をつけること", "Mind")
WHO = Word("だれが", "Who")
WHY = Word("なぜ", "Why")
WHY_EXAMPLE = Word("例：客先から電話", "e.g. the customer called")
DO_IT = Word("この通りにする", "Do it")
STOP = Word("やめる", "Do not")
NOT_UNDERSTOOD = Word(
    "何をするのか分かりませんでした。もう一度選んでください",
    "It was not clear what to do. Choose again",
)

HISTORY = Word("履歴", "History")
UNPRINTED = Word("未印刷", "not printed")
TO_EXCHANGE = Word(
    "新しい票を印刷して、前の票と取り替えてください。前の票を読むと「旧版です 止めて幹事へ」と出ます。",
    "Print the new tickets and exchange them. Whoever scans an old one is told to stop and ask the coordinator.",
)
OLD = Word("票 {id} は旧版です　止めて幹事へ", "Ticket {id} is an old issue. Stop, and ask the coordinator")
NOW_IN_FORCE = Word("いまの票は {ids}", "In force now: {ids}")
