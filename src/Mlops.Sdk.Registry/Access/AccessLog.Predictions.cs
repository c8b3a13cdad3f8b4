using System.Collections.Concurrent;

namespace Mlops.Sdk.Registry;

public sealed partial class AccessLog
{
    private const int MaxCounters = 10_000;
    private const int MaxCaller = 128;
    private const string Others = "(other)";
    private static readonly int Stripes = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount);
    private readonly ConcurrentDictionary<CounterKey, Counter> _counters = [];
    private int _counterCount;

    internal bool NotesPredictions => _options.Predictions != PredictionNotes.None;

    /// <summary>Gets how many combinations are counted in memory.</summary>
    internal int Counters => _counters.Count;

    /// <summary>Notes a call. The caller is who the call says, else the current actor.</summary>
    internal void RecordCall(in PredictionCall call)
    {
        string caller = call.Context.Caller ?? _actors.Current.Id;
        if (_options.Predictions == PredictionNotes.Sampled)
        {
            if (IsSampled())
            {
                Write(DocumentOf(Cut(caller)!, call.Model, call.Version, call.Error, _options.SampleRate, 1, call.Rows), _time.GetUtcNow());
            }

            return;
        }

        long hour = _time.GetUtcNow().UtcTicks / TimeSpan.TicksPerHour;
        var key = new CounterKey(Environment.CurrentManagedThreadId & (Stripes - 1), hour, caller.Length > MaxCaller ? Others : caller, call.Model, call.Version, call.Error);
        while (true)
        {
            if (!_counters.TryGetValue(key, out Counter? counter))
            {
                if (Volatile.Read(ref _counterCount) >= MaxCounters && key.Caller != Others)
                {
                    key = key with { Caller = Others };
                    continue;
                }

                counter = new Counter();
                if (!_counters.TryAdd(key, counter))
                {
                    continue;
                }

                Interlocked.Increment(ref _counterCount);
            }

            if (counter.Add(call.Rows))
            {
                return;
            }
        }
    }

    /// <summary>Writes one record for each combination that was counted since the last time, dated inside its hour.</summary>
    private void NoteCounts()
    {
        lock (_counters)
        {
            long now = _time.GetUtcNow().UtcTicks;
            foreach ((CounterKey key, Counter counter) in _counters)
            {
                (long calls, long rows, bool closed) = counter.Take(close: key.Hour != now / TimeSpan.TicksPerHour);
                if (closed)
                {
                    _counters.TryRemove(new KeyValuePair<CounterKey, Counter>(key, counter));
                    Interlocked.Decrement(ref _counterCount);
                }

                if (calls > 0)
                {
                    long begin = key.Hour * TimeSpan.TicksPerHour;
                    Write(DocumentOf(key.Caller, key.Model, key.Version, key.Error, 1, calls, rows), new DateTimeOffset(Math.Clamp(now, begin, begin + TimeSpan.TicksPerHour - 1), TimeSpan.Zero));
                }
            }
        }
    }

    private static AccessDocument DocumentOf(string caller, string model, int version, string? error, double rate, long calls, long rows) =>
        new(1, caller, Predicted, Cut(error) ?? "ok", rate, null, null, 0, null) { Model = Cut(model), Version = version, Count = calls, Rows = rows };

    /// <summary>What calls are counted by; the stripe keeps threads apart.</summary>
    private readonly record struct CounterKey(int Stripe, long Hour, string Caller, string Model, int Version, string? Error);

    private sealed class Counter
    {
        private readonly Lock _gate = new();
        private long _calls;
        private long _rows;
        private bool _closed;

        /// <returns>False when it is closed: another one stands in its place.</returns>
        internal bool Add(int rows)
        {
            lock (_gate)
            {
                if (_closed)
                {
                    return false;
                }

                _calls++;
                _rows += rows;
                return true;
            }
        }

        /// <summary>Takes the counts out. An idle counter is closed in any case, so that it can go.</summary>
        internal (long Calls, long Rows, bool Closed) Take(bool close)
        {
            lock (_gate)
            {
                _closed = close || _calls == 0;
                (long calls, long rows) = (_calls, _rows);
                (_calls, _rows) = (0, 0);
                return (calls, rows, _closed);
            }
        }
    }
}

/// <summary>Tells the access log of calls.</summary>
internal sealed class AccessLogObserver(AccessLog log) : IPredictionObserver
{
    public bool ObservesCalls => log.NotesPredictions;

    public void OnVersionActivated(ModelVersion version, ModelManifest manifest)
    {
    }

    public void OnPredicted(string model, int version, in ModelRow row, ReadOnlySpan<float> outputs)
    {
    }

    public void OnCalled(in PredictionCall call)
    {
        if (log.NotesPredictions)
        {
            log.RecordCall(call);
        }
    }
}
