using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Counts whole tables.</summary>
internal static class WindowCounting
{
    internal static MonitorWindow Count(RecordingPlan plan, EncodedTable rows, IReadOnlyList<float[]>? outputs, string id, DateTimeOffset at)
    {
        var lane = new LaneCounts(plan) { Rows = rows.Rows };
        for (int i = 0; i < rows.Numbers.Count; i++)
        {
            plan.CountNumbers(lane, i, rows.Numbers[i]);
        }

        for (int i = rows.Numbers.Count; i < plan.NumberSlots; i++)
        {
            float[]? answers = outputs?.ElementAtOrDefault(i - rows.Numbers.Count);
            if (answers is null || answers.Length != rows.Rows)
            {
                throw new MlopsDataException("monitoring.profile_mismatch", $"The reference of {plan.Model} v{plan.Version} has {plan.NumberSlots - rows.Numbers.Count} outputs; answers for {rows.Rows} rows of each are needed, or none at all.");
            }

            plan.CountNumbers(lane, i, answers);
        }

        for (int i = 0; i < rows.Texts.Count; i++)
        {
            plan.CountTexts(lane, i, rows.Texts[i]);
        }

        return Window(plan, lane, id, at, at, 0);
    }

    /// <summary>Makes a window of what segments counted: the whole, and each segment where there are any.</summary>
    internal static MonitorWindow Window(RecordingPlan plan, LaneCounts?[] cells, string id, DateTimeOffset from, DateTimeOffset to, long notRecorded)
    {
        if (plan.Segments is not { } segments)
        {
            return Window(plan, cells[0] ?? new LaneCounts(plan), id, from, to, notRecorded);
        }

        var whole = new LaneCounts(plan);
        var parts = new List<MonitorWindow>();
        for (int cell = 0; cell < cells.Length; cell++)
        {
            if (cells[cell] is { } counts)
            {
                counts.AddTo(whole);
                parts.Add(Window(plan, counts, id, from, to, 0) with { Segment = segments.NameOf(cell) });
            }
        }

        return Window(plan, whole, id, from, to, notRecorded) with { Segments = parts };
    }

    internal static MonitorWindow Window(RecordingPlan plan, LaneCounts lane, string id, DateTimeOffset from, DateTimeOffset to, long notRecorded)
    {
        plan.Fold(lane);
        return new MonitorWindow
        {
            Id = id,
            Model = plan.Model,
            Version = plan.Version,
            Reference = plan.Reference,
            From = from,
            To = to,
            Rows = lane.Rows,
            NotRecorded = notRecorded,
            Features = plan.Read(lane),
            Sample = lane.Sketches?.Sample,
        };
    }
}
