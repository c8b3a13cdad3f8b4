namespace Mlops.Sdk.Monitoring;

/// <summary>Counters of one version, many times over, so that threads do not meet.</summary>
/// <remarks>
/// A thread counts its row with plain additions in a lane that is its own meanwhile (<see cref="LaneGates"/>). Reading claims one lane after
/// the other: a row is wholly in one window or wholly in the next, and none is lost.
/// </remarks>
internal sealed class RecordingLanes(RecordingPlan plan, ulong seed)
{
    private readonly LaneGates _gates = new();
    private readonly LaneCounts?[]?[] _lanes = new LaneCounts?[]?[LaneGates.Count]; // by lane, then by segment
    private ulong _turn;

    internal RecordingPlan Plan => plan;

    /// <summary>Counts one row.</summary>
    /// <returns>False when the row has not the plan's shape.</returns>
    internal bool Record(ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts, ReadOnlySpan<float> outputs, string? route)
    {
        int cell = plan.Segments is { } segments ? segments.CellOf(texts, route) : 0;
        int lane = _gates.Claim();
        try
        {
            LaneCounts?[] cells = _lanes[lane] ??= new LaneCounts?[Cells];
            return plan.Count(cells[cell] ??= NewCounts(lane, cell), numbers, texts, outputs);
        }
        finally
        {
            _gates.Release(lane); // also when there is no memory for a lane: a reader would wait for ever
        }
    }

    /// <summary>Takes out what was counted since the last time. Not to be called by two threads at once.</summary>
    /// <returns>The counts of each segment that has any; of the only one there is, when there are no segments.</returns>
    internal LaneCounts?[] Take()
    {
        var total = new LaneCounts?[Cells];
        _turn++;
        for (int lane = 0; lane < _lanes.Length; lane++)
        {
            _gates.Claim(lane);
            LaneCounts?[] cells = _lanes[lane] ?? [];
            for (int cell = 0; cell < cells.Length; cell++)
            {
                if (cells[cell] is { Rows: > 0 } counts)
                {
                    counts.AddTo(total[cell] ??= new LaneCounts(plan));
                    counts.Clear(_turn);
                }
            }

            _gates.Release(lane);
        }

        return total;
    }

    private int Cells => plan.Segments?.Cells ?? 1;

    private LaneCounts NewCounts(int lane, int cell) => new(plan, Data.SketchBytes.Mix(seed ^ ((ulong)lane << 32) ^ (uint)cell));
}
