"""The model holds on the product, and fails on every planted bug: a checker that cannot fail proves nothing.

`make model MODEL_EXAMPLES=5000 MODEL_SEED=7` looks for longer and elsewhere.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model import plants
from tests.model.machine import Cards, Damage, Deaths, LateReceipts, Ledgers, Machine, Network, Shop, Twins
from tests.model.parts import Kinds

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "10"))
SEED = int(os.environ.get("MODEL_SEED", "5"))
STEPS = 30


PLANTS: dict[str, tuple[type[Shop], Kinds]] = {
    "mark on PUBACK": (Network, Kinds(uplink=plants.MarksOnPuback)),
    "acknowledge before the commit": (Deaths, Kinds(appender=plants.AcknowledgesFirst)),
    "receipt before the commit": (Deaths, Kinds(appender=plants.ReceiptsFirst)),
    "stale acknowledgement": (Network, Kinds(link=plants.AcknowledgesAnyConnection)),
    "obey an old nonce": (LateReceipts, Kinds(uplink=plants.ObeysAnyNonce)),
    "obey another ledger": (Ledgers, Kinds(uplink=plants.ObeysAnyLedger)),
    "one epoch for two openings": (Cards, Kinds(outbox=plants.OneEpoch)),
    "a receipt for what is lost": (Damage, Kinds(appender=plants.CoversGaps)),
    "no rescue": (Damage, Kinds(rescue=plants.begins_anew)),
    "no look at what a repetition says": (Twins, Kinds(transaction=plants.TakesForRepetition)),
}
"""What is planted, and in which field of troubles it shows."""


HAPPENS = (
    "committed",
    "receipted",
    "arrived again",
    "cards cloned",
    "cards rolled back",
    "events lost",
    "events rescued",
    "numbers used twice",
    "ledgers put back",
    "ledgers restored",
)
"""What a run must have seen."""


def run(machine: type[Shop], examples: int, *phases: Phase) -> None:
    run_state_machine_as_test(
        seed(SEED)(machine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            phases=phases,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
@pytest.mark.timeout(max(120, 10 * EXAMPLES))
def test_whatever_happens_nothing_accepted_is_lost_or_doubled():
    Machine.tally.clear()
    run(Machine, EXAMPLES, Phase.generate, Phase.shrink)
    told = ", ".join(f"{count} {what}" for what, count in sorted(Machine.tally.items()))
    idle = {what for what in HAPPENS if not Machine.tally[what]}
    assert not idle, f"a model in which this never happened proves nothing: {idle}; it saw {told}"
    print(f"\n{told}")


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS)
def test_the_model_finds(plant: str):
    machine, spoilt = PLANTS[plant]

    class Spoilt(machine):  # type: ignore[misc, valid-type]
        kinds = spoilt
        heals = False

    with pytest.raises(AssertionError):
        run(Spoilt, 400, Phase.generate)
