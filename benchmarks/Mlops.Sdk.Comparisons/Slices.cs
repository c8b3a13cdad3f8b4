using System.Diagnostics;

namespace Mlops.Sdk.Comparisons;

/// <summary>One way of doing the same work.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Start">Makes, for one thread, the action that does the work once for the i-th item.</param>
internal sealed record Contender(string Name, Func<Action<int>> Start);

/// <summary>What a contender reached.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Rates">Items per second, by round, shape [rounds].</param>
/// <param name="BytesPerItem">Bytes allocated per item, over all rounds after the first.</param>
internal sealed record Outcome(string Name, double[] Rates, double BytesPerItem)
{
    /// <summary>Gets the median time per item in nanoseconds of one thread.</summary>
    public double Nanoseconds(int threads) => 1e9 * threads / Median(Rates);

    /// <summary>Gets the median over rounds of how many times the other's rate this one reached in the same round.</summary>
    public double RatioTo(Outcome other) => Median([.. Rates.Zip(other.Rates, (mine, its) => mine / its)]);

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>Lets contenders take turns in short slices, so that a machine that is slow for a while is slow for all of them.</summary>
internal static class Slices
{
    /// <summary>Runs the contenders.</summary>
    /// <param name="threads">How many threads work at once.</param>
    /// <param name="contenders">The contenders.</param>
    /// <param name="rounds">How many slices each one gets.</param>
    /// <param name="milliseconds">The length of a slice.</param>
    public static Outcome[] Run(int threads, IReadOnlyList<Contender> contenders, int rounds = 41, int milliseconds = 15)
    {
        var rates = contenders.Select(_ => new double[rounds]).ToArray();
        var bytes = new double[contenders.Count];
        var items = new double[contenders.Count];
        var actions = contenders.Select(c => Enumerable.Range(0, threads).Select(_ => c.Start()).ToArray()).ToArray();
        using var crew = new Crew(threads);

        // the first rounds compile and fill caches and are not counted
        for (int round = -8; round < rounds; round++)
        {
            for (int c = 0; c < contenders.Count; c++)
            {
                (double rate, long count, long allocated) = crew.Run(actions[c], milliseconds);
                if (round >= 0)
                {
                    rates[c][round] = rate;
                    items[c] += count;
                    bytes[c] += allocated;
                }
            }
        }

        return [.. contenders.Select((c, i) => new Outcome(c.Name, rates[i], bytes[i] / items[i]))];
    }

    /// <summary>Threads that start a slice together.</summary>
    private sealed class Crew : IDisposable
    {
        private readonly Barrier _barrier;
        private readonly Thread[] _threads;
        private readonly long[] _counts;
        private readonly long[] _bytes;
        private Action<int>[]? _work;
        private long _ticks;

        public Crew(int threads)
        {
            _barrier = new Barrier(threads + 1);
            _counts = new long[threads];
            _bytes = new long[threads];
            _threads = [.. Enumerable.Range(0, threads).Select(t => new Thread(() => Loop(t)) { IsBackground = true })];
            Array.ForEach(_threads, t => t.Start());
        }

        public (double Rate, long Count, long Bytes) Run(Action<int>[] work, int milliseconds)
        {
            _work = work;
            _ticks = milliseconds * Stopwatch.Frequency / 1_000;
            _barrier.SignalAndWait();
            long start = Stopwatch.GetTimestamp();
            _barrier.SignalAndWait();
            long count = _counts.Sum();
            return (count / Stopwatch.GetElapsedTime(start).TotalSeconds, count, _bytes.Sum());
        }

        public void Dispose()
        {
            _work = null;
            _barrier.SignalAndWait();
            Array.ForEach(_threads, t => t.Join());
            _barrier.Dispose();
        }

        private void Loop(int thread)
        {
            while (true)
            {
                _barrier.SignalAndWait();
                if (_work is not { } work)
                {
                    return;
                }

                Action<int> action = work[thread];
                long before = GC.GetAllocatedBytesForCurrentThread();
                long start = Stopwatch.GetTimestamp();
                int count = 0;
                while (Stopwatch.GetTimestamp() - start < _ticks)
                {
                    for (int i = 0; i < 64; i++)
                    {
                        action(count++);
                    }
                }

                _bytes[thread] = GC.GetAllocatedBytesForCurrentThread() - before;
                _counts[thread] = count;
                _barrier.SignalAndWait();
            }
        }
    }
}
