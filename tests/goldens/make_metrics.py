"""Makes metrics.json: scores, labels and what scikit-learn says of them.

    pip install scikit-learn && python tests/goldens/make_metrics.py
"""
import json
import pathlib

import numpy as np
from sklearn import metrics

random = np.random.default_rng(7)


def equal_error_rate(labels, scores):
    """The crossing of the ROC curve with fpr = 1 - tpr, linear between its points."""
    fpr, tpr, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    gap = fpr - (1 - tpr)
    i = int(np.argmax(gap >= 0))
    return float(fpr[i - 1] + (fpr[i] - fpr[i - 1]) * (-gap[i - 1] / (gap[i] - gap[i - 1])))


def binary(count, digits):
    labels = random.integers(0, 2, count)
    labels[:2] = 0, 1
    logits = np.round(random.normal(size=count) + labels, digits)
    scores = 1 / (1 + np.exp(-logits))
    guesses = (scores > 0.5).astype(int)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, guesses, average="binary", zero_division=0)
    return {
        "logits": logits.tolist(), "labels": labels.tolist(),
        "accuracy": metrics.accuracy_score(labels, guesses),
        "precision": precision, "recall": recall, "f1": f1,
        "roc_auc": metrics.roc_auc_score(labels, scores),
        "average_precision": metrics.average_precision_score(labels, scores),
        "eer": equal_error_rate(labels, scores),
        "confusion": metrics.confusion_matrix(labels, guesses, labels=[0, 1]).tolist(),
    }


def several(count, classes):
    labels = random.integers(0, classes - 1, count)  # the last class never occurs
    logits = random.normal(size=(count, classes))
    logits[np.arange(count), labels] += 1
    guesses = logits.argmax(1)
    case = {
        "logits": logits.round(6).tolist(), "labels": labels.tolist(), "classes": classes,
        "accuracy": metrics.accuracy_score(labels, guesses),
        "confusion": metrics.confusion_matrix(labels, guesses, labels=range(classes)).tolist(),
    }
    for mean in ("macro", "weighted"):
        case[mean] = metrics.precision_recall_fscore_support(
            labels, guesses, labels=range(classes), average=mean, zero_division=0)[:3]
    return case


cases = {
    "binary": [binary(2, 3), binary(9, 1), binary(40, 0), binary(101, 1), binary(257, 6)],
    "several": [several(31, 3), several(120, 10)],
}
pathlib.Path(__file__).with_name("metrics.json").write_text(json.dumps(cases) + "\n")
