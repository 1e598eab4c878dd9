"""Every value has its effect, is documented, and is in the chart's README."""

import pytest
import yaml
from cases import CASES
from helm import CHART, merge, nested, render
from values_table import documented, split, table

DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.value)
def test_a_changed_value_has_its_effect(case):
    changed = merge(case.given, nested(case.value, case.change))
    assert case.place(render(changed)) == case.expected
    # If the result is the same without the change, the case proves nothing.
    assert case.place(render(case.given)) != case.expected


def test_every_value_has_a_case():
    # `enabled` has an effect only in a parent chart: test_subchart.py.
    assert {value.path for value in documented()} - {"enabled"} == {case.value for case in CASES}


def leaves(values, path=""):
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key


def test_every_key_has_a_comment_of_its_own_or_is_part_of_a_value_that_has_one():
    paths = {value.path for value in documented()}
    for leaf in leaves(DEFAULTS):
        parts = leaf.split(".")
        assert any(".".join(parts[:length]) in paths for length in range(1, len(parts) + 1)), leaf


def test_the_table_in_the_readme_is_up_to_date():
    assert split()[1] == table(), "stale: run tests/chart/values_table.py with the Python that runs these tests"
