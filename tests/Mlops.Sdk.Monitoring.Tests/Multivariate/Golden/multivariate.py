"""Known answers for PCA reconstruction and MMD^2: scikit-learn 1.2.1 and numpy 1.24, run by hand (Debian's python3).

The rows come from SplitMix64, so that C# makes the same ones. Prints what MultivariateKnownAnswerTests holds.
"""
import numpy as np
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(v):
    v = ((v ^ (v >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    v = ((v ^ (v >> 27)) * 0x94D049BB133111EB) & MASK
    return v ^ (v >> 31)


class SplitMix:
    def __init__(self, seed, stream=0):
        self.state = mix(seed ^ mix((stream + GOLDEN) & MASK))

    def uniform(self):
        self.state = (self.state + GOLDEN) & MASK
        return (mix(self.state) >> 11) * 2.0 ** -53


def rows(seed, count, flip):
    r = SplitMix(seed)
    numbers, texts = [], []
    for _ in range(count):
        u = [r.uniform() for _ in range(5)]
        b = 0.7 * ((1 - u[0]) if flip else u[0]) + 0.3 * u[1]
        numbers.append([np.float32(u[0]), np.float32(b), np.float32("nan") if u[3] < 0.1 else np.float32(u[2])])
        x, y = (0.3, 0.6) if flip else (0.5, 0.8)
        texts.append("x" if u[4] < x else "y" if u[4] < y else "new" if flip and u[4] > 0.9 else "z")
    return np.array(numbers, dtype=np.float64), texts


rn, rt = rows(42, 400, False)
cn, ct = rows(43, 200, True)
freq = {t: rt.count(t) / len(rt) for t in set(rt)}
imputer = SimpleImputer(strategy="mean")
R = np.column_stack([imputer.fit_transform(rn), [freq[t] for t in rt]])
C = np.column_stack([imputer.transform(cn), [freq.get(t, 0.0) for t in ct]])
scaler = StandardScaler()
R, C = scaler.fit_transform(R), scaler.transform(C)
pca = PCA(n_components=0.65, svd_solver="full").fit(R)
full = PCA(svd_solver="full").fit(R)


def errors(X):
    return np.linalg.norm(X - pca.inverse_transform(pca.transform(X)), axis=1)


chunks = errors(R).reshape(20, 20).mean(axis=1)
print("components", pca.n_components_)
print("ratios", [float(v) for v in full.explained_variance_ratio_])
print("reference error", repr(chunks.mean()), "spread", repr(chunks.std(ddof=1)))
print("current error", repr(errors(C).mean()))

P = np.vstack([R, C])
D = np.sqrt(((P[:, None, :] - P[None, :, :]) ** 2).sum(axis=2))
scale = np.median(D[np.triu_indices(len(P), 1)])
K = np.exp(-D ** 2 / (2 * scale ** 2))
m, n = len(R), len(C)
Krr, Kcc, Krc = K[:m, :m], K[m:, m:], K[:m, m:]
mmd2 = (Krr.sum() - np.trace(Krr)) / (m * (m - 1)) + (Kcc.sum() - np.trace(Kcc)) / (n * (n - 1)) - 2 * Krc.mean()
print("scale", repr(scale), "mmd2", repr(mmd2))
