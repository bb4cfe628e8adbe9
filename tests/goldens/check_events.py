"""Checks that TensorBoard's own reader gives every scalar of a run's results.csv.

    pip install tensorboard && python tests/goldens/check_events.py runs/train/NAME
"""
import csv
import pathlib
import sys

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = pathlib.Path(sys.argv[1])
events = EventAccumulator(str(run / "tb"), size_guidance={"scalars": 0, "images": 0, "histograms": 0})
events.Reload()
rows = list(csv.DictReader(open(run / "results.csv")))
checked = 0
for column in rows[0]:
    if column == "epoch":
        continue
    split, _, name = column.partition("_")
    tag = f"{name}/{split}" if split in ("train", "valid") else column
    wanted = [(int(row["epoch"]), float(np.float32(row[column]))) for row in rows if row[column]]
    given = [(e.step, e.value) for e in events.Scalars(tag)] if wanted else []
    # results.csv has nine digits: a number cut to these and then to f32 may be f32's next one.
    close = [step == at and np.isclose(a, b, rtol=2e-7, atol=0) for (step, a), (at, b) in zip(given, wanted)]
    assert len(given) == len(wanted) and all(close), (tag, given, wanted)
    checked += len(wanted)
steps = [e.step for e in events.Scalars("loss/step")]
assert steps == list(range(1, len(steps) + 1)), steps
tags = events.Tags()
print(f"{checked} scalars of {len(rows)} epochs and the loss of {len(steps)} steps are equal; "
      f"images {tags['images']}, histograms {len(tags['histograms'])}")
