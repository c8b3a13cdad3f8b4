using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Mlops.Sdk.Pipelines;

/// <summary>Records the steps of one run: as records, as activities, as a meter and as progress.</summary>
internal sealed class StepLog(string pipeline, TimeProvider time, IProgress<StepEvent>? progress)
{
    private static readonly ActivitySource Source = new(MlopsDiagnostics.Pipelines);
    private static readonly Meter Meter = new(MlopsDiagnostics.Pipelines);
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("mlops.pipeline.step.duration", "s", "How long a step took.");
    private readonly List<StepRecord> _records = [];

    /// <summary>Gets the step that runs now or ran last.</summary>
    internal string Current { get; private set; } = "plan";

    internal IReadOnlyList<StepRecord> Records => [.. _records];

    internal async Task<TResult> RunAsync<TResult>(string step, Func<StepNote, Task<TResult>> work)
    {
        Current = step;
        var note = new StepNote();
        progress?.Report(new StepEvent(step, "started"));
        using Activity? activity = Source.StartActivity($"{pipeline} {step}");
        long start = time.GetTimestamp();
        string outcome = "failed";
        try
        {
            TResult result = await work(note).ConfigureAwait(false);
            outcome = note.Outcome;
            return result;
        }
        catch (OperationCanceledException)
        {
            outcome = "cancelled";
            throw;
        }
        catch (MlopsDataException error) when (error.Code == "data.contract_violated")
        {
            outcome = "rejected";
            throw;
        }
        finally
        {
            TimeSpan elapsed = time.GetElapsedTime(start);
            _records.Add(new StepRecord(step, outcome, elapsed.TotalMilliseconds, note.RowsIn, note.RowsOut));
            activity?.SetTag(MlopsDiagnostics.OutcomeTag, outcome);
            Duration.Record(elapsed.TotalSeconds, new("mlops.step", step), new(MlopsDiagnostics.OutcomeTag, outcome));
            progress?.Report(new StepEvent(step, outcome, note.Detail));
        }
    }
}

/// <summary>What a step tells about itself.</summary>
internal sealed class StepNote
{
    internal string Outcome { get; set; } = "ok";

    internal long? RowsIn { get; set; }

    internal long? RowsOut { get; set; }

    internal string? Detail { get; set; }
}
