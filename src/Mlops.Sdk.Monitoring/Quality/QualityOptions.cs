using System.ComponentModel.DataAnnotations;

namespace Mlops.Sdk.Monitoring;

/// <summary>When the rows of a window count as bad. Configuration section: <c>Mlops:Monitoring:Quality</c>.</summary>
public sealed class QualityOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Mlops:Monitoring:Quality";

    /// <summary>Gets or sets how far the share of missing, unseen, infinite or mistyped values, or of duplicates, must rise over the reference's to be worth watching.</summary>
    /// <value>A difference of shares, above 0 and below <see cref="Fail"/>. The default is 0.02: two points.</value>
    [Range(0.00001, 1)]
    public double Watch { get; set; } = 0.02;

    /// <summary>Gets or sets how far such a share must rise to be a failure.</summary>
    /// <value>A difference of shares, above <see cref="Watch"/>. The default is 0.1: ten points.</value>
    [Range(0.00001, 1)]
    public double Fail { get; set; } = 0.1;

    /// <summary>Gets or sets which share of rows must break a rule of the contract or a declared range to be a failure. Fewer, but any, are worth watching.</summary>
    /// <value>From 0 to 1. The default is 0.01.</value>
    [Range(0.0, 1.0)]
    public double ViolationFail { get; set; } = 0.01;

    /// <summary>Gets or sets how far a number must lie beyond the reference's smallest or largest one to be worth watching.</summary>
    /// <value>In widths of the reference's range, from 0 to 1,000,000. The default is 1, since the largest of few numbers is a matter of chance; beyond ten times as far it is a failure.</value>
    [Range(0.0, 1_000_000)]
    public double RangeSlack { get; set; } = 1;

    /// <summary>Gets or sets the share of false calls to be expected among the significant tests of a report (Benjamini–Hochberg over all of them).</summary>
    /// <value>From 0.000001 to 0.5. The default is 0.001.</value>
    [Range(0.000001, 0.5)]
    public double FalseDiscoveryRate { get; set; } = 0.001;

    /// <summary>Gets or sets how many rows a window must have before shares and constants are judged. Contract violations, declared ranges, volume and freshness always are.</summary>
    /// <value>From 1 to 1,000,000,000. The default is 100.</value>
    [Range(1, 1_000_000_000)]
    public int MinimumRows { get; set; } = 100;

    /// <summary>Gets or sets the share of rows that repeat an earlier row exactly when all is well.</summary>
    /// <value>From 0 to 1, or null to measure duplicates and not judge them. The default is null: tables of few categories repeat rows by nature.</value>
    public double? ExpectedDuplicateShare { get; set; }

    /// <summary>Gets or sets how long the newest row may be ago.</summary>
    /// <value>Above zero, or null to measure it and not judge it. The default is null.</value>
    public TimeSpan? MaximumAge { get; set; }

    /// <summary>Gets or sets how far the newest event time among the rows may lie behind the clock.</summary>
    /// <value>Above zero, or null to measure it and not judge it. The default is null.</value>
    public TimeSpan? MaximumEventLag { get; set; }

    /// <summary>Gets or sets how wide the band of rows per hour is on either side of the median of the same hours before.</summary>
    /// <value>In robust standard deviations (1.4826 times the median absolute deviation, at least the square root of the median), from 1 to 100. The default is 5; beyond twice as far it is a failure.</value>
    [Range(1.0, 100.0)]
    public double VolumeBand { get; set; } = 5;

    /// <summary>Gets the ranges that numbers must lie in, by column.</summary>
    public IDictionary<string, QualityRange> Ranges { get; } = new Dictionary<string, QualityRange>(StringComparer.Ordinal);

    /// <summary>Gets the columns that are measured and never judged, by name.</summary>
    public ICollection<string> Ignored { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Finds what is wrong across the options.</summary>
    /// <returns>The problem for a person, or null.</returns>
    internal string? WhyNot()
    {
        if (!(Watch > 0 && Watch < Fail && Fail <= 1))
        {
            return FormattableString.Invariant($"{nameof(Watch)} ({Watch}) must be above 0 and below {nameof(Fail)} ({Fail}), which is at most 1.");
        }

        if (!(ViolationFail is >= 0 and <= 1 && RangeSlack >= 0 && FalseDiscoveryRate is > 0 and <= 0.5 && MinimumRows >= 1 && VolumeBand is >= 1 and <= 100))
        {
            return FormattableString.Invariant($"{nameof(ViolationFail)} ({ViolationFail}) must be in [0, 1], {nameof(RangeSlack)} ({RangeSlack}) at least 0, {nameof(FalseDiscoveryRate)} ({FalseDiscoveryRate}) in (0, 0.5], {nameof(MinimumRows)} ({MinimumRows}) at least 1, {nameof(VolumeBand)} ({VolumeBand}) in [1, 100].");
        }

        if (ExpectedDuplicateShare is { } share && !(share is >= 0 and <= 1))
        {
            return FormattableString.Invariant($"{nameof(ExpectedDuplicateShare)} ({share}) must be in [0, 1], or absent.");
        }

        if (MaximumAge <= TimeSpan.Zero || MaximumEventLag <= TimeSpan.Zero)
        {
            return $"{nameof(MaximumAge)} ({MaximumAge}) and {nameof(MaximumEventLag)} ({MaximumEventLag}) must be above zero, or absent.";
        }

        foreach ((string column, QualityRange range) in Ranges)
        {
            if (range is null || !(range.Minimum <= range.Maximum))
            {
                return FormattableString.Invariant($"{nameof(Ranges)}:{column} runs from {range?.Minimum} to {range?.Maximum}; the minimum must not be above the maximum.");
            }
        }

        return null;
    }

    internal void Check()
    {
        if (WhyNot() is { } problem)
        {
            throw new MlopsException("monitoring.invalid_option", $"{Section}:{problem}");
        }
    }
}

/// <summary>A range that numbers must lie in.</summary>
public sealed record QualityRange
{
    /// <summary>Gets the smallest number allowed; negative infinity for no limit, which is the default.</summary>
    public double Minimum { get; init; } = double.NegativeInfinity;

    /// <summary>Gets the largest number allowed; infinity for no limit, which is the default.</summary>
    public double Maximum { get; init; } = double.PositiveInfinity;
}
