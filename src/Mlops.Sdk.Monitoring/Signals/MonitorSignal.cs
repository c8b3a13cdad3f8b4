namespace Mlops.Sdk.Monitoring;

/// <summary>One number about a version over a span of time: what policies judge, reports draw and simulations replay, whatever it is about. Immutable.</summary>
public sealed record MonitorSignal
{
    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the number of the version; 0 for the model as a whole.</summary>
    public required int Version { get; init; }

    /// <summary>Gets the part of the rows that it is about, such as <c>country=SE</c>; null for all rows.</summary>
    public string? Segment { get; init; }

    /// <summary>Gets what is measured: <c>kind.measure</c> or <c>kind.measure:feature</c>; see <see cref="SignalNames"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Gets when the span began.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>Gets when the span ended.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Gets how many rows or calls the number was made of.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets the number, finite.</summary>
    public required double Value { get; init; }

    /// <summary>Gets the lower end of its 95 % confidence interval, or null when it has none.</summary>
    public double? Low { get; init; }

    /// <summary>Gets the upper end of its 95 % confidence interval, or null when it has none.</summary>
    public double? High { get; init; }

    /// <summary>Gets the p-value of the change, adjusted for all tests of the same span, or null when there was no test.</summary>
    public double? PValue { get; init; }

    /// <summary>Gets the number's value in the reference (training, or the window compared with), or null.</summary>
    public double? Reference { get; init; }
}

/// <summary>The names of signals: <c>kind.measure</c>, and behind a colon the feature when it is about one.</summary>
public static class SignalNames
{
    /// <summary>How a distribution moved, such as <c>drift.psi:age</c> or <c>drift.share_drifted</c>.</summary>
    public const string Drift = "drift";

    /// <summary>What is wrong with the rows, such as <c>quality.missing_share:age</c>.</summary>
    public const string Quality = "quality";

    /// <summary>How right the answers were, by the truth that came, such as <c>performance.roc_auc</c>.</summary>
    public const string Performance = "performance";

    /// <summary>How right the answers are believed to be, without the truth, such as <c>estimated.roc_auc</c>.</summary>
    public const string Estimated = "estimated";

    /// <summary>How much and how well the model is used, such as <c>usage.error_share</c>.</summary>
    public const string Usage = "usage";

    /// <summary>What the business counts, such as <c>kpi.saved_eur</c>.</summary>
    public const string Kpi = "kpi";

    /// <summary>Makes a name.</summary>
    /// <param name="kind">One of the constants of this class.</param>
    /// <param name="measure">What is measured: lower case, words joined by underscores.</param>
    /// <param name="feature">The feature, or null for all.</param>
    /// <returns>The name.</returns>
    public static string Of(string kind, string measure, string? feature = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        ArgumentException.ThrowIfNullOrEmpty(measure);
        return feature is null ? $"{kind}.{measure}" : $"{kind}.{measure}:{feature}";
    }
}
