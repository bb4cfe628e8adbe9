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


def report(labels, guesses, names):
    if not (labels == guesses).any():
        return None  # scikit-learn writes the counts of samples as floating-point numbers then
    return metrics.classification_report(labels, guesses, labels=range(len(names)), target_names=names, zero_division=0)


def binary(count, digits):
    labels = random.integers(0, 2, count)
    labels[:2] = 0, 1
    logits = np.round(random.normal(size=count) + labels, digits)
    return described(labels, logits)


def described(labels, logits):
    """What scikit-learn says of two classes; NaN, written as null, where one does not occur."""
    scores = 1 / (1 + np.exp(-logits))
    guesses = (scores > 0.5).astype(int)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, guesses, average="binary", zero_division=0)
    both = 0 < labels.sum() < len(labels)
    fpr, tpr, roc_thresholds = metrics.roc_curve(labels, scores, drop_intermediate=False) if both else [np.array([])] * 3
    curve_precision, curve_recall, _ = metrics.precision_recall_curve(labels, scores) if both else [np.array([])] * 3
    return {
        "logits": logits.tolist(), "labels": labels.tolist(),
        "accuracy": metrics.accuracy_score(labels, guesses),
        "precision": precision, "recall": recall, "f1": f1,
        "roc_auc": metrics.roc_auc_score(labels, scores) if both else None,
        "average_precision": metrics.average_precision_score(labels, scores) if labels.any() else None,
        "eer": equal_error_rate(labels, scores) if both else None,
        "confusion": metrics.confusion_matrix(labels, guesses, labels=[0, 1]).tolist(),
        "report": report(labels, guesses, ["fake", "real"]),
        "fpr": fpr.tolist(), "tpr": tpr.tolist(), "thresholds": roc_thresholds[1:].tolist(),
        "curve_precision": curve_precision[::-1].tolist(), "curve_recall": curve_recall[::-1].tolist(),
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
        "report": report(labels, guesses, [f"class {c}" + "é" * (6 * c % 31) for c in range(classes)]),
    }
    for mean in ("macro", "weighted"):
        case[mean] = metrics.precision_recall_fscore_support(
            labels, guesses, labels=range(classes), average=mean, zero_division=0)[:3]
    return case


cases = {
    "binary": [binary(2, 3), binary(9, 1), binary(40, 0), binary(101, 1), binary(257, 6),
               described(np.zeros(5, int), np.array([-1, 0, 2, 0, 3.])),
               described(np.ones(4, int), np.array([1, 1, -2, 0.])),
               described(np.array([0, 1, 0, 1]), np.full(4, 0.5)),
               described(np.array([1, 1, 0, 0]), np.array([-2., -1, 1, 1]))],
    "several": [several(31, 3), several(120, 10)],
}
pathlib.Path(__file__).with_name("metrics.json").write_text(json.dumps(cases) + "\n")
