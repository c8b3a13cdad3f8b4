using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Mlops.Sdk.Pipelines;

/// <summary>Records the steps of one run: as records, as activities, as a meter and as progress. Steps may run side by side.</summary>
internal sealed class StepLog(string pipeline, TimeProvider time, IProgress<StepEvent>? progress)
{
    private static readonly ActivitySource Source = new(MlopsDiagnostics.Pipelines);
    private static readonly Meter Meter = new(MlopsDiagnostics.Pipelines);
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("mlops.pipeline.step.duration", "s", "How long a step took.");
    private readonly Lock _gate = new();
    private readonly List<StepRecord> _records = [];
    private string _current = "plan";
    private string? _stopped;

    /// <summary>Gets the step that failed first, or else the one that started last.</summary>
    internal string Current
    {
        get
        {
            lock (_gate)
            {
                return _stopped ?? _current;
            }
        }
    }

    internal IReadOnlyList<StepRecord> Records
    {
        get
        {
            lock (_gate)
            {
                return [.. _records];
            }
        }
    }

    /// <summary>Runs a step.</summary>
    /// <param name="step">Its name.</param>
    /// <param name="work">What it does.</param>
    /// <param name="part">Which of several of that name it is, such as the candidate; null when there is one.</param>
    internal async Task<TResult> RunAsync<TResult>(string step, Func<StepNote, Task<TResult>> work, string? part = null)
    {
        string name = part is null ? step : $"{step} {part}";
        lock (_gate)
        {
            _current = name;
        }

        var note = new StepNote();
        progress?.Report(new StepEvent(name, "started"));
        using Activity? activity = Source.StartActivity($"{pipeline} {name}");
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
            lock (_gate)
            {
                _records.Add(new StepRecord(name, outcome, elapsed.TotalMilliseconds, note.RowsIn, note.RowsOut));
                _stopped ??= outcome is "cancelled" || (outcome is "failed" && !note.MayFail) ? name : null;
            }

            activity?.SetTag(MlopsDiagnostics.OutcomeTag, outcome);
            if (outcome == "failed")
            {
                activity?.SetStatus(ActivityStatusCode.Error, note.Detail);
            }

            Duration.Record(elapsed.TotalSeconds, new("mlops.step", step), new(MlopsDiagnostics.OutcomeTag, outcome));
            progress?.Report(new StepEvent(name, outcome, note.Detail));
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

    /// <summary>Gets or sets whether the run goes on when the step fails.</summary>
    internal bool MayFail { get; set; }
}
