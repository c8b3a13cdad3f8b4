using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Monitoring;

/// <summary>How predictions are kept for the truth that comes later. Configuration section: <c>Mlops:Monitoring:Performance</c>.</summary>
public sealed class PerformanceOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Mlops:Monitoring:Performance";

    /// <summary>Gets or sets how long after its prediction a truth may come; a prediction that is older without one is expired.</summary>
    /// <value>From 1 minute to 3,660 days. The default is 30 days.</value>
    public TimeSpan Horizon { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Gets or sets how long before its prediction a truth may be told: so much of the log is read before what is measured.</summary>
    /// <value>From 0 to 3,660 days. The default is 1 day.</value>
    public TimeSpan Early { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Gets or sets over which span before the end of a window the realised performance is measured when the window closes.</summary>
    /// <value>From 1 second to 366 days. The default is 1 day.</value>
    public TimeSpan Span { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Gets or sets how many truths a span or segment needs before its realised metrics become signals.</summary>
    /// <value>From 1 to 1,000,000. The default is 100.</value>
    [Range(1, 1_000_000)]
    public int MinimumLabels { get; set; } = 100;

    /// <summary>Gets or sets how often recorded predictions and truths are written: the most that a killed process loses.</summary>
    /// <value>From 10 ms to 1 day. The default is 10 s.</value>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Gets or sets which truth counts when one id is told several.</summary>
    /// <value>The default is <see cref="RepeatedTruth.Last"/>.</value>
    public RepeatedTruth Repeated { get; set; } = RepeatedTruth.Last;

    /// <summary>Gets or sets how many predictions and truths may be in memory at once while they are joined. More of them are joined part by part, by their ids' hashes; the log is read once for each part.</summary>
    /// <value>From 1,000 to 100,000,000. The default is 1,000,000 (about 150 bytes each).</value>
    [Range(1_000, 100_000_000)]
    public int MaxJoined { get; set; } = 1_000_000;

    /// <summary>Gets or sets a secret that ids are hashed with, so that nobody who has the store can try ids out. All processes of a workspace need the same one.</summary>
    /// <value>At most 32 bytes in UTF-8; empty for plain SHA-256. The default is empty.</value>
    [Required(AllowEmptyStrings = true)]
    public string IdKey { get; set; } = string.Empty;

    /// <summary>Gets or sets of how many predictions without an id one is asked for its expected loss, for regressions that have a loss model.</summary>
    /// <value>From 1 to 10,000. The default is 8.</value>
    [Range(1, 10_000)]
    public int LossSampling { get; set; } = 8;

    internal string? WhyNot() =>
        Horizon < TimeSpan.FromMinutes(1) || Horizon > TimeSpan.FromDays(3_660) ? $"{nameof(Horizon)} is {Horizon}; it must be from 1 minute to 3,660 days."
        : Early < TimeSpan.Zero || Early > TimeSpan.FromDays(3_660) ? $"{nameof(Early)} is {Early}; it must be from 0 to 3,660 days."
        : Span < TimeSpan.FromSeconds(1) || Span > TimeSpan.FromDays(366) ? $"{nameof(Span)} is {Span}; it must be from 1 second to 366 days."
        : FlushInterval < TimeSpan.FromMilliseconds(10) || FlushInterval > TimeSpan.FromDays(1) ? $"{nameof(FlushInterval)} is {FlushInterval}; it must be from 10 ms to 1 day."
        : MinimumLabels is < 1 or > 1_000_000 ? $"{nameof(MinimumLabels)} is {MinimumLabels}; it must be from 1 to 1,000,000."
        : MaxJoined is < 1_000 or > 100_000_000 ? $"{nameof(MaxJoined)} is {MaxJoined}; it must be from 1,000 to 100,000,000."
        : LossSampling is < 1 or > 10_000 ? $"{nameof(LossSampling)} is {LossSampling}; it must be from 1 to 10,000."
        : !Enum.IsDefined(Repeated) ? $"{nameof(Repeated)} is {Repeated}; it must be one of the named values."
        : IdKey is null || System.Text.Encoding.UTF8.GetByteCount(IdKey) > OutcomeIds.MaxKey ? $"{nameof(IdKey)} is longer than {OutcomeIds.MaxKey} bytes, or null."
        : null;

    internal PerformanceOptions CheckedCopy() => WhyNot() is { } problem
        ? throw new MlopsException("monitoring.invalid_option", $"{Section}:{problem}")
        : (PerformanceOptions)MemberwiseClone();
}

/// <summary>Which truth counts when one id is told several.</summary>
public enum RepeatedTruth
{
    /// <summary>The one told last: corrections count.</summary>
    Last,

    /// <summary>The one told first: what was decided by stands.</summary>
    First,
}

[OptionsValidator]
internal sealed partial class PerformanceOptionsRanges : IValidateOptions<PerformanceOptions>;

internal sealed class PerformanceOptionsOrder : IValidateOptions<PerformanceOptions>
{
    public ValidateOptionsResult Validate(string? name, PerformanceOptions options) =>
        options.WhyNot() is { } problem ? ValidateOptionsResult.Fail($"{PerformanceOptions.Section}:{problem}") : ValidateOptionsResult.Success;
}
