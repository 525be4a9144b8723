"""InfluxQL targets for boards: the query type that the Grafana SDK lacks."""

from dataclasses import dataclass
from typing import Literal, Self

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

SOURCE = DataSourceRef(type_val="influxdb", uid="${shop}")
"""The board's variable `shop`: which of the provisioned databases it shows."""


@dataclass
class InfluxQuery(Dataquery):
    """One InfluxQL statement as Grafana's InfluxDB data source takes it. `result_format` is its own word."""

    query: str
    ref_id: str
    result_format: Literal["table", "time_series"]
    alias: str

    def to_json(self) -> dict[str, object]:
        """Return the target as it stands in a board's JSON."""
        return {
            "alias": self.alias,
            "datasource": SOURCE,
            "query": self.query,
            "rawQuery": True,
            "refId": self.ref_id,
            "resultFormat": self.result_format,
        }


class InfluxQL(Builder[Dataquery]):
    """Builds one target: `InfluxQL('SELECT ...').series("$tag_cause")`."""

    def __init__(self, query: str) -> None:
        self._query = InfluxQuery(query=" ".join(query.split()), ref_id="A", result_format="table", alias="")

    def series(self, alias: str = "") -> Self:
        """Ask for time series instead of a table; `alias` names each from its tags (`$tag_station`)."""
        self._query.result_format, self._query.alias = "time_series", alias
        return self

    def ref(self, ref_id: str) -> Self:
        """Name the target, where a panel has more than one."""
        self._query.ref_id = ref_id
        return self

    def build(self) -> Dataquery:
        """Return the target."""
        return self._query
