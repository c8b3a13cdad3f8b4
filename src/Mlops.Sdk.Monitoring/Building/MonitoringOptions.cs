using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mlops.Sdk.Monitoring;

/// <summary>How models are watched. Configuration section: <c>Mlops:Monitoring</c>.</summary>
public sealed class MonitoringOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Mlops:Monitoring";

    /// <summary>Gets or sets how often a watched model is checked, unless its watch says otherwise.</summary>
    /// <value>From 1 second to 7 days. The default is 5 minutes.</value>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Gets or sets when a feature counts as drifted.</summary>
    [ValidateObjectMembers]
    [Required]
    public DriftOptions Drift { get; set; } = new();

    /// <summary>Gets or sets when drift becomes an alert.</summary>
    [ValidateObjectMembers]
    [Required]
    public AlertOptions Alerts { get; set; } = new();

    internal string? WhyNot() => Interval < TimeSpan.FromSeconds(1) || Interval > TimeSpan.FromDays(7)
        ? $"{nameof(Interval)} is {Interval}; it must be from 1 second to 7 days."
        : Drift.WhyNot() ?? Alerts.WhyNot();

    internal void Check()
    {
        if (WhyNot() is { } problem)
        {
            throw new MlopsException("monitoring.invalid_option", $"{Section}:{problem}");
        }
    }
}

[OptionsValidator]
internal sealed partial class MonitoringOptionsRanges : IValidateOptions<MonitoringOptions>;

internal sealed class MonitoringOptionsOrder : IValidateOptions<MonitoringOptions>
{
    public ValidateOptionsResult Validate(string? name, MonitoringOptions options) =>
        options is { Drift: not null, Alerts: not null } && options.WhyNot() is { } problem
            ? ValidateOptionsResult.Fail($"{MonitoringOptions.Section}:{problem}")
            : ValidateOptionsResult.Success;
}
