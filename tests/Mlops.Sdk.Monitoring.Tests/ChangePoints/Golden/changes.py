"""Known answers for ADWIN, Page-Hinkley, CUSUM, optimal partitioning and robust z: written from the papers, independently of the C#.

Run by hand (python3, standard library only). The values come from SplitMix64, so that C# makes the same ones.
"""
import math
import statistics

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(v):
    v = ((v ^ (v >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    v = ((v ^ (v >> 27)) * 0x94D049BB133111EB) & MASK
    return v ^ (v >> 31)


def uniforms(seed, count):
    state = mix(seed ^ mix(GOLDEN))
    out = []
    for _ in range(count):
        state = (state + GOLDEN) & MASK
        out.append((mix(state) >> 11) * 2.0 ** -53)
    return out


def adwin(values, delta):
    buckets = []  # (values as a list), oldest first: the histogram with its contents kept, so that nothing is approximated
    changes = []
    for t, v in enumerate(values, 1):
        buckets.append([v])
        size = 1
        while sum(len(b) == size for b in buckets) > 5:
            i = next(k for k, b in enumerate(buckets) if len(b) == size)
            buckets[i:i + 2] = [buckets[i] + buckets[i + 1]]
            size *= 2
        n = sum(map(len, buckets))
        if t % 32 or n <= 10:
            continue
        changed, again = False, True
        while again:
            again = False
            everything = [x for b in buckets for x in b]
            n, var = len(everything), statistics.pvariance(everything)
            ln = math.log(2 * (len(buckets) - 1) / delta)
            n0 = s0 = 0
            for b in buckets:
                n0 += len(b)
                s0 += sum(b)
                n1 = n - n0
                if n1 < 5:
                    break
                if n0 >= 5:
                    h = 1 / (1 / n0 + 1 / n1)
                    if abs(s0 / n0 - (sum(everything) - s0) / n1) > math.sqrt(2 * var * ln / h) + 2 * ln / (3 * h):
                        again = changed = True
                        break
            if again:
                buckets.pop(0)
        if changed:
            changes.append(t)
    return changes, sum(map(len, buckets)), statistics.fmean([x for b in buckets for x in b])


def page_hinkley(values, delta, threshold, warm):
    changes, seen, up, down = [], [], [], []
    for t, v in enumerate(values, 1):
        seen.append(v)
        mean = statistics.fmean(seen)
        up.append((up[-1] if up else 0) + v - mean - delta)
        down.append((down[-1] if down else 0) + v - mean + delta)
        if len(seen) >= warm and max(up[-1] - min(up + [0]), max(down + [0]) - down[-1]) > threshold:
            changes.append(t)
            seen, up, down = [], [], []
    return changes


def cusum(values, mean, deviation, slack, limit):
    up = down = 0
    changes = []
    for t, v in enumerate(values, 1):
        z = (v - mean) / deviation
        up, down = max(0, up + z - slack), max(0, down - z - slack)
        if up > limit or down > limit:
            changes.append(t)
            up = down = 0
    return changes


def partition(x, strictness, shortest):
    n = len(x)
    noise = statistics.median(abs(b - a) for a, b in zip(x, x[1:])) / 0.9538725524
    penalty = 2 * strictness * noise ** 2 * math.log(n)

    def cost(a, b):
        m = statistics.fmean(x[a:b])
        return sum((v - m) ** 2 for v in x[a:b])

    best = {0: (-penalty, [])}
    for end in range(shortest, n + 1):
        best[end] = min((best[s][0] + cost(s, end) + penalty, best[s][1] + ([s] if s else [])) for s in list(best) if end - s >= shortest)
    return best[n][1]


u = uniforms(7, 12000)
bits = [1.0 if x < (0.1 if t < 5000 else 0.25 if t < 9000 else 0.05) else 0.0 for t, x in enumerate(u)]
print("adwin bits", adwin(bits, 0.002))
print("adwin uniforms", adwin([0.5 * x + (0.1 if t >= 3000 else 0) for t, x in enumerate(u[:6000])], 0.01))
steps = [x + (0.3 if 1000 <= t < 2000 else 0) for t, x in enumerate(u[:3000])]
print("page-hinkley", page_hinkley(steps, 0.01, 10, 30))
print("cusum", cusum(steps, 0.5, math.sqrt(1 / 12), 0.5, 8))
levels = [x + (0 if t < 40 else 1.5 if t < 90 else 0.7) for t, x in enumerate(u[:150])]
print("partition", partition(levels, 3, 3))
z = []
for t, v in enumerate(u[:60]):
    w = u[max(0, t - 25):t]
    if len(w) < 10:
        z.append(0)
        continue
    med = statistics.median(w)
    z.append(0.6745 * (v - med) / statistics.median(abs(a - med) for a in w))
print("robust z", z[20], z[45], z[59])
