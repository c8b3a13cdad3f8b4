using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Monitoring;

/// <summary>What is recorded of predictions, and how much a killed process may lose. Configuration section: <c>Mlops:Monitoring:Recording</c>.</summary>
public sealed class RecordingOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Mlops:Monitoring:Recording";

    /// <summary>The value of <see cref="SegmentBy"/> that counts rows by <see cref="PredictionContext.Route"/>.</summary>
    public const string ByRoute = "(route)";

    internal const int UnseenK = 32;
    internal static readonly RecordingOptions Plain = new();

    /// <summary>Gets or sets how often open windows are written to the store: what was recorded since the last time is what a killed process loses.</summary>
    /// <value>From 1 second to 1 hour. The default is 30 seconds.</value>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets or sets for how long another process's open window must stay as it is before this one takes it for abandoned and closes it.</summary>
    /// <value>From 2 flush intervals to 7 days. The default is 5 minutes. Too short a time is no error: the other process goes on with a new window.</value>
    public TimeSpan AbandonedAfter { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Gets or sets which sketches windows keep besides exact counts. Sketches of numbers and texts hold values of single features.</summary>
    /// <value>The default is none: nothing of a value is kept.</value>
    public WindowSketches Sketches { get; set; }

    /// <summary>Gets or sets how many rows, picked at random, a window keeps whole for checks of several features at once: in memory only, never stored.</summary>
    /// <value>From 0 to 10,000. The default is 0: none.</value>
    [Range(0, 10_000)]
    public int SampleRows { get; set; }

    /// <summary>Gets the feature by whose categories a model's rows are counted apart, by the model's name; <see cref="ByRoute"/> for the route.</summary>
    public IDictionary<string, string> SegmentBy { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Gets or sets how many segments there are at most, besides those for what is missing and for all other ones.</summary>
    /// <value>From 1 to 64. The default is 16.</value>
    [Range(1, 64)]
    public int MaxSegments { get; set; } = 16;

    internal SegmentWish? SegmentOf(string model) => SegmentBy.TryGetValue(model, out string? by) ? new SegmentWish(by, MaxSegments) : null;

    internal string? WhyNot() =>
        FlushInterval < TimeSpan.FromSeconds(1) || FlushInterval > TimeSpan.FromHours(1) ? $"{nameof(FlushInterval)} is {FlushInterval}; it must be from 1 second to 1 hour."
        : AbandonedAfter < 2 * FlushInterval || AbandonedAfter > TimeSpan.FromDays(7) ? $"{nameof(AbandonedAfter)} is {AbandonedAfter}; it must be from twice {nameof(FlushInterval)} ({FlushInterval}) to 7 days."
        : SampleRows is < 0 or > 10_000 ? $"{nameof(SampleRows)} is {SampleRows}; it must be from 0 to 10,000."
        : MaxSegments is < 1 or > 64 ? $"{nameof(MaxSegments)} is {MaxSegments}; it must be from 1 to 64."
        : null;

    internal void Check()
    {
        if (WhyNot() is { } problem)
        {
            throw new MlopsException("monitoring.invalid_option", $"{Section}:{problem}");
        }
    }
}

/// <summary>Sketches that a window may keep besides its exact counts.</summary>
[Flags]
public enum WindowSketches
{
    /// <summary>None: nothing of a value is kept.</summary>
    None = 0,

    /// <summary>Quantiles of numbers, to 1.3 % of rank. Some of the numbers are kept, without the rows they came from.</summary>
    Quantiles = 1,

    /// <summary>How many distinct values a feature had, to 0.8 %. Hashes are kept.</summary>
    Distinct = 2,

    /// <summary>The texts that the reference does not list and that came most often, as they came.</summary>
    UnseenTexts = 4,
}

/// <summary>A row that was kept by chance: in memory only.</summary>
/// <param name="Numbers">The number inputs, shape [number inputs].</param>
/// <param name="Texts">The text inputs, shape [text inputs].</param>
/// <param name="Outputs">The answers, shape [outputs].</param>
public sealed record SampledRow(float[] Numbers, string?[] Texts, float[] Outputs);

/// <summary>What a model's rows are counted apart by.</summary>
internal sealed record SegmentWish(string By, int Most);

internal sealed class RecordingOptionsRules : IValidateOptions<RecordingOptions>
{
    public ValidateOptionsResult Validate(string? name, RecordingOptions options) =>
        options.WhyNot() is { } problem ? ValidateOptionsResult.Fail($"{RecordingOptions.Section}:{problem}") : ValidateOptionsResult.Success;
}
