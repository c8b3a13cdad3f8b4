"""The reference figure of the topic "drift": what a good user of numpy, scipy and pandas would write, on one million rows twice, ten
numbers (Kolmogorov-Smirnov, Wasserstein, PSI) and ten texts (chi-square, Jensen-Shannon). Prints seconds, best of three.
    python3 reference.py
"""
import time

import numpy as np
import pandas as pd
import scipy
from scipy import stats
from scipy.spatial.distance import jensenshannon

ROWS, EACH = 1_000_000, 10
rng = np.random.default_rng(7)


def table():
    columns = {f"n{i}": rng.normal(size=ROWS) for i in range(EACH)}
    for i in range(EACH):
        columns[f"t{i}"] = pd.Categorical.from_codes(rng.integers(0, 50, ROWS), [f"c{k}" for k in range(50)])
    return pd.DataFrame(columns)


def compare(reference, current, edges):
    out = []
    for name in reference.columns:
        r, c = reference[name], current[name]
        if name[0] == "n":
            r, c = r.to_numpy(), c.to_numpy()
            ks = stats.ks_2samp(r, c, method="asymp")
            w = stats.wasserstein_distance(r, c)
            rs, cs = (np.bincount(np.searchsorted(edges[name], x), minlength=10) / ROWS for x in (r, c))
            out.append((ks, w, np.sum((cs - rs) * np.log(cs / rs))))
        else:
            counts = pd.concat([r.value_counts(), c.value_counts()], axis=1).fillna(0).to_numpy()
            out.append((stats.chi2_contingency(counts.T), jensenshannon(counts[:, 0], counts[:, 1], 2)))
    return out


reference, current = table(), table()
edges = {n: np.quantile(reference[n], np.arange(1, 10) / 10) for n in reference.columns if n[0] == "n"}  # the reused part
best = min((lambda t: (compare(reference, current, edges), time.perf_counter() - t)[1])(time.perf_counter()) for _ in range(3))
print(f"numpy {np.__version__}, scipy {scipy.__version__}, pandas {pd.__version__}: {best:.2f} s")
