"""Known answers for rating summaries, from scipy: run with /usr/bin/python3 and scipy 1.10, writes ratings.json beside itself.

The mean of the stars under a Dirichlet posterior has expectation and variance from the distribution's own mean and covariance.
"""
import json
import os

import numpy as np
from scipy import stats

STARS = np.arange(1, 6)
CASES = [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0, 0, 1, 2, 7], [3, 1, 4, 1, 5], [0, 0, 0, 0, 60],
         [500, 0, 0, 0, 0], [10, 20, 300, 4000, 50000], [0, 1, 0, 1, 0], [1000000, 0, 0, 0, 1000000]]


def bound(counts):
    alpha = np.array(counts, dtype=float) + 1
    total = alpha.sum()
    mean = stats.dirichlet.mean(alpha)
    covariance = (np.diag(mean) - np.outer(mean, mean)) / (total + 1)
    assert np.allclose(np.diag(covariance), stats.dirichlet.var(alpha))
    return float(STARS @ mean - stats.norm.ppf(0.95) * np.sqrt(STARS @ covariance @ STARS))


rows = [{"stars": c, "mean": None if sum(c) == 0 else float(np.dot(STARS, c) / sum(c)), "bound": bound(c)} for c in CASES]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ratings.json"), "w", encoding="utf-8") as file:
    file.write("[\n" + ",\n".join("  " + json.dumps(r) for r in rows) + "\n]\n")
