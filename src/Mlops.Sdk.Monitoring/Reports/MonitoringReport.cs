using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>The verdict of a report.</summary>
public enum MonitoringVerdict
{
    /// <summary>Nothing to do.</summary>
    Fine,

    /// <summary>There are too few rows to judge, and nothing else is wrong.</summary>
    TooFew,

    /// <summary>Worth watching.</summary>
    Watch,

    /// <summary>Somebody should act.</summary>
    Failed,
}

/// <summary>All that is known about a version in service over a span of time, as a person, a program or a CI gate reads it. Immutable; made of what was measured elsewhere.</summary>
/// <remarks>Every part may be absent; a report says so and does not guess.</remarks>
public sealed partial record MonitoringReport
{
    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the number of the version.</summary>
    public required int Version { get; init; }

    /// <summary>Gets when the report was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Gets the comparisons of windows with the reference, oldest first. The newest is shown feature by feature, the others as its trend.</summary>
    public IReadOnlyList<DriftReport> Drift { get; init; } = [];

    /// <summary>Gets the quality of the newest window's rows, or null.</summary>
    public QualityReport? Quality { get; init; }

    /// <summary>Gets which columns differ between training and service, or null.</summary>
    public SkewReport? Skew { get; init; }

    /// <summary>Gets numbers over time: performance by the truth that came, estimated performance, use, business; also drift of windows that are not in <see cref="Drift"/>.</summary>
    public IReadOnlyList<MonitorSignal> Signals { get; init; } = [];

    /// <summary>Gets what explains the changes.</summary>
    public IReadOnlyList<RootCauses> Causes { get; init; } = [];

    /// <summary>Gets the open alerts.</summary>
    public IReadOnlyList<MonitorAlert> Alerts { get; init; } = [];

    /// <summary>Gets how many false alarms are to be expected from what was judged so far by the declared error rates, or null when that is not counted.</summary>
    public double? FalseAlarmsExpected { get; init; }

    /// <summary>Gets how many false alarms the budget allows in the same span, or null.</summary>
    public double? FalseAlarmsAllowed { get; init; }

    /// <summary>Gets the newest comparison, or null.</summary>
    public DriftReport? Latest => Drift.Count == 0 ? null : Drift[^1];

    /// <summary>Gets the verdict: the worst of drift, quality, skew of columns, types, units and spelling, open alerts, and answers that became worse by the truth.</summary>
    public MonitoringVerdict Verdict
    {
        get
        {
            MonitoringVerdict verdict = Latest?.Status switch
            {
                DriftStatus.Drifted => MonitoringVerdict.Failed,
                DriftStatus.Watch => MonitoringVerdict.Watch,
                DriftStatus.TooFew => MonitoringVerdict.TooFew,
                _ => MonitoringVerdict.Fine,
            };
            MonitoringVerdict quality = Quality?.Verdict switch
            {
                QualitySeverity.Failed => MonitoringVerdict.Failed,
                QualitySeverity.Watch => MonitoringVerdict.Watch,
                _ => MonitoringVerdict.Fine,
            };
            MonitoringVerdict skew = (Skew?.Findings ?? []).Select(f => f.Kind switch
            {
                SkewKind.ColumnMissing or SkewKind.Type or SkewKind.Unit => MonitoringVerdict.Failed,
                SkewKind.ColumnNew or SkewKind.Spelling => MonitoringVerdict.Watch,
                _ => MonitoringVerdict.Fine, // drift judges these
            }).DefaultIfEmpty(MonitoringVerdict.Fine).Max();
            MonitoringVerdict rest = Alerts.Count > 0 || ReportMetrics.Worse(this).Count > 0 ? MonitoringVerdict.Failed : MonitoringVerdict.Fine;
            return (MonitoringVerdict)Math.Max(Math.Max((int)verdict, (int)quality), Math.Max((int)skew, (int)rest));
        }
    }

    /// <summary>Gets the exit code for a CI gate: 1 when the verdict is <see cref="MonitoringVerdict.Failed"/>, else 0.</summary>
    public int ExitCode => Verdict == MonitoringVerdict.Failed ? 1 : 0;

    /// <summary>Gets what was found, in a few sentences.</summary>
    public string Summary
    {
        get
        {
            List<string> parts = [];
            if (Latest is { } drift)
            {
                parts.Add(drift.Summary);
            }

            if (Quality is { } quality)
            {
                parts.Add(quality.Summary);
            }

            parts.AddRange(ReportMetrics.Worse(this).Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Measure} is {m.Last.Value:0.####} by the truth that came, {m.Last.Reference:0.####} in training.")));
            if (Alerts.Count > 0)
            {
                parts.Add(Alerts.Count == 1 ? "1 alert is open." : string.Create(CultureInfo.InvariantCulture, $"{Alerts.Count} alerts are open."));
            }

            return parts.Count == 0 ? "Nothing was measured." : string.Join(' ', parts);
        }
    }

    /// <summary>Gets what to do next, most urgent first.</summary>
    public IReadOnlyList<string> NextSteps => ReportAdvice.Of(this);

    /// <summary>Compares two tables: drift of the columns they share, quality of the later one, and skew between them.</summary>
    /// <param name="reference">The rows to compare with.</param>
    /// <param name="current">The rows that are judged.</param>
    /// <param name="createdAt">When the report is made.</param>
    /// <param name="drift">When a column counts as drifted; null for the defaults.</param>
    /// <param name="quality">When rows count as bad; null for the defaults. Where no share of duplicates is expected, the reference's is.</param>
    /// <param name="alerts">When the whole counts as drifted; null for the defaults: any column.</param>
    /// <param name="name">What the comparison is called.</param>
    /// <returns>The report. Dates and times are not judged, since they always move; a column of another type is told as skew.</returns>
    /// <exception cref="MlopsException">The options contradict each other; code <c>monitoring.invalid_option</c>.</exception>
    public static MonitoringReport Compare(Table reference, Table current, DateTimeOffset createdAt, DriftOptions? drift = null, QualityOptions? quality = null, AlertOptions? alerts = null, string name = "comparison")
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
        ArgumentException.ThrowIfNullOrEmpty(name);
        Column[] shared = [.. reference.Columns.Where(c => c is not TimeColumn && current.Find(c.Name) is { } now && now.GetType() == c.GetType())];
        ModelInput[] inputs = [.. shared.Select(c => new ModelInput(c.Name, c is TextColumn ? InputKind.Text : InputKind.Number, c.Name))];
        var schema = new ModelSchema(ModelTask.Binary, inputs, [], string.Empty);
        ReferenceProfile profile = ReferenceProfile.Of(EncodedTable.From(reference, schema));
        MonitorWindow window = MonitorWindow.Of(name, name, 1, profile, EncodedTable.From(current, schema), at: createdAt);
        quality ??= new QualityOptions();
        quality.Check();

        // pairs of equal rows grow with the square of the rows, so the share of repeats at most in proportion to them
        double growth = reference.Rows == 0 ? 1 : Math.Max(1, (double)current.Rows / reference.Rows);
        double repeats = quality.ExpectedDuplicateShare ?? Math.Min(1, QualityRecorder.Of(reference).DuplicateShare * growth);
        return new MonitoringReport
        {
            Model = name,
            Version = 1,
            CreatedAt = createdAt,
            Drift = [DriftDetector.Compare(profile, window, drift, alerts)],
            Quality = DataQuality.Check(profile, window, quality, QualityRecorder.Of(current), null, createdAt, repeats),
            Skew = WithoutIgnored(TrainingServingSkew.Compare(reference, current, drift), drift),
        };
    }

    private static SkewReport WithoutIgnored(SkewReport skew, DriftOptions? drift) =>
        drift is null ? skew : skew with { Findings = [.. skew.Findings.Where(f => !drift.Ignored.Contains(f.Column))] };
}
