using System.Text.Json;

namespace Mlops.Sdk.Monitoring;

/// <summary>Watches a stream of numbers and keeps a window of the newest ones whose mean has not changed: when it has, the older part is dropped. Not thread-safe.</summary>
/// <remarks>
/// The window is an exponential histogram: at most five buckets of each size 1, 2, 4, ..., so that memory grows with the logarithm of the
/// window (16 bytes times 5 log2 n). A cut between two buckets is a change when the means on its sides differ by more than
/// e = sqrt(2 v L / h) + 2 L / (3 h), with v the window's variance, h = 1 / (1/n0 + 1/n1) and L = ln(2 k / delta), k the number of cuts.
/// Common implementations write ln(n) for k; that called 6.8 % of stable streams of 10,000 values at delta 0.05, and counting the cuts
/// keeps within delta. Cuts are looked at every 32 values. The bound holds for numbers in [0, 1], such as errors, shares and
/// probabilities; scale others into it.
/// <para>Source: A. Bifet, R. Gavaldà, Learning from time-changing data with adaptive windowing, SIAM Data Mining 2007 (ADWIN2).</para>
/// </remarks>
public sealed class Adwin
{
    private const int BucketsPerSize = 5;
    private const int MaxSizes = 48;
    private const int Clock = 32;
    private const int ShortestSide = 5;
    private readonly List<List<Bucket>> _sizes = [[]]; // [k]: buckets of 2^k values, oldest first
    private double _sum;
    private double _squares; // sum of squared deviations from the mean
    private long _count;
    private long _seen;

    /// <summary>Starts to watch.</summary>
    /// <param name="delta">How sure a change must be: the smaller, the fewer false alarms and the later a true one. In (0, 0.5].</param>
    /// <exception cref="MlopsException">Delta is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public Adwin(double delta = 0.002)
    {
        if (!(delta is > 0 and <= 0.5))
        {
            throw new MlopsException("monitoring.invalid_option", FormattableString.Invariant($"ADWIN: delta ({delta}) must be in (0, 0.5]."));
        }

        Delta = delta;
    }

    /// <summary>Gets how sure a change must be.</summary>
    public double Delta { get; }

    /// <summary>Gets how many of the newest values are in the window.</summary>
    public long Window => _count;

    /// <summary>Gets how many values were seen.</summary>
    public long Seen => _seen;

    /// <summary>Gets the window's mean, or 0 before the first value.</summary>
    public double Mean => _count == 0 ? 0 : _sum / _count;

    /// <summary>Gets the window's population variance.</summary>
    public double Variance => _count == 0 ? 0 : Math.Max(0, _squares / _count);

    /// <summary>Takes a value.</summary>
    /// <param name="value">The value, in [0, 1].</param>
    /// <returns>Whether the mean changed, so that older values were dropped.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The value is not in [0, 1].</exception>
    public bool Add(double value)
    {
        if (!(value is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "ADWIN's bound holds for numbers in [0, 1]. Scale the values into it, and leave missing ones out.");
        }

        _seen++;
        if (_count > 0)
        {
            double difference = value - Mean;
            _squares += difference * difference * _count / (_count + 1.0);
        }

        _count++;
        _sum += value;
        _sizes[0].Add(new Bucket(value, 0));
        Compress();
        return _seen % Clock == 0 && _count > 2 * ShortestSide && DropOld();
    }

    /// <summary>Writes the state.</summary>
    /// <returns>UTF-8 JSON with the version of its format.</returns>
    public byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(
        new StreamState { Kind = "adwin", Delta = Delta, Seen = _seen, Sizes = [.. _sizes.Select(s => (double[])[.. s.SelectMany(b => new[] { b.Sum, b.Squares })])] },
        StreamStateJson.Default.StreamState);

    /// <summary>Reads a state, to go on where it was written.</summary>
    /// <param name="json">What <see cref="Serialize"/> wrote.</param>
    /// <returns>The same watcher.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are no such state (<c>monitoring.unreadable_state</c>) or of a newer format (<c>monitoring.newer_format</c>).</exception>
    public static Adwin Deserialize(ReadOnlySpan<byte> json)
    {
        StreamState state = StreamState.Read(json, "adwin", s => s is { Delta: > 0 and <= 0.5, Seen: >= 0, Sizes: { Length: > 0 and <= MaxSizes } }
            && Array.TrueForAll(s.Sizes, z => z is { Length: <= 2 * (BucketsPerSize + 1) } && z.Length % 2 == 0 && Array.TrueForAll(z, double.IsFinite)));
        var read = new Adwin(state.Delta) { _seen = state.Seen };
        read._sizes.Clear();
        foreach (double[] size in state.Sizes!)
        {
            read._sizes.Add([.. Enumerable.Range(0, size.Length / 2).Select(i => new Bucket(size[2 * i], size[(2 * i) + 1]))]);
        }

        // totals follow from the buckets, oldest first
        for (int k = read._sizes.Count - 1; k >= 0; k--)
        {
            foreach (Bucket bucket in read._sizes[k])
            {
                double n = 1L << k;
                double difference = read._count == 0 ? 0 : read.Mean - (bucket.Sum / n);
                read._squares += bucket.Squares + (difference * difference * read._count * n / (read._count + n));
                read._sum += bucket.Sum;
                read._count += (long)n;
            }
        }

        return read;
    }

    /// <summary>Where a size has one bucket too many, its two oldest become one of the next size.</summary>
    private void Compress()
    {
        for (int k = 0; k < _sizes.Count && _sizes[k].Count > BucketsPerSize; k++)
        {
            if (k + 1 == _sizes.Count)
            {
                _sizes.Add([]);
            }

            double n = 1L << k;
            Bucket older = _sizes[k][0];
            Bucket newer = _sizes[k][1];
            double difference = (older.Sum - newer.Sum) / n;
            _sizes[k + 1].Add(new Bucket(older.Sum + newer.Sum, older.Squares + newer.Squares + (difference * difference * n / 2)));
            _sizes[k].RemoveRange(0, 2);
        }
    }

    private bool DropOld()
    {
        bool changed = false;
        while (HasCut())
        {
            changed = true;
            RemoveOldest();
        }

        return changed;
    }

    private bool HasCut()
    {
        double certainty = Math.Log(2.0 * Math.Max(1, _sizes.Sum(s => s.Count) - 1) / Delta);
        double variance = Variance;
        double olderCount = 0;
        double olderSum = 0;
        for (int k = _sizes.Count - 1; k >= 0; k--)
        {
            foreach (Bucket bucket in _sizes[k])
            {
                olderCount += 1L << k;
                olderSum += bucket.Sum;
                double newerCount = _count - olderCount;
                if (newerCount < ShortestSide)
                {
                    return false;
                }

                if (olderCount >= ShortestSide)
                {
                    double h = 1 / ((1 / olderCount) + (1 / newerCount));
                    double bound = Math.Sqrt(2 * variance * certainty / h) + (2 * certainty / (3 * h));
                    if (Math.Abs((olderSum / olderCount) - ((_sum - olderSum) / newerCount)) > bound)
                    {
                        return true;
                    }
                }
            }
        }

        return false;
    }

    private void RemoveOldest()
    {
        int k = _sizes.Count - 1;
        Bucket oldest = _sizes[k][0];
        _sizes[k].RemoveAt(0);
        double n = 1L << k;
        _count -= (long)n;
        _sum -= oldest.Sum;
        double difference = (oldest.Sum / n) - Mean;
        _squares = Math.Max(0, _squares - oldest.Squares - (difference * difference * n * _count / (n + _count)));
        while (_sizes.Count > 1 && _sizes[^1].Count == 0)
        {
            _sizes.RemoveAt(_sizes.Count - 1);
        }
    }

    private readonly record struct Bucket(double Sum, double Squares);
}
