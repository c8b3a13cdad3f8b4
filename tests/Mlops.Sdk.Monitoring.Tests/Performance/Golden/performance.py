"""Computes the known answers of the tests of performance: scikit-learn 1.2.1, scipy 1.10.1 and plain numpy.

Run with a Python that has both: python3 performance.py > performance.json
Nothing here is shared with the C# code: metrics come from scikit-learn, intervals from scipy or from the
definitions written out pair by pair, estimates from weighted scikit-learn metrics of doubled rows.
"""
import json
import numpy as np
from scipy import optimize, stats
from sklearn import metrics as m
from sklearn.isotonic import IsotonicRegression

rng = np.random.default_rng(20260102)


def f32(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def wilson(k, n):
    ci = stats.binomtest(int(k), int(n)).proportion_ci(0.95, method="wilson")
    return [ci.low, ci.high]


def delong(score, y):
    pos, neg = score[y == 1], score[y == 0]
    kernel = (pos[:, None] > neg[None, :]) + 0.5 * (pos[:, None] == neg[None, :])
    v = kernel.mean(axis=1).var(ddof=1) / len(pos) + kernel.mean(axis=0).var(ddof=1) / len(neg)
    return float(np.sqrt(v))


def binary(n, shift=0.0):
    x = rng.normal(shift, 1.2, n)
    score = 1 / (1 + np.exp(-1.7 * x))                      # over-confident
    score[::2] = np.round(score[::2], 2)                    # ties
    score = f32(np.clip(score, 0.001, 0.999))
    y = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(int)
    return score, (score >= 0.5).astype(int), y


def binary_metrics(score, yhat, y):
    tn, fp, fn, tp = m.confusion_matrix(y, yhat).ravel()
    n = len(y)
    return {
        "accuracy": m.accuracy_score(y, yhat), "precision": m.precision_score(y, yhat), "recall": m.recall_score(y, yhat),
        "f1": m.f1_score(y, yhat), "specificity": m.recall_score(y, yhat, pos_label=0), "roc_auc": m.roc_auc_score(y, score),
        "average_precision": m.average_precision_score(y, score), "log_loss": m.log_loss(y, score, eps=1e-15),
        "brier": m.brier_score_loss(y, score), "mcc": m.matthews_corrcoef(y, yhat),
    }, {
        "accuracy": wilson(tp + tn, n), "precision": wilson(tp, tp + fp), "recall": wilson(tp, tp + fn), "specificity": wilson(tn, tn + fp),
    }, [[int(tn), int(fp)], [int(fn), int(tp)]]


def multiclass(n):
    raw = rng.normal(0, 1, (n, 4)) * [1, 1.3, 0.8, 1.1] + [0.5, 0, 0, -0.7]
    p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    p = f32(p)
    truth = np.array([rng.choice(4, p=(0.7 * q + 0.075) / (0.7 * q + 0.075).sum()) for q in p])
    return p, p.argmax(axis=1), truth


def specificities(yhat, y, k):
    return [float(((y != c) & (yhat != c)).sum() / (y != c).sum()) for c in range(k)]


def multiclass_metrics(p, yhat, y):
    q = p / p.sum(axis=1, keepdims=True)
    ovr = [m.roc_auc_score((y == c).astype(int), p[:, c]) for c in range(4)]
    return {
        "accuracy": m.accuracy_score(y, yhat),
        "precision": m.precision_score(y, yhat, average="macro", zero_division=0), "recall": m.recall_score(y, yhat, average="macro", zero_division=0),
        "f1": m.f1_score(y, yhat, average="macro", zero_division=0), "specificity": float(np.mean(specificities(yhat, y, 4))),
        "weighted_precision": m.precision_score(y, yhat, average="weighted", zero_division=0), "weighted_f1": m.f1_score(y, yhat, average="weighted", zero_division=0),
        "log_loss": m.log_loss(y, q, eps=1e-15, labels=[0, 1, 2, 3]), "mcc": m.matthews_corrcoef(y, yhat),
        "roc_auc": float(np.mean(ovr)), "average_precision": float(np.mean([m.average_precision_score((y == c).astype(int), p[:, c]) for c in range(4)])),
    }


def regression(n):
    y = f32(rng.gamma(2, 10, n) - 5)
    return f32(y + rng.normal(0.5, 4, n)), y


def isotonic(score, y):
    return IsotonicRegression(out_of_bounds="clip").fit(score, y)


def doubled(score, p):
    s = np.concatenate([score, score])
    y = np.concatenate([np.ones_like(score), np.zeros_like(score)]).astype(int)
    w = np.concatenate([p, 1 - p])
    keep = w > 0
    return y[keep], s[keep], w[keep]


def expected(score, yhat, p):
    tp, fp = p[yhat == 1].sum(), (1 - p)[yhat == 1].sum()
    fn, tn = p[yhat == 0].sum(), (1 - p)[yhat == 0].sum()
    y, s, w = doubled(score, p)
    return {
        "accuracy": (tp + tn) / len(p), "precision": tp / (tp + fp), "recall": tp / (tp + fn), "f1": 2 * tp / (2 * tp + fp + fn), "specificity": tn / (tn + fp),
        "roc_auc": m.roc_auc_score(y, s, sample_weight=w), "average_precision": m.average_precision_score(y, s, sample_weight=w),
    }


def calibration(p, y):
    order = np.argsort(p, kind="stable")
    p, y = p[order], y[order]
    bins, start = [], 0
    for i in range(len(p)):
        if i + 1 == len(p) or (p[i + 1] != p[i] and i + 1 >= len(p) * (len(bins) + 1) / 10):
            bins.append([p[start:i + 1].mean(), y[start:i + 1].mean(), i + 1 - start])
            start = i + 1
    b = np.array(bins)
    ece = float((b[:, 2] * np.abs(b[:, 1] - b[:, 0])).sum() / len(p))
    hl = float((b[:, 2] * (b[:, 1] - b[:, 0]) ** 2 / (b[:, 0] * (1 - b[:, 0]))).sum())
    z = float(((y - p) * (1 - 2 * p)).sum() / np.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum()))
    x = np.log(np.clip(p, 1e-9, 1 - 1e-9) / (1 - np.clip(p, 1e-9, 1 - 1e-9)))
    nll = lambda t: np.logaddexp(0, t[0] + t[1] * x).sum() - (y * (t[0] + t[1] * x)).sum()
    grad = lambda t: np.array([(1 / (1 + np.exp(-(t[0] + t[1] * x))) - y).sum(), ((1 / (1 + np.exp(-(t[0] + t[1] * x))) - y) * x).sum()])
    t = optimize.root(grad, optimize.minimize(nll, [0, 1], jac=grad, method="BFGS").x, tol=1e-14).x
    return {"error": ece, "bins": len(bins), "hosmerLemeshow": hl, "hosmerLemeshowP": float(stats.chi2.sf(hl, len(bins))), "z": z, "zP": float(2 * stats.norm.sf(abs(z))), "intercept": t[0], "slope": t[1]}


def numbers(values):
    return [float(v) for v in np.asarray(values)]


s, yh, y = binary(240)
values, intervals, confusion = binary_metrics(s, yh, y)
out = {"binary": {"scores": numbers(s), "predicted": yh.tolist(), "actual": y.tolist(), "metrics": values, "intervals": intervals, "confusion": confusion, "delong": delong(s, y), "calibration": calibration(s, y)}}

p, ph, t = multiclass(240)
out["multiclass"] = {"scores": [numbers(c) for c in p.T], "predicted": ph.tolist(), "actual": t.tolist(), "metrics": multiclass_metrics(p, ph, t)}

pred, truth = regression(150)
nz = truth != 0
out["regression"] = {"predicted": numbers(pred), "actual": numbers(truth), "metrics": {
    "mae": m.mean_absolute_error(truth, pred), "rmse": float(np.sqrt(m.mean_squared_error(truth, pred))), "r2": m.r2_score(truth, pred),
    "bias": float((pred - truth).mean()), "mape": m.mean_absolute_percentage_error(truth[nz], pred[nz])}}

iso = isotonic(s, y)
at = f32(np.concatenate([[-0.5, 0.0, 1.0, 1.5], np.linspace(0.003, 0.997, 40), s[:20]]))
out["isotonic"] = {"at": numbers(at), "value": numbers(iso.predict(at))}

s2, yh2, _ = binary(200, 0.6)
out["estimate"] = {"scores": numbers(s2), "predicted": yh2.tolist(), "metrics": expected(s2, yh2, iso.predict(s2))}

p2, ph2, _ = multiclass(200)
heads = []
for c in range(4):
    cal = isotonic(p[:, c], (t == c).astype(int)).predict(p2[:, c])
    heads.append((expected(p2[:, c], (ph2 == c).astype(int), cal), cal))
macro = {k: float(np.mean([h[0][k] for h in heads])) for k in ("precision", "recall", "f1", "specificity", "roc_auc", "average_precision")}
macro["accuracy"] = float(sum(heads[c][1][ph2 == c].sum() for c in range(4)) / len(ph2))
out["estimateMulticlass"] = {"scores": [numbers(c) for c in p2.T], "predicted": ph2.tolist(), "metrics": macro}

# DeLong's interval and the delta method are checked against the spread over resamples elsewhere; MCC's by its own formula here
print(json.dumps(out))
