using System.ComponentModel.DataAnnotations;

namespace Mlops.Sdk.Monitoring;

/// <summary>When drift of features becomes an alert about the model, and when the alert ends.</summary>
public sealed class AlertOptions
{
    /// <summary>Gets or sets how many features must have drifted.</summary>
    /// <value>From 1 to 100,000. The default is 1: any feature.</value>
    [Range(1, 100_000)]
    public int Features { get; set; } = 1;

    /// <summary>Gets or sets which share of the judged features must have drifted, besides <see cref="Features"/>.</summary>
    /// <value>From 0 to 1. The default is 0; 0.5 is the rule that other tools use for a data set.</value>
    [Range(0.0, 1.0)]
    public double Share { get; set; }

    /// <summary>Gets or sets whether the model's outputs count as features do.</summary>
    /// <value>The default is true: predictions that move are the first sign when nobody knows the truth yet.</value>
    public bool Outputs { get; set; } = true;

    /// <summary>Gets or sets how many stable windows in a row, on any host, close an open alert. One to watch neither counts nor breaks the row.</summary>
    /// <value>From 1 to 1,000. The default is 3.</value>
    [Range(1, 1000)]
    public int CloseAfter { get; set; } = 3;

    /// <summary>Gets or sets after how long an alert that is still open gives way to a new one, and so to another retraining.</summary>
    /// <value>From 1 minute to 10 years, or null for never. The default is null: one alert for each version and breach.</value>
    public TimeSpan? RepeatAfter { get; set; }

    internal AlertOptions Copy() => (AlertOptions)MemberwiseClone();

    /// <summary>Finds what is wrong across the options.</summary>
    /// <returns>The problem for a person, or null.</returns>
    internal string? WhyNot() => RepeatAfter is { } after && (after < TimeSpan.FromMinutes(1) || after > TimeSpan.FromDays(3650))
        ? $"Alerts:{nameof(RepeatAfter)} is {after}; it must be from 1 minute to 3,650 days, or absent for never."
        : null;
}
