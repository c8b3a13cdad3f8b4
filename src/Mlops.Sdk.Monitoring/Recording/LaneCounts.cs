namespace Mlops.Sdk.Monitoring;

/// <summary>What one lane has counted since it was last read.</summary>
internal sealed class LaneCounts
{
    private const int CacheLine = 16; // longs; keeps the end of one lane's array off the start of another's

    private readonly RecordingPlan _plan;
    private readonly ulong _seed;

    internal LaneCounts(RecordingPlan plan, ulong seed = 0)
    {
        _plan = plan;
        _seed = seed;
        Counts = new long[plan.CountLength + CacheLine];
        Buffer = new float[plan.NumberSlots * plan.BufferRows];
        Moments = new Moments[plan.NumberSlots];
        Array.Fill(Moments, Monitoring.Moments.None);
        Sketches = LaneSketches.Create(plan, seed);
    }

    internal long[] Counts { get; }

    /// <summary>Gets the numbers of the rows that were not counted yet, shape [number slots][rows of a buffer].</summary>
    internal float[] Buffer { get; }

    internal Moments[] Moments { get; }

    internal LaneSketches? Sketches { get; private set; }

    internal long Rows { get; set; }

    internal int Buffered { get; set; }

    internal void AddTo(LaneCounts total)
    {
        _plan.Fold(this);
        total.Rows += Rows;
        for (int i = 0; i < Counts.Length; i++)
        {
            total.Counts[i] += Counts[i];
        }

        for (int i = 0; i < Moments.Length; i++)
        {
            total.Moments[i].Add(Moments[i]);
        }

        Sketches?.AddTo(total.Sketches!);
    }

    /// <summary>Starts anew; the seed of the next window's samples is another one.</summary>
    internal void Clear(ulong turn)
    {
        Rows = 0;
        Buffered = 0;
        Array.Clear(Counts);
        Array.Fill(Moments, Monitoring.Moments.None);
        if (Sketches is not null)
        {
            Sketches = LaneSketches.Create(_plan, Data.SketchBytes.Mix(_seed ^ turn));
        }
    }
}
