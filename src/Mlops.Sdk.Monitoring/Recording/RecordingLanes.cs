using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Monitoring;

/// <summary>Counters of one version, many times over, so that threads do not meet.</summary>
/// <remarks>
/// A thread claims a lane with one compare-exchange, counts its row with plain additions and gives the lane back. A lane that is taken is
/// passed over for the next one, so a thread waits for nobody; there are at least twice as many lanes as processors. Reading claims one
/// lane after the other in the same way: a row is wholly in one window or wholly in the next, and none is lost.
/// </remarks>
internal sealed class RecordingLanes(RecordingPlan plan, ulong seed)
{
    private static readonly int LaneCount = (int)Math.Clamp(System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount * 2), 4, 256);

    private readonly Gate[] _gates = new Gate[LaneCount];
    private readonly LaneCounts?[]?[] _lanes = new LaneCounts?[]?[LaneCount]; // by lane, then by segment
    private ulong _turn;

    internal RecordingPlan Plan => plan;

    /// <summary>Counts one row.</summary>
    /// <returns>False when the row has not the plan's shape.</returns>
    internal bool Record(ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts, ReadOnlySpan<float> outputs, string? route)
    {
        int cell = plan.Segments is { } segments ? segments.CellOf(texts, route) : 0;
        int lane = Claim(Environment.CurrentManagedThreadId);
        LaneCounts?[] cells = _lanes[lane] ??= new LaneCounts?[Cells];
        bool counted = plan.Count(cells[cell] ??= NewCounts(lane, cell), numbers, texts, outputs);
        Volatile.Write(ref _gates[lane].Taken, 0);
        return counted;
    }

    /// <summary>Takes out what was counted since the last time. Not to be called by two threads at once.</summary>
    /// <returns>The counts of each segment that has any; of the only one there is, when there are no segments.</returns>
    internal LaneCounts?[] Take()
    {
        var total = new LaneCounts?[Cells];
        _turn++;
        for (int lane = 0; lane < _lanes.Length; lane++)
        {
            SpinWait wait = default;
            while (Interlocked.CompareExchange(ref _gates[lane].Taken, 1, 0) != 0)
            {
                wait.SpinOnce();
            }

            LaneCounts?[] cells = _lanes[lane] ?? [];
            for (int cell = 0; cell < cells.Length; cell++)
            {
                if (cells[cell] is { Rows: > 0 } counts)
                {
                    counts.AddTo(total[cell] ??= new LaneCounts(plan));
                    counts.Clear(_turn);
                }
            }

            Volatile.Write(ref _gates[lane].Taken, 0);
        }

        return total;
    }

    private int Cells => plan.Segments?.Cells ?? 1;

    private LaneCounts NewCounts(int lane, int cell) => new(plan, Data.SketchBytes.Mix(seed ^ ((ulong)lane << 32) ^ (uint)cell));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Claim(int thread)
    {
        Gate[] gates = _gates;
        int lane = thread & (gates.Length - 1);
        return Interlocked.CompareExchange(ref gates[lane].Taken, 1, 0) == 0 ? lane : ClaimAnother(lane);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int ClaimAnother(int lane)
    {
        SpinWait wait = default;
        for (int tries = 1; ; tries++)
        {
            lane = (lane + 1) & (_gates.Length - 1);
            if (Volatile.Read(ref _gates[lane].Taken) == 0 && Interlocked.CompareExchange(ref _gates[lane].Taken, 1, 0) == 0)
            {
                return lane;
            }

            if (tries % _gates.Length == 0)
            {
                wait.SpinOnce();
            }
        }
    }

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Gate
    {
        [FieldOffset(64)]
        internal int Taken;
    }
}
