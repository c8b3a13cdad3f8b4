"""Writes statistics.json: known answers for the tests of two samples, computed apart from the C# code.

Run with a Python that has numpy, scipy and mpmath (written with Python 3.11, numpy 1.24, scipy 1.10, mpmath 1.2):
    python3 statistics.py > statistics.json
Large samples are not written out: both sides draw them from the same linear congruential generator.
"""
import json
import math
import sys

import numpy as np
import mpmath
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

np.seterr(all="ignore")


def lcg(seed, count):
    """state = state * 6364136223846793005 + 1442695040888963407 mod 2^64; the upper 53 bits as a number in [0, 1)."""
    out = np.empty(count)
    state = seed
    for i in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        out[i] = (state >> 11) * (1.0 / 9007199254740992.0)
    return out


def bell(seed, count, scale=1.0, shift=0.0):
    u = lcg(seed, 3 * count).reshape(count, 3)
    return (((u[:, 0] + u[:, 1]) + u[:, 2]) - 1.5) * scale + shift


def whole(seed, count, values):
    return np.floor(lcg(seed, count) * values)


def case(name, r, c, how=None):
    out = {"name": name}
    if how is None:
        out["reference"], out["current"] = [spell(v) for v in r], [spell(v) for v in c]
    else:
        out["draw"] = how
    out["referenceMissing"], out["currentMissing"] = int(np.isnan(r).sum()), int(np.isnan(c).sum())
    out["referenceInfinite"], out["currentInfinite"] = int(np.isinf(r).sum()), int(np.isinf(c).sum())
    out["expected"] = answers(r[np.isfinite(r)], c[np.isfinite(c)])
    return out


def spell(v):
    return float(v) if math.isfinite(v) else str(v)


def answers(r, c):
    e = {}
    m, n = len(r), len(c)
    if m == 0 or n == 0:
        return e
    # D from whole numbers: sup |i n - j m| / (m n)
    rs, cs = np.sort(r), np.sort(c)
    pool = np.unique(np.concatenate([rs, cs]))
    i = np.searchsorted(rs, pool, side="right").astype(np.int64)
    j = np.searchsorted(cs, pool, side="right").astype(np.int64)
    largest = int(np.max(np.abs(i * n - j * m)))
    d = largest / (m * n)
    if max(m, n) <= 10_000:
        p = stats.ks_2samp(r, c, method="exact").pvalue
    else:
        p = float(special.kolmogorov(math.sqrt(m * n / (m + n)) * d))
    e["ks"] = [d, float(p)]
    e["cvm"] = cramer_von_mises(r, c)
    if len(pool) > 1 and m + n >= 4:
        ad = stats.anderson_ksamp([r, c])
        e["ad"] = [float(ad.statistic), float(ad.significance_level)]
    for alternative in ("two-sided", "greater", "less"):
        if len(pool) > 1:
            u = stats.mannwhitneyu(c, r, alternative=alternative)
            e["mw " + alternative] = [float(u.statistic), float(u.pvalue)]
        if m > 1 and n > 1 and (np.var(r) > 0 or np.var(c) > 0):
            w = stats.ttest_ind(c, r, equal_var=False, alternative=alternative)
            e["welch " + alternative] = [float(w.statistic), float(w.pvalue)]
            s = stats.ttest_ind(c, r, equal_var=True, alternative=alternative)
            e["student " + alternative] = [float(s.statistic), float(s.pvalue)]
    if m >= 5 and n >= 5 and stats.iqr(np.concatenate([r, c])) > 0:
        es = stats.epps_singleton_2samp(r, c)
        e["es"] = [float(es.statistic), float(es.pvalue)]
    e["wasserstein"] = [float(stats.wasserstein_distance(r, c))]
    e["wasserstein normalised"] = [float(stats.wasserstein_distance(r, c) / max(np.std(r), 0.001))]
    e["energy"] = [float(stats.energy_distance(r, c))]
    e["psi"] = [psi_by_quantiles(rs, cs)]
    e["psi joint"] = [psi_joint(r, c)]
    return {k: v for k, v in e.items() if all(math.isfinite(x) for x in v)}  # scipy has no answer there


def cramer_von_mises(r, c):
    m, n = len(r), len(c)
    k, big = m * n, m + n
    ranks = (2 * stats.rankdata(np.concatenate([r, c]))).astype(np.int64)  # twice the middle ranks: whole
    rr, rc = np.sort(ranks[:m]), np.sort(ranks[m:])
    a = int(np.sum((rr - 2 * np.arange(1, m + 1)) ** 2))
    b = int(np.sum((rc - 2 * np.arange(1, n + 1)) ** 2))
    u4 = m * a + n * b
    with mpmath.workdps(40):
        t = mpmath.mpf(u4) / (4 * k * big) - mpmath.mpf(4 * k - 1) / (6 * big)
        if max(m, n) <= 20:
            return [float(t), float(stats.cramervonmises_2samp(r, c, method="exact").pvalue)]
        et = mpmath.mpf(1 + mpmath.mpf(1) / big) / 6
        vt = mpmath.mpf((big + 1) * (4 * k * big - 3 * (m * m + n * n) - 2 * k)) / (45 * big * big * 4 * k)
        tn = mpmath.mpf(1) / 6 + (t - et) / mpmath.sqrt(45 * vt)
        # 1 - the series of Csorgo and Faraway 1996, equation 1.3, at 40 digits
        x, cdf = tn, mpmath.mpf(0)
        for j in range(60):
            y = 4 * j + 1
            q = y * y / (16 * x)
            cdf += mpmath.gamma(j + 0.5) / mpmath.factorial(j) * mpmath.sqrt(y) * mpmath.exp(-q) * mpmath.besselk(0.25, q) / (mpmath.pi ** 1.5 * mpmath.sqrt(x))
        return [float(t), float(1 - cdf)]


def psi_by_quantiles(rs, cs):
    m, n = len(rs), len(cs)
    if rs[0] == rs[-1]:
        edges = [np.nextafter(rs[-1], -np.inf), rs[-1]]
    else:
        before_last = rs[rs < rs[-1]][-1]
        edges = sorted({min(rs[math.ceil(m * b / 10) - 1], before_last) for b in range(1, 10)})
    count = lambda s: np.diff(np.concatenate([[0], np.searchsorted(s, edges, side="right"), [len(s)]]))
    ri, ci = np.maximum(count(rs) / m, 1e-4), np.maximum(count(cs) / n, 1e-4)
    return float(np.sum((ci - ri) * np.log(ci / ri)))


def psi_joint(r, c):
    if len(np.unique(r)) > 20:
        edges = np.histogram_bin_edges(np.concatenate([r, c]), bins="sturges")
        ri, ci = np.histogram(r, edges)[0] / len(r), np.histogram(c, edges)[0] / len(c)
    else:
        keys = np.unique(np.concatenate([r, c]))
        ri = np.array([np.mean(r == k) for k in keys])
        ci = np.array([np.mean(c == k) for k in keys])
    for s in (ri, ci):
        least = s[s > 0].min()
        s[s == 0] = least / 1e6 if least <= 1e-4 else 1e-4
    return float(np.sum((ri - ci) * np.log(ri / ci)))


def categories(name, r, c):
    r, c = np.array(r), np.array(c)
    kept = r + c > 0
    table = np.array([r, c])[:, kept]
    x2 = stats.chi2_contingency(table, correction=False)
    g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    rs, cs = r / r.sum(), c / c.sum()
    rf, cf = np.maximum(rs, 1e-4), np.maximum(cs, 1e-4)
    e = {
        "chi2": [float(x2[0]), float(x2[1])],
        "g": [float(g[0]), float(g[1])],
        "js2": [float(jensenshannon(rs, cs, 2))],
        "jse": [float(jensenshannon(rs, cs))],
        "kl": [float(np.sum(cf * np.log(cf / rf)))],
        "kl back": [float(np.sum(rf * np.log(rf / cf)))],
        "psi": [float(np.sum((cf - rf) * np.log(cf / rf)))],
        "hellinger": [float(np.sqrt(np.sum((np.sqrt(rs) - np.sqrt(cs)) ** 2)) / np.sqrt(2))],
        "tv": [float(np.abs(rs - cs).sum() / 2)],
        "linf": [float(np.abs(rs - cs).max())],
    }
    if (r > 0).all():
        fit = stats.chisquare(c, rs * c.sum())
        e["fit"] = [float(fit.statistic), float(fit.pvalue)]
    if len(r) == 2:
        e["yates"] = [float(v) for v in stats.chi2_contingency(table, correction=True)[:2]]
        e["fisher"] = [float(stats.fisher_exact(table)[1])]
        p = (r[0] + c[0]) / (r.sum() + c.sum())
        z = (c[0] / c.sum() - r[0] / r.sum()) / math.sqrt(p * (1 - p) * (1 / r.sum() + 1 / c.sum()))
        e["z"] = [float(z), float(2 * stats.norm.sf(abs(z)))]
    return {"name": name, "reference": r.tolist(), "current": c.tolist(), "expected": e}


def draw(kind, seed, count, a, b):
    return {"kind": kind, "seed": seed, "count": count, "a": a, "b": b}


def drawn(name, r, c):
    make = lambda w: bell(w["seed"], w["count"], w["a"], w["b"]) if w["kind"] == "bell" else whole(w["seed"], w["count"], w["a"])
    return case(name, make(r), make(c), {"reference": r, "current": c})


nan, inf = float("nan"), float("inf")
samples = [
    case("seven and nine numbers", np.array([1.3, 2.2, -0.5, 3.1, 0.7, 1.9, 2.8]), np.array([2.1, 3.3, 4.0, 1.1, 2.9, 3.8, 5.2, 0.2, 2.5])),
    case("five rows each", np.array([0.1, 0.4, 0.35, 0.8, 0.62]), np.array([0.2, 0.9, 1.1, 0.75, 0.66])),
    case("small with ties", np.array([1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7, 7.0]), np.array([2, 3, 3, 4, 4, 5, 5, 5, 6, 6, 7, 8, 8, 9, 9.0])),
    case("equal constants", np.full(10, 3.0), np.full(8, 3.0)),
    case("different constants", np.full(10, 3.0), np.full(8, 4.0)),
    case("constant reference", np.full(12, 2.0), np.array([1.0, 2.0, 2.5, 3.0, 2.0, 1.5])),
    case("missing and infinite", np.array([nan, 1.0, 2.0, inf, 3.5, 0.5, nan, 2.2, 1.7]), np.array([2.0, -inf, 3.0, 4.5, nan, 2.7, 3.1, 1.9])),
    case("all missing", np.array([1.0, 2.0, 3.0]), np.array([nan, nan])),
    case("nothing shared", np.array([1.0, 2, 3, 4, 5, 6]), np.array([11.0, 12, 13, 14, 15, 16, 17])),
    drawn("twenty and twenty", draw("bell", 1, 20, 1, 0), draw("bell", 2, 20, 1, 0.2)),
    drawn("twenty and thirteen", draw("bell", 3, 20, 1, 0), draw("bell", 4, 13, 1, 0.1)),
    drawn("24 and 24, small-sample correction", draw("bell", 5, 24, 1, 0), draw("bell", 6, 24, 2, 0.1)),
    drawn("300 and 500 shifted", draw("bell", 7, 300, 1, 0), draw("bell", 8, 500, 1, 0.08)),
    drawn("300 and 300 wider", draw("bell", 9, 300, 1, 0), draw("bell", 10, 300, 1.4, 0)),
    drawn("whole numbers with many ties", draw("whole", 11, 400, 6, 0), draw("whole", 12, 300, 7, 0)),
    drawn("far apart", draw("bell", 13, 60, 1, 0), draw("bell", 14, 50, 1, 1.1)),
    drawn("six and two thousand", draw("bell", 15, 6, 1, 0), draw("bell", 16, 1500, 1, 0.2)),
    drawn("at the limit of the exact test", draw("bell", 17, 9999, 1, 0), draw("bell", 18, 10000, 1, 0.01)),
    drawn("beyond the limit", draw("bell", 19, 20000, 1, 0), draw("bell", 20, 15000, 1, 0.012)),
    drawn("a million whole numbers", draw("whole", 21, 1000000, 40, 0), draw("whole", 22, 1000000, 40, 0)),
    drawn("a million rows", draw("bell", 23, 1000000, 1, 0), draw("bell", 24, 1000000, 1, 0.001)),
]
tables = [
    categories("two shares", [120, 880], [340, 660]),
    categories("two small shares", [3, 17], [9, 6]),
    categories("five categories", [120, 180, 300, 250, 150], [90, 60, 50, 60, 140]),
    categories("a new category", [500, 300, 200, 0], [40, 30, 20, 15]),
    categories("a lost category", [50, 30, 20, 10], [400, 300, 300, 0]),
    categories("five rows", [3, 1, 1], [1, 2, 2]),
    categories("a million rows", [700000, 200000, 100000], [701000, 199500, 99500]),
    categories("nothing shared", [10, 20, 0, 0], [0, 0, 15, 5]),
]
mpmath.mp.dps = 40
json.dump({"versions": {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": __import__("scipy").__version__}, "samples": samples, "tables": tables}, sys.stdout, indent=1)
print()
