using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;

namespace Mlops.Sdk.Monitoring;

/// <summary>What can be wrong with rows.</summary>
public enum QualityKind
{
    /// <summary>Rows without a value.</summary>
    Missing,

    /// <summary>Rows with an infinite number.</summary>
    Infinite,

    /// <summary>Rows with a category that the reference does not list.</summary>
    Unseen,

    /// <summary>Numbers beyond the reference's smallest or largest one.</summary>
    OutOfRange,

    /// <summary>Numbers outside the range that was declared.</summary>
    OutOfDeclaredRange,

    /// <summary>Values of another type than the reference has: texts where numbers are expected, or the reverse.</summary>
    TypeChanged,

    /// <summary>A column that varied in the reference and has one value only.</summary>
    Constant,

    /// <summary>Rows that repeat an earlier row exactly.</summary>
    Duplicates,

    /// <summary>Rows that break a rule of the contract.</summary>
    ContractViolated,

    /// <summary>Rows that were not recorded because the version has no usable reference.</summary>
    NotRecorded,

    /// <summary>Rows per hour outside the band of the same hours before.</summary>
    Volume,

    /// <summary>The time since the newest row.</summary>
    Age,

    /// <summary>How far the newest event time lies behind the clock.</summary>
    EventLag,
}

/// <summary>How bad a measure is.</summary>
public enum QualitySeverity
{
    /// <summary>As it should be, or not judged.</summary>
    Fine,

    /// <summary>Worth watching.</summary>
    Watch,

    /// <summary>A failure: somebody should act.</summary>
    Failed,
}

/// <summary>One thing that was measured about the rows of a window.</summary>
/// <param name="Kind">What was measured.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="Name">The column, or the rule of the contract; null for the rows as a whole.</param>
/// <param name="Rows">How many rows were looked at.</param>
/// <param name="Count">How many of them have the property; for ranges at least so many.</param>
/// <param name="Value">The number: a share in [0, 1], rows per hour, or seconds.</param>
/// <param name="Reference">The same number in the reference, the expected or the allowed one; null when there is none.</param>
/// <param name="Message">What was expected and found, for a person.</param>
public sealed record QualityMeasure(QualityKind Kind, QualitySeverity Severity, string? Name, long Rows, long Count, double Value, double? Reference, string Message)
{
    /// <summary>Gets the p-value of the rise, adjusted over all tests of the report, or null when there was no test.</summary>
    public double? AdjustedPValue { get; init; }

    /// <summary>Gets the name of the measure as a signal, such as <c>missing_share</c>.</summary>
    [JsonIgnore]
    public string Measure => Kind switch
    {
        QualityKind.Missing => "missing_share",
        QualityKind.Infinite => "infinite_share",
        QualityKind.Unseen => "unseen_share",
        QualityKind.OutOfRange => "beyond_range",
        QualityKind.OutOfDeclaredRange => "out_of_declared_range_share",
        QualityKind.TypeChanged => "type_changed_share",
        QualityKind.Constant => "constant",
        QualityKind.Duplicates => "duplicate_share",
        QualityKind.ContractViolated => "violation_share",
        QualityKind.NotRecorded => "not_recorded_share",
        QualityKind.Volume => "rows_per_hour",
        QualityKind.Age => "age_seconds",
        _ => "event_lag_seconds",
    };
}

/// <summary>What the rows of a window are worth. Immutable.</summary>
public sealed record QualityReport
{
    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the number of the version.</summary>
    public required int Version { get; init; }

    /// <summary>Gets when the window began.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>Gets when the window ended.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Gets how many rows the window has.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets everything that was measured, worst first. Shares that are 0 in the window and the reference are left out.</summary>
    public required IReadOnlyList<QualityMeasure> Measures { get; init; }

    /// <summary>Gets the verdict: the worst of all measures.</summary>
    public QualitySeverity Verdict => Measures.Count == 0 ? QualitySeverity.Fine : Measures.Max(m => m.Severity);

    /// <summary>Gets the measures that are not fine, worst first.</summary>
    [JsonIgnore]
    public IReadOnlyList<QualityMeasure> Findings => [.. Measures.Where(m => m.Severity != QualitySeverity.Fine)];

    /// <summary>Gets what was found in one sentence.</summary>
    public string Summary
    {
        get
        {
            IReadOnlyList<QualityMeasure> findings = Findings;
            if (findings.Count == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"Data quality is fine: {Rows} rows.");
            }

            const int shown = 3;
            int failed = findings.Count(f => f.Severity == QualitySeverity.Failed);
            string rest = findings.Count > shown ? string.Create(CultureInfo.InvariantCulture, $" And {findings.Count - shown} more.") : string.Empty;
            return string.Create(CultureInfo.InvariantCulture, $"Data quality: {failed} failed, {findings.Count - failed} to watch, in {Rows} rows. {string.Join(' ', findings.Take(shown).Select(f => f.Message))}{rest}");
        }
    }

    /// <summary>Turns every measure into a signal, and the number of failures into <c>quality.failures</c>.</summary>
    /// <returns>The signals: what policies judge and reports draw.</returns>
    public IReadOnlyList<MonitorSignal> ToSignals() =>
    [
        .. Measures.Select(m => Signal(SignalNames.Of(SignalNames.Quality, m.Measure, m.Name), m.Rows, m.Value) with { PValue = m.AdjustedPValue, Reference = m.Reference }),
        Signal(SignalNames.Of(SignalNames.Quality, "failures"), Rows, Measures.Count(m => m.Severity == QualitySeverity.Failed)),
    ];

    /// <summary>Writes the findings as lines for a console.</summary>
    /// <returns>Lines separated by line feeds: the verdict, then a line for each finding.</returns>
    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"data quality: {ReportNumbers.Word(Verdict)}, {ReportNumbers.Count(Rows)} rows\n");
        foreach (QualityMeasure finding in Findings)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {ReportNumbers.Word(finding.Severity),-6}  {ReportNumbers.Name(finding.Message, 200)}\n");
        }

        return text.ToString();
    }

    private MonitorSignal Signal(string name, long rows, double value) =>
        new() { Model = Model, Version = Version, Name = name, From = From, To = To, Rows = rows, Value = value };
}
