import pytest

from tfrelight.ablation import plan
from tfrelight.errors import InputError

BASE = {
    "seed": 5,
    "synthetic_share": 0.5,
    "labelled_multilit_subjects": 3,
    "reconstruction_weight": 1.0,
    "cross_relighting_weight": 2.0,
    "albedo_consistency_weight": 0.5,
    "normal_consistency_weight": 0.25,
}


def runs(settings=("limited",), labels=("1",), variants=("supervised",), seeds=("0",)):
    return plan.runs(list(settings), list(labels), list(variants), list(seeds))


def test_every_combination_once_and_the_first_seed_first():
    found = runs(plan.SETTINGS, "01", plan.VARIANTS, "02")
    assert len(found) == len({run.name for run in found}) == 2 * (2 + 1) * 4
    assert [run.seed for run in found] == [0] * 12 + [2] * 12
    assert {run.row for run in found[:12]} == {run.row for run in found[12:]}
    assert found[0].name == "limited-0-supervised-seed0"
    assert found[-1].name == "mixed-all-seed2"


def test_variants_differ_in_the_multilit_losses_alone():
    weights = {}
    for run in runs(variants=plan.VARIANTS, seeds="4"):
        settings = run.settings(BASE)
        weights[run.variant] = [settings.pop(f"{name}_weight") for name in plan.MULTILIT]
        assert settings == {
            "seed": 4,
            "synthetic_share": 0.0,
            "labelled_multilit_subjects": 1,
            "reconstruction_weight": 1.0,
        }
    assert weights == {
        "supervised": [0, 0, 0],
        "cross_relighting": [2, 0, 0],
        "consistency": [0, 0.5, 0.25],
        "all": [2, 0.5, 0.25],
    }


def test_the_mixed_setting_keeps_its_share_and_hides_real_labels():
    [run] = runs(["mixed"], labels="5")
    settings = run.settings(BASE)
    assert settings["synthetic_share"] == 0.5 and settings["labelled_multilit_subjects"] == 0


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"settings": ["both"]}, "--settings. Expected some of: limited, mixed. Received: 'both'"),
        ({"variants": ["none"]}, "--variants. Expected some of: supervised, cross"),
        ({"labels": ["-1"]}, "--labels. Expected whole numbers"),
        ({"seeds": ["one"]}, "--seeds. Expected whole numbers"),
        ({"seeds": []}, "--seeds. Expected at least one value and none twice. Received: nothing"),
        ({"labels": ["1", "01"]}, "--labels. Expected at least one value and none twice"),
    ],
)
def test_wrong_plans_are_refused(wrong, message):
    with pytest.raises(InputError) as error:
        runs(**wrong)
    assert message in str(error.value)
