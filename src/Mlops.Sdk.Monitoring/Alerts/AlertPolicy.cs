using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>When a signal becomes an alert, when the alert ends, and who is told. Immutable; made by <see cref="Create"/> or on a watch.</summary>
/// <remarks>Equal rules have equal digests: each alert carries the digest of the policy that raised it.</remarks>
public sealed class AlertPolicy
{
    /// <summary>The name of the policy that every watched model has: <see cref="AlertOptions"/> say when it fires.</summary>
    public const string DriftName = "drift";

    /// <summary>The signal that the policy <see cref="DriftName"/> judges: 0 stable, 1 watch, 2 drifted.</summary>
    public const string DriftSignal = "drift.status";

    internal AlertPolicy(string name, AlertRule rule) => (Name, Rule, Text, Digest) = (name, rule, rule.ToText(), Digest.Of(Encoding.UTF8.GetBytes($"{name}\n{rule.ToText()}")));

    /// <summary>Gets its name: one alert policy of a model has it.</summary>
    public string Name { get; }

    /// <summary>Gets how much its alerts matter.</summary>
    public AlertSeverity Severity => Rule.Severity;

    /// <summary>Gets what it says, in one line: the digest is over its name and this.</summary>
    public string Text { get; }

    /// <summary>Gets the digest of what it says.</summary>
    public Digest Digest { get; }

    internal AlertRule Rule { get; }

    /// <summary>Makes a policy.</summary>
    /// <param name="name">Its name: 1 to 64 of <c>a-z 0-9 - _ .</c></param>
    /// <param name="configure">Says which signals are judged and how.</param>
    /// <returns>The policy.</returns>
    /// <exception cref="MlopsException">A part is missing or contradicts another; code <c>monitoring.invalid_policy</c>.</exception>
    public static AlertPolicy Create(string name, Action<AlertPolicyBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var builder = new AlertPolicyBuilder(name);
        configure(builder);
        return builder.Build();
    }

    /// <summary>Makes the policy that every watched model has: drift by the features' rules.</summary>
    /// <param name="options">When it ends, and when it is raised again; null for the defaults.</param>
    /// <returns>The policy <see cref="DriftName"/>. How many features must have drifted is a matter of the report.</returns>
    public static AlertPolicy Drift(AlertOptions? options = null)
    {
        options ??= new AlertOptions();
        return new AlertPolicy(DriftName, new AlertRule { Signal = DriftSignal, Above = 1.5, ClearAt = 0.5, ClearAfter = options.CloseAfter, RepeatAfter = options.RepeatAfter, FlapWithin = null });
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Text}";
}

/// <summary>The numbers of a policy.</summary>
internal sealed record AlertRule
{
    internal required string Signal { get; init; }

    internal string? Segment { get; init; }

    internal double? Above { get; init; }

    internal double? Below { get; init; }

    internal double? ClearAt { get; init; }

    internal double? Margin { get; init; }

    internal double? BandDeviations { get; init; }

    internal int BandWindows { get; init; }

    internal double? ChangeBy { get; init; }

    internal int ChangeOver { get; init; }

    internal double? Significance { get; init; }

    internal FalseAlarmBudget? Budget { get; init; }

    internal int? Quorum { get; init; }

    internal double? QuorumShare { get; init; }

    internal int Breaches { get; init; } = 1;

    internal int OutOf { get; init; } = 1;

    internal int ClearAfter { get; init; } = 3;

    internal long MinimumRows { get; init; }

    internal AlertSeverity Severity { get; init; } = AlertSeverity.Warning;

    internal string? Owner { get; init; }

    internal string? Description { get; init; }

    internal string? RunBook { get; init; }

    internal TimeSpan? EscalateAfter { get; init; }

    internal TimeSpan? RemindEvery { get; init; }

    internal TimeSpan? RepeatAfter { get; init; }

    internal TimeSpan? FlapWithin { get; init; } = TimeSpan.FromDays(1);

    internal bool IsQuorum => Quorum is not null || QuorumShare is not null;

    /// <summary>Gets the significance level that a p-value must reach, by the rule itself or its budget; null when none is asked for.</summary>
    internal double? Level => Significance is { } level ? Math.Min(level, Budget?.Level(Breaches, OutOf) ?? 1) : Budget?.Level(Breaches, OutOf);

    internal string ToText()
    {
        var text = new StringBuilder(Signal);
        Add(text, Segment is null ? null : $"segment {Segment}");
        Add(text, Say("above", Above));
        Add(text, Say("below", Below));
        Add(text, Say("outside the reference by", Margin));
        Add(text, BandDeviations is { } sd ? Inv($"outside the mean of the last {BandWindows} usual values by {sd} standard deviations") : null);
        Add(text, ChangeBy is { } by ? Inv($"changed by {by} of its value {ChangeOver} windows ago") : null);
        Add(text, Say("p-value at most", Significance));
        Add(text, Budget is { } b ? Inv($"at most {b.PerMonth} false alarms a month with a window every {b.Every} and {b.Tests} tests") : null);
        Add(text, Say("at least this many", Quorum));
        Add(text, Say("at least this share", QuorumShare));
        Add(text, Inv($"in {Breaches} of {OutOf} windows"));
        Add(text, Say("clear at", ClearAt));
        Add(text, Inv($"ends after {ClearAfter} calm windows"));
        Add(text, MinimumRows > 0 ? Inv($"from {MinimumRows} rows") : null);
        Add(text, Severity.ToString());
        Add(text, Owner is null ? null : $"owner {Owner}");
        Add(text, Description);
        Add(text, RunBook);
        Add(text, EscalateAfter is { } e ? Inv($"escalates after {e}") : null);
        Add(text, RemindEvery is { } r ? Inv($"reminds every {r}") : null);
        Add(text, RepeatAfter is { } o ? Inv($"repeats after {o}") : null);
        Add(text, FlapWithin is { } f ? Inv($"damped within {f}") : null);
        return text.ToString();
    }

    private static string Inv(FormattableString text) => FormattableString.Invariant(text);

    private static string? Say(string what, double? value) => value is { } v ? $"{what} {v.ToString("R", CultureInfo.InvariantCulture)}" : null;

    private static void Add(StringBuilder text, string? part)
    {
        if (part is not null)
        {
            text.Append("; ").Append(part);
        }
    }
}

/// <summary>How many false alarms a policy may give, and what follows for the significance level.</summary>
internal sealed record FalseAlarmBudget(double PerMonth, TimeSpan Every, int Tests)
{
    /// <summary>
    /// With W windows a month and T tests a window, each true-null p-value uniform and windows independent, an alert begins only in a window that
    /// breaks the rule together with m - 1 of the n - 1 before it: at most W T C(n-1, m-1) a^m a month. Solved for a. For m = 1 this is Bonferroni.
    /// </summary>
    internal double Level(int breaches, int outOf)
    {
        double windows = TimeSpan.FromDays(30) / Every;
        double ways = 1;
        for (int i = 1; i < breaches; i++)
        {
            ways = ways * (outOf - i) / i;
        }

        return Math.Min(1, Math.Pow(PerMonth / (windows * Tests * ways), 1.0 / breaches));
    }
}
