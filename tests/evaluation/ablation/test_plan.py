import dataclasses

import pytest

from tfrelight.errors import InputError
from tfrelight.evaluation.ablation import plan
from tfrelight.training.config import TrainConfig

BASE = TrainConfig(
    seed=5,
    labelled_multilit_subjects=3,
    cross_relighting_weight=2.0,
    albedo_consistency_weight=0.5,
    normals_consistency_weight=0.25,
)


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
        config = run.config(BASE)
        weights[run.variant] = [config.loss_weights[name] for name in plan.MULTILIT]
        kept = {f"{name}_weight": getattr(BASE, f"{name}_weight") for name in plan.MULTILIT}
        assert dataclasses.replace(config, **kept) == dataclasses.replace(
            BASE, seed=4, synthetic_share=0.0, labelled_multilit_subjects=1
        )
    assert weights == {
        "supervised": [0, 0, 0],
        "cross_relighting": [2, 0, 0],
        "consistency": [0, 0.5, 0.25],
        "all": [2, 0.5, 0.25],
    }


def test_the_mixed_setting_keeps_its_share_and_hides_real_labels():
    [run] = runs(["mixed"], labels="5")
    config = run.config(BASE)
    assert config.synthetic_share == 0.5 and config.labelled_multilit_subjects == 0


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
