namespace Mlops.Sdk.Monitoring;

/// <summary>Counts what a version in service answers: scores, answers outside the expected bounds, expected losses. Any number of threads count at once, without a lock and without allocation.</summary>
internal sealed class ServedPerformance
{
    private const int MaxLanes = 16;
    private const int Stack = 64;
    private const int Rows = 0;
    private const int Outside = 1;
    private const int Unusable = 2;
    private const int Padding = 16;
    private static readonly int Lanes = (int)Math.Clamp(System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount * 2), 4, MaxLanes);

    private readonly int[][] _scores;
    private readonly LossLane[] _losses;
    private readonly long[] _counts = new long[Lanes * Padding];
    private readonly int _bins;
    private readonly (double Least, double Most)? _bounds;
    private readonly int _sampling;
    private DateTimeOffset _since;

    internal ServedPerformance(string model, int version, OutcomeLayout layout, VersionFacts facts, int segmentSlot, (double Least, double Most)? bounds, int sampling, DateTimeOffset since)
    {
        (Model, Version, Layout, Facts, SegmentSlot, _bounds, _sampling, _since) = (model, version, layout, facts, segmentSlot, bounds, sampling, since);
        _bins = ScoreCounts.BinsFor(layout.Scores);
        _scores = [.. Enumerable.Range(0, Lanes).Select(_ => layout.Task == ModelTask.Regression ? [] : new int[layout.Scores * 2 * _bins])];
        _losses = [.. Enumerable.Range(0, facts.Losses is null ? 0 : Lanes).Select(_ => new LossLane())];
    }

    internal string Model { get; }

    internal int Version { get; }

    internal OutcomeLayout Layout { get; }

    internal VersionFacts Facts { get; }

    /// <summary>Gets which text input tells the segment; -1 for none.</summary>
    internal int SegmentSlot { get; }

    /// <summary>Counts one answer.</summary>
    /// <param name="row">The row.</param>
    /// <param name="outputs">The outputs.</param>
    /// <param name="record">Where the record of the answer goes, or empty when it has no id.</param>
    /// <param name="id">The hash of its id.</param>
    /// <returns>The length of the record; 0 when there is none.</returns>
    internal int Count(in ModelRow row, ReadOnlySpan<float> outputs, Span<byte> record, UInt128 id)
    {
        Span<float> scores = Layout.Scores <= Stack ? stackalloc float[Stack] : new float[Layout.Scores];
        int lane = Environment.CurrentManagedThreadId & (Lanes - 1);
        ref long counts = ref _counts[lane * Padding];
        long rows = Interlocked.Increment(ref counts);
        if (!Layout.Read(outputs, scores, out float answer))
        {
            Interlocked.Increment(ref _counts[(lane * Padding) + Unusable]);
            return 0;
        }

        if (_bounds is { } bounds && !(scores[0] >= bounds.Least && scores[0] <= bounds.Most))
        {
            Interlocked.Increment(ref _counts[(lane * Padding) + Outside]);
        }

        int[] histogram = _scores[lane];
        if (histogram.Length > 0)
        {
            for (int c = 0; c < Layout.Scores; c++)
            {
                Interlocked.Increment(ref histogram[ScoreCounts.PlaceOf(_bins, c, Layout.Scores == 1 ? answer != 0 : (int)answer == c, scores[c])]);
            }
        }

        Span<float> losses = stackalloc float[2];
        bool expects = Facts.Losses is { } model && model.Fits(row) && (record.Length > 0 || rows % _sampling == 0);
        if (expects)
        {
            (double absolute, double squared) = Facts.Losses!.Expect(row, answer);
            (losses[0], losses[1]) = ((float)absolute, (float)squared);
            if (rows % _sampling == 0)
            {
                lock (_losses[lane].Gate)
                {
                    _losses[lane].Sums.Add(absolute, squared);
                }
            }
        }

        if (record.Length == 0)
        {
            return 0;
        }

        string? segment = SegmentSlot >= 0 && SegmentSlot < row.Texts.Length ? row.Texts[SegmentSlot] : null;
        return OutcomeCodec.WritePrediction(record, id, Version, scores[..Layout.Scores], answer, expects ? losses : default, segment, segment is not null);
    }

    /// <summary>Takes out what was counted since the last time. Not to be called by two threads at once.</summary>
    internal ServedCounts Take(DateTimeOffset now)
    {
        ScoreCounts? scores = Layout.Task == ModelTask.Regression ? null : new ScoreCounts(Layout.Scores);
        var losses = new LossSums();
        long rows = 0;
        long outside = 0;
        long unusable = 0;
        for (int lane = 0; lane < Lanes; lane++)
        {
            rows += Interlocked.Exchange(ref _counts[(lane * Padding) + Rows], 0);
            outside += Interlocked.Exchange(ref _counts[(lane * Padding) + Outside], 0);
            unusable += Interlocked.Exchange(ref _counts[(lane * Padding) + Unusable], 0);
            for (int i = 0; scores is not null && i < _scores[lane].Length; i++)
            {
                if (Volatile.Read(ref _scores[lane][i]) != 0)
                {
                    scores.Counts[i] += Interlocked.Exchange(ref _scores[lane][i], 0);
                }
            }

            if (_losses.Length > 0)
            {
                lock (_losses[lane].Gate)
                {
                    losses.Add(_losses[lane].Sums);
                    _losses[lane].Sums.Clear();
                }
            }
        }

        (DateTimeOffset from, _since) = (_since, now);
        return new ServedCounts(from, now, rows, outside, unusable, scores, losses);
    }

    private sealed class LossLane
    {
        internal Lock Gate { get; } = new();

        internal LossSums Sums { get; } = new();
    }
}

/// <summary>What a version in service answered in a span.</summary>
internal sealed record ServedCounts(DateTimeOffset From, DateTimeOffset To, long Rows, long Outside, long Unusable, ScoreCounts? Scores, LossSums Losses);

/// <summary>What is known of a version: its outputs' layout (null when it cannot be measured) and the facts stored with it.</summary>
internal sealed record VersionFacts(ModelSchema Schema, OutcomeLayout? Layout, PerformanceReference? Reference, LossModel? Losses);
