using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>How a feature, or all of them, stand against the reference.</summary>
public enum DriftStatus
{
    /// <summary>No change that is both large and significant.</summary>
    Stable,

    /// <summary>A significant change, large enough to watch.</summary>
    Watch,

    /// <summary>A significant change, large enough to act on.</summary>
    Drifted,

    /// <summary>There are too few rows to judge.</summary>
    TooFew,

    /// <summary>The feature is reported and not judged.</summary>
    Ignored,
}

/// <summary>What a window looks like against the reference of the version that answered. Immutable.</summary>
public sealed partial record DriftReport
{
    /// <summary>Gets the model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Gets the number of the version.</summary>
    public required int Version { get; init; }

    /// <summary>Gets the window's id.</summary>
    public required string WindowId { get; init; }

    /// <summary>Gets when the window began.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>Gets when the window ended.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>Gets how many rows the reference has.</summary>
    public required long ReferenceRows { get; init; }

    /// <summary>Gets how many rows the window has.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets how many predictions of the window were not recorded because the version's reference was not there or does not fit.</summary>
    public long NotRecorded { get; init; }

    /// <summary>Gets how the whole stands: drifted when enough features are (<see cref="AlertOptions"/>), otherwise the worst that a single one is short of that.</summary>
    public required DriftStatus Status { get; init; }

    /// <summary>Gets the features, most moved first: by status, then by population stability index.</summary>
    public required IReadOnlyList<FeatureDrift> Features { get; init; }

    /// <summary>Gets what was found in one sentence.</summary>
    public required string Summary { get; init; }

    /// <summary>Gets how many features drifted.</summary>
    public int Drifted => Features.Count(f => f.Status == DriftStatus.Drifted);

    /// <summary>Gets how many features were judged.</summary>
    public int Judged => Features.Count(f => f.Status is not (DriftStatus.Ignored or DriftStatus.TooFew));
}

/// <summary>How one input or output stands against the reference.</summary>
public sealed record FeatureDrift
{
    /// <summary>Gets its name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets whether it is a number or a text.</summary>
    public required InputKind Kind { get; init; }

    /// <summary>Gets whether the model takes or gives it.</summary>
    public required FeatureRole Role { get; init; }

    /// <summary>Gets how it stands: the worst of its distribution and its shares.</summary>
    public required DriftStatus Status { get; init; }

    /// <summary>Gets how many rows of the reference have a value.</summary>
    public required long ReferenceValues { get; init; }

    /// <summary>Gets how many rows of the window have a value.</summary>
    public required long Values { get; init; }

    /// <summary>Gets the population stability index over <see cref="Bins"/>, in nats.</summary>
    public required double Psi { get; init; }

    /// <summary>Gets the Jensen–Shannon distance over the same bins, in [0, 1].</summary>
    public required double JensenShannon { get; init; }

    /// <summary>Gets the Hellinger distance over the same bins, in [0, 1].</summary>
    public required double Hellinger { get; init; }

    /// <summary>Gets the total variation over the same bins, in [0, 1].</summary>
    public required double TotalVariation { get; init; }

    /// <summary>Gets the chi-square test over the same bins.</summary>
    public required ChiSquareResult ChiSquare { get; init; }

    /// <summary>Gets the Kolmogorov–Smirnov test over the reference's bins, or null for a text.</summary>
    public KolmogorovSmirnovResult? KolmogorovSmirnov { get; init; }

    /// <summary>Gets the p-value of the test that judges the feature (chi-square unless another is chosen) adjusted over all tests of the report, or null when the feature was not judged.</summary>
    public double? AdjustedPValue { get; init; }

    /// <summary>Gets the measures that judged the feature, and those that <see cref="DriftOptions.Measures"/> asks for.</summary>
    public IReadOnlyList<DriftStatistic> Statistics { get; init; } = [];

    /// <summary>Gets the shares of missing, infinite and unseen values; those that are 0 in both are left out.</summary>
    public required IReadOnlyList<ShareChange> Shares { get; init; }

    /// <summary>Gets the mean in the reference, or null for a text.</summary>
    public double? ReferenceMean { get; init; }

    /// <summary>Gets the mean in the window, or null for a text or without values.</summary>
    public double? Mean { get; init; }

    /// <summary>Gets the population standard deviation in the reference, or null for a text.</summary>
    public double? ReferenceStandardDeviation { get; init; }

    /// <summary>Gets the population standard deviation in the window, or null for a text or without values.</summary>
    public double? StandardDeviation { get; init; }

    /// <summary>Gets both distributions over the same bins.</summary>
    public required IReadOnlyList<DriftBin> Bins { get; init; }

    /// <summary>Gets what changed, for a person; empty when the feature is stable.</summary>
    public required string Change { get; init; }
}

/// <summary>The share of a kind of value that stands outside the distribution.</summary>
public enum ShareKind
{
    /// <summary>Rows without a value.</summary>
    Missing,

    /// <summary>Rows with an infinite number.</summary>
    Infinite,

    /// <summary>Rows with a category that the reference does not list.</summary>
    Unseen,
}

/// <summary>How the share of missing, infinite or unseen values moved.</summary>
/// <param name="Kind">Which share.</param>
/// <param name="Reference">Its share of the reference's rows, in [0, 1]; for unseen values the share to be expected in new rows of the same world.</param>
/// <param name="Current">Its share of the window's rows, in [0, 1].</param>
/// <param name="PValue">The p-value of the test of two shares.</param>
/// <param name="AdjustedPValue">The same adjusted over all tests of the report, or null when the feature was not judged.</param>
/// <param name="Status">How it stands.</param>
public sealed record ShareChange(ShareKind Kind, double Reference, double Current, double PValue, double? AdjustedPValue, DriftStatus Status);

/// <summary>One bin of both distributions.</summary>
/// <param name="Label">The bin's name: a range <c>(1, 2]</c>, a category, or one of the names in <see cref="DriftBin"/>.</param>
/// <param name="Reference">Rows in the reference.</param>
/// <param name="Current">Rows in the window.</param>
public sealed record DriftBin(string Label, long Reference, long Current)
{
    /// <summary>The name of the bin of categories that the reference does not have, when it has no rare ones.</summary>
    public const string Unseen = "(unseen)";

    /// <summary>The name of the bin of categories that are too rare to stand alone, unseen ones included.</summary>
    public const string Rare = "(rare)";
}
