"""The dashboard uses only metrics that exist, with windows that fit reads every ten minutes."""

import json
import re

import pytest
from helm import only
from metrics import METRICS, OBJECTS, OF_A_TARGET, selections, state_series

BOARD = json.loads(only(OBJECTS, "ConfigMap", "dashboard")["data"]["customimage-operator.json"])
PANELS = BOARD["panels"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
VARIABLES = {variable["name"]: variable for variable in BOARD["templating"]["list"]}
SERIES = state_series()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_panel_uses_only_existing_metrics_and_labels(expression):
    known = METRICS | SERIES
    for metric, labels in selections(expression):
        assert labels - OF_A_TARGET <= known[metric]
        assert {"cluster"} <= labels if metric in SERIES else {"cluster", "job", "namespace"} <= labels
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression))))
    assert grouped <= OF_A_TARGET.union(*(known[metric] for metric, _ in selections(expression)))


def test_the_dashboard_shows_every_metric_of_the_operator():
    shown = {metric for expression in EXPRESSIONS for metric, _ in selections(expression)}
    assert shown - SERIES.keys() == METRICS.keys()


@pytest.mark.parametrize("expression", [expression for expression in EXPRESSIONS if "[" in expression])
def test_what_happens_every_ten_minutes_is_counted_over_a_longer_window(expression):
    windows = set(re.findall(r"\[([^]]+)\]", expression))
    # A process uses its CPU all the time.
    assert windows == ({"$__rate_interval"} if "process_cpu" in expression else {"$window"})


def test_the_shortest_window_holds_two_reads_of_a_settled_image():
    shortest = VARIABLES["window"]["query"].split(",")[0]
    assert int(shortest.removesuffix("m")) >= 2 * 10
    assert VARIABLES["window"]["current"]["value"] == shortest
    assert ",".join(option["value"] for option in VARIABLES["window"]["options"]) == VARIABLES["window"]["query"]


def test_all_clusters_are_shown_at_first_also_metrics_without_that_label():
    cluster = VARIABLES["cluster"]
    assert cluster["includeAll"] and cluster["current"]["value"] == "$__all"
    assert re.fullmatch(cluster["allValue"], "")
    assert all('cluster=~"$cluster"' in VARIABLES[name]["query"] for name in ("namespace", "job"))


def test_every_variable_is_defined_and_every_panel_reads_the_chosen_datasource():
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(BOARD))) - {"__all", "__rate_interval"}
    assert used == VARIABLES.keys()
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}


def test_the_table_says_of_each_image_where_it_stands_and_why():
    (table,) = [panel for panel in PANELS if panel["type"] == "table"]
    columns = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", " ".join(target["expr"] for target in table["targets"])))))
    assert {"namespace", "name", "image_id", "status", "reason", "phase", "ami_id"} <= columns
    # `merge` joins the rows by the columns that all queries have, of one moment.
    assert all(target["format"] == "table" and target["instant"] for target in table["targets"])
    merged, organized = table["transformations"]
    assert merged["id"] == "merge"
    values = {f"Value #{target['refId']}" for target in table["targets"]}
    assert organized["options"]["renameByName"].keys() == organized["options"]["indexByName"].keys()
    assert organized["options"]["renameByName"].keys() | organized["options"]["excludeByName"].keys() == columns | values | {"Time"}


def test_the_panels_do_not_overlap_and_have_ids_of_their_own():
    cells = [(x, y) for panel in PANELS for grid in [panel["gridPos"]]
             for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])]  # fmt: skip
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
