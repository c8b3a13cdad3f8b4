using System.ComponentModel.DataAnnotations;

namespace Mlops.Sdk.Monitoring;

/// <summary>How often alerts may start runs of a model's pipeline.</summary>
public sealed class RetrainOptions
{
    /// <summary>Gets or sets how long after a run was asked for no other one is, whatever alert asks.</summary>
    /// <value>From 0 to 365 days. The default is 1 hour.</value>
    public TimeSpan CoolDown { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Gets or sets how many runs may be asked for in 24 hours.</summary>
    /// <value>From 1 to 1,000. The default is 4.</value>
    [Range(1, 1000)]
    public int MostPerDay { get; set; } = 4;

    /// <summary>Gets or sets after how many runs for one policy within <see cref="Within"/> a further alert of it starts none: they did not help, so it becomes critical for a person to look.</summary>
    /// <value>From 1 to 1,000. The default is 3.</value>
    [Range(1, 1000)]
    public int GiveUpAfter { get; set; } = 3;

    /// <summary>Gets or sets within which time runs that did not help are counted.</summary>
    /// <value>From 1 minute to 365 days. The default is 7 days.</value>
    public TimeSpan Within { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Gets or sets after how long a run that another host was asked for, and that has not ended, is gone on with here: that host may have died.</summary>
    /// <value>From 1 minute to 365 days. The default is 6 hours; longer than a run takes.</value>
    public TimeSpan TakeOverAfter { get; set; } = TimeSpan.FromHours(6);

    internal string? WhyNot() =>
        CoolDown < TimeSpan.Zero || CoolDown > TimeSpan.FromDays(365) || Within < TimeSpan.FromMinutes(1) || Within > TimeSpan.FromDays(365) || TakeOverAfter < TimeSpan.FromMinutes(1) || TakeOverAfter > TimeSpan.FromDays(365) || MostPerDay is < 1 or > 1000 || GiveUpAfter is < 1 or > 1000
            ? $"Retraining: {nameof(CoolDown)} ({CoolDown}) must be from 0 to 365 days, {nameof(Within)} ({Within}) and {nameof(TakeOverAfter)} ({TakeOverAfter}) from 1 minute to 365 days, {nameof(MostPerDay)} ({MostPerDay}) and {nameof(GiveUpAfter)} ({GiveUpAfter}) from 1 to 1,000."
            : null;
}
