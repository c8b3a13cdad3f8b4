namespace Mlops.Sdk.Monitoring;

/// <summary>Joins predictions with their truths: a pure function of the log, so a truth that stands there twice counts once and every process gets the same.</summary>
internal sealed class OutcomeJoin(RecordLog log, PerformanceOptions options, Func<int, OutcomeLayout?> layoutOf)
{
    /// <summary>Joins the predictions of a span.</summary>
    /// <param name="spans">The windows: inclusive begin, exclusive end, ascending and not overlapping.</param>
    /// <param name="versions">The versions wanted; null for all.</param>
    /// <param name="now">The present time: it tells what waits from what is expired.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>What was found, for each version and window that has a prediction.</returns>
    internal async ValueTask<Dictionary<(int Version, int Window), OutcomeBucket>> JoinAsync(
        IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)> spans, IReadOnlySet<int>? versions, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var buckets = new Dictionary<(int, int), OutcomeBucket>();
        if (spans.Count == 0)
        {
            return buckets;
        }

        long[] begins = [.. spans.Select(s => s.From.UtcTicks)];
        long[] ends = [.. spans.Select(s => s.To.UtcTicks)];
        DateTimeOffset first = Shift(spans[0].From, -options.Early);
        DateTimeOffset last = Shift(spans[^1].To, options.Horizon);
        var part = new Part(begins, ends, versions, options);
        int parts = 1;
        for (int p = 0; p < parts; p++)
        {
            part.Begin(p, parts);
            await foreach (StoredRecord record in log.ReadAsync(first, last, RecordOrder.Writer, cancellationToken).ConfigureAwait(false))
            {
                part.Add(record);
                if (part.Size > options.MaxJoined && parts < 1 << 16)
                {
                    break;
                }
            }

            if (part.Size > options.MaxJoined && parts < 1 << 16)
            {
                // too many at once: the parts get twice as many, and what was joined stays joined. The ids of part p of n are those of
                // parts p and p + n of 2n
                (p, parts) = part.Split(p, parts);
                continue;
            }

            part.Join(buckets, layoutOf, now.UtcTicks);
            (p, parts) = part.Next(p, parts);
        }

        return buckets;
    }

    private static DateTimeOffset Shift(DateTimeOffset time, TimeSpan by) =>
        by < TimeSpan.Zero
            ? time.UtcTicks < -by.Ticks ? DateTimeOffset.MinValue : time + by
            : DateTimeOffset.MaxValue.UtcTicks - time.UtcTicks < by.Ticks ? DateTimeOffset.MaxValue : time + by;

    /// <summary>The predictions and truths of the ids of one part.</summary>
    private sealed class Part(long[] begins, long[] ends, IReadOnlySet<int>? versions, PerformanceOptions options)
    {
        private readonly Dictionary<(UInt128 Id, int Version), Held> _predictions = [];
        private readonly Dictionary<(UInt128 Id, int Version), Told> _truths = [];
        private readonly HashSet<UInt128> _meant = []; // ids whose truth was told for one version only
        private readonly Dictionary<string, string> _segments = new(StringComparer.Ordinal);
        private readonly Stack<(int Part, int Parts)> _left = new();
        private int _part;
        private int _parts = 1;

        internal int Size => _predictions.Count + _truths.Count;

        internal void Begin(int part, int parts)
        {
            (_part, _parts) = (part, parts);
            _predictions.Clear();
            _truths.Clear();
            _meant.Clear();
        }

        /// <summary>Halves the present part and comes back for the other half.</summary>
        internal (int Part, int Parts) Split(int part, int parts)
        {
            _left.Push((part + parts, parts * 2));
            return (part - 1, parts * 2); // the loop's step brings it back to this number
        }

        /// <summary>Tells what is to be read next, or what ends the loop.</summary>
        internal (int Part, int Parts) Next(int part, int parts) => _left.TryPop(out (int Part, int Parts) next) ? (next.Part - 1, next.Parts) : (parts, parts);

        internal void Add(in StoredRecord record)
        {
            ReadOnlySpan<byte> bytes = record.Data.Span;
            (bool isTruth, UInt128 id) = OutcomeCodec.Head(bytes);
            if ((int)((uint)(id >> 96) % (uint)_parts) != _part)
            {
                return;
            }

            long ticks = record.Time.UtcTicks;
            if (isTruth)
            {
                AddTruth(id, bytes, ticks);
                return;
            }

            int window = WindowOf(ticks);
            if (window < 0)
            {
                return;
            }

            StoredPrediction prediction = OutcomeCodec.ReadPrediction(bytes);
            if (versions is not null && !versions.Contains(prediction.Version))
            {
                return;
            }

            if (prediction.Segment is { } segment)
            {
                if (!_segments.TryGetValue(segment, out string? known))
                {
                    _segments[segment] = known = segment;
                }

                prediction = prediction with { Segment = known };
            }

            (UInt128, int) key = (id, prediction.Version);
            bool again = _predictions.TryGetValue(key, out Held before);
            if (!again || ticks > before.Ticks)
            {
                _predictions[key] = new Held(prediction, ticks, window, again);
            }
            else
            {
                _predictions[key] = before with { Repeated = true };
            }
        }

        internal void Join(Dictionary<(int, int), OutcomeBucket> buckets, Func<int, OutcomeLayout?> layoutOf, long now)
        {
            foreach (((UInt128 id, int version), Held held) in _predictions)
            {
                if (layoutOf(version) is not { } layout || layout.Scores != held.Prediction.Scores.Length)
                {
                    continue;
                }

                if (!buckets.TryGetValue((version, held.Window), out OutcomeBucket? bucket))
                {
                    buckets[(version, held.Window)] = bucket = new OutcomeBucket(layout);
                }

                bucket.Add(held.Prediction, held.Repeated);
                bool told = _truths.TryGetValue((id, version), out Told truth) || _truths.TryGetValue((id, 0), out truth);
                if (!told)
                {
                    bucket.Count(now - held.Ticks >= options.Horizon.Ticks ? OutcomeState.Expired : OutcomeState.Waiting);
                    bucket.OtherVersion += _meant.Contains(id) ? 1 : 0;
                    continue;
                }

                long delay = truth.Ticks - held.Ticks;
                double value = layout.TruthOf(truth.Number, truth.Text);
                if (delay > options.Horizon.Ticks || -delay > options.Early.Ticks)
                {
                    bucket.Count(OutcomeState.TooLate);
                }
                else if (double.IsNaN(value))
                {
                    bucket.Count(OutcomeState.Unusable);
                }
                else
                {
                    bucket.AddTruth(held.Prediction, value, delay, truth.Again);
                }
            }
        }

        private void AddTruth(UInt128 id, ReadOnlySpan<byte> bytes, long ticks)
        {
            (int version, double number, string? text) = OutcomeCodec.ReadTruth(bytes);
            (UInt128, int) key = (id, version);
            if (version != 0)
            {
                _meant.Add(id);
            }

            bool again = _truths.TryGetValue(key, out Told before);
            bool counts = !again || (options.Repeated == RepeatedTruth.Last ? ticks >= before.Ticks : ticks < before.Ticks);
            bool changed = again && (before.Again || !before.Number.Equals(number) || before.Text != text);
            _truths[key] = counts ? new Told(number, text, ticks, changed) : before with { Again = changed };
        }

        private int WindowOf(long ticks)
        {
            int at = Array.BinarySearch(begins, ticks);
            at = at >= 0 ? at : ~at - 1;
            return at >= 0 && ticks < ends[at] ? at : -1;
        }

        private readonly record struct Held(StoredPrediction Prediction, long Ticks, int Window, bool Repeated);

        private readonly record struct Told(double Number, string? Text, long Ticks, bool Again);
    }
}

/// <summary>What became of a prediction whose truth does not count.</summary>
internal enum OutcomeState
{
    Waiting,
    Expired,
    TooLate,
    Unusable,
}
