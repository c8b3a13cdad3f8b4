namespace Mlops.Sdk.Monitoring;

/// <summary>Says when a signal becomes an alert. All conditions that are set must hold at once. Not thread-safe; the policy is.</summary>
public sealed class AlertPolicyBuilder
{
    internal const int MostWindows = 64;
    internal const int MostKept = 200;
    private readonly string _name;
    private AlertRule _rule = new() { Signal = string.Empty };

    internal AlertPolicyBuilder(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _name = name;
    }

    /// <summary>Sets which signals are judged, each on its own.</summary>
    /// <param name="signal">A name such as <c>performance.roc_auc</c>, or a pattern in which <c>*</c> stands for any characters, such as <c>drift.psi:*</c>.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder On(string signal) => With(r => r with { Signal = signal });

    /// <summary>Judges signals of parts of the rows; without it, those of all rows.</summary>
    /// <param name="segment">A segment such as <c>country=SE</c>, or a pattern such as <c>country=*</c>.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder Segment(string segment) => With(r => r with { Segment = segment });

    /// <summary>Breaks when the value is above a level.</summary>
    /// <param name="level">The level.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder Above(double level) => With(r => r with { Above = level });

    /// <summary>Breaks when the value is below a level.</summary>
    /// <param name="level">The level.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder Below(double level) => With(r => r with { Below = level });

    /// <summary>Sets the level that the value must come back to before a window counts as calm; between the two levels windows neither count nor break the row.</summary>
    /// <param name="level">At or below <see cref="Above"/>, or at or above <see cref="Below"/>.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder ClearAt(double level) => With(r => r with { ClearAt = level });

    /// <summary>Breaks when the value, or where it has one its whole 95 % interval, is farther from its reference than a margin.</summary>
    /// <param name="margin">In the signal's unit, at least 0. A signal without a reference never breaks.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder OutsideReference(double margin = 0) => With(r => r with { Margin = margin });

    /// <summary>Breaks when the value is outside the mean of its own latest usual values by a number of standard deviations.</summary>
    /// <param name="deviations">The number, above 0. The default is 3.</param>
    /// <param name="windows">How many usual values make the band, 5 to 200; until they are there nothing is judged. Values that break the policy are not usual.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder OutsideBand(double deviations = 3, int windows = 30) => With(r => r with { BandDeviations = deviations, BandWindows = windows });

    /// <summary>Breaks when the value changed, up or down, by more than a share of what it was.</summary>
    /// <param name="share">The share, above 0; 0.2 is a fifth.</param>
    /// <param name="windows">How many windows ago, 1 to 200.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder Changed(double share, int windows = 1) => With(r => r with { ChangeBy = share, ChangeOver = windows });

    /// <summary>Breaks only when the change is significant too: effect and significance together. A signal without a p-value then never breaks.</summary>
    /// <param name="level">The largest p-value, in (0, 1).</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder Significant(double level = 0.01) => With(r => r with { Significance = level });

    /// <summary>Breaks only at a significance level that keeps a budget of false alarms.</summary>
    /// <param name="perMonth">How many false alarms in 30 days may be expected, above 0.</param>
    /// <param name="every">How often a window closes.</param>
    /// <param name="tests">How many signals are judged in each window; 1 when their p-values are adjusted for that already, as those of drift are.</param>
    /// <returns>This builder.</returns>
    /// <remarks>
    /// With W windows in 30 days, T tests, and m of n windows needed, the level is (budget / (W T C(n-1, m-1)))^(1/m). For m = 1 it is Bonferroni's and
    /// holds whatever depends on what; for more, windows are taken as independent when nothing changed.
    /// </remarks>
    public AlertPolicyBuilder FalseAlarms(double perMonth, TimeSpan every, int tests = 1) => With(r => r with { Budget = new FalseAlarmBudget(perMonth, every, tests) });

    /// <summary>Judges all matching signals of a window together: it breaks when enough of them do.</summary>
    /// <param name="signals">How many, at least 1.</param>
    /// <param name="share">And which share of them, in [0, 1].</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder Quorum(int signals, double share = 0) => With(r => r with { Quorum = signals, QuorumShare = share > 0 ? share : null });

    /// <summary>Sets how many windows must break the policy before the alert is raised.</summary>
    /// <param name="breaches">How many, at least 1.</param>
    /// <param name="outOf">Of the latest how many, at most 64; 0 for as many as must break: in a row.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder For(int breaches, int outOf = 0) => With(r => r with { Breaches = breaches, OutOf = outOf == 0 ? breaches : outOf });

    /// <summary>Sets how many calm windows in a row end the alert.</summary>
    /// <param name="windows">From 1 to 1,000. The default is 3.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder ClearAfter(int windows) => With(r => r with { ClearAfter = windows });

    /// <summary>Leaves signals of few rows out.</summary>
    /// <param name="rows">How many rows a signal must be made of.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder FromRows(long rows) => With(r => r with { MinimumRows = rows });

    /// <summary>Sets how much its alerts matter.</summary>
    /// <param name="severity">The default is <see cref="AlertSeverity.Warning"/>.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder Severity(AlertSeverity severity) => With(r => r with { Severity = severity });

    /// <summary>Says who answers, what for, and where it stands what to do.</summary>
    /// <param name="owner">The person or team.</param>
    /// <param name="description">What the policy is for, or null.</param>
    /// <param name="runBook">The address of the page that says what to do, or null.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder Owner(string owner, string? description = null, string? runBook = null) => With(r => r with { Owner = owner, Description = description, RunBook = runBook });

    /// <summary>Makes an alert that is open for some time and that nobody took up one step more severe.</summary>
    /// <param name="after">At least 1 minute.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder EscalateAfter(TimeSpan after) => With(r => r with { EscalateAfter = after });

    /// <summary>Tells handlers again of an alert that is still open and that nobody took up.</summary>
    /// <param name="every">At least 1 minute.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder RemindEvery(TimeSpan every) => With(r => r with { RemindEvery = every });

    /// <summary>Damps flapping: each alert about the same thing within a time doubles how many calm windows end the next one, up to sixteen times.</summary>
    /// <param name="within">The time; null for no damping. The default is 1 day.</param>
    /// <returns>This builder.</returns>
    public AlertPolicyBuilder DampFlapping(TimeSpan? within) => With(r => r with { FlapWithin = within });

    internal AlertPolicy Build() => WhyNot() is { } why
        ? throw new MlopsException("monitoring.invalid_policy", $"Alert policy '{_name}': {why}")
        : new AlertPolicy(_name, _rule);

    private AlertPolicyBuilder With(Func<AlertRule, AlertRule> change)
    {
        _rule = change(_rule);
        return this;
    }

    private string? WhyNot()
    {
        AlertRule r = _rule;
        if (_name.Length > 64 || !_name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.') || _name == AlertPolicy.DriftName)
        {
            return $"a name is 1 to 64 of a-z 0-9 - _ . and not '{AlertPolicy.DriftName}', which is the policy that every model has.";
        }

        if (string.IsNullOrWhiteSpace(r.Signal) || r.Signal.Length > 256)
        {
            return "it judges no signal; say which with On(\"performance.roc_auc\").";
        }

        if (r is { Above: null, Below: null, Margin: null, BandDeviations: null, ChangeBy: null, Significance: null, Budget: null })
        {
            return "it has no condition; add Above, Below, OutsideReference, OutsideBand, Changed, Significant or FalseAlarms.";
        }

        double?[] numbers = [r.Above, r.Below, r.ClearAt, r.Margin, r.BandDeviations, r.ChangeBy, r.Significance, r.QuorumShare, r.Budget?.PerMonth];
        return numbers.Any(n => n is { } v && !double.IsFinite(v)) ? "every number must be finite."
            : r.ClearAt is { } clear && !(clear <= (r.Above ?? double.MaxValue) && clear >= (r.Below ?? double.MinValue) && (r.Above is null) != (r.Below is null)) ? "ClearAt goes with either Above, at or below its level, or Below, at or above its level."
            : r.Margin < 0 || r.BandDeviations <= 0 || r.ChangeBy <= 0 ? "margins must be at least 0, deviations and changes above 0."
            : r.BandDeviations is not null && r.BandWindows is < 5 or > MostKept ? $"a band is made of 5 to {MostKept} windows."
            : r.ChangeBy is not null && r.ChangeOver is < 1 or > MostKept ? $"a change is over 1 to {MostKept} windows."
            : r.Significance is <= 0 or >= 1 ? "a significance level is in (0, 1)."
            : r.Budget is { } b && !(b.PerMonth > 0 && b.Every >= TimeSpan.FromSeconds(1) && b.Every <= TimeSpan.FromDays(30) && b.Tests >= 1) ? "a budget of false alarms needs more than 0 a month, windows every 1 second to 30 days, and at least 1 test."
            : r.IsQuorum && (r.Quorum < 1 || r.QuorumShare > 1 || r.BandDeviations is not null || r.ChangeBy is not null) ? "a quorum is of at least 1 signal and a share in [0, 1], and judges no band and no change."
            : r.Breaches < 1 || r.OutOf < r.Breaches || r.OutOf > MostWindows ? $"For needs 1 to {MostWindows} windows, of which no more must break it than there are."
            : r.ClearAfter is < 1 or > 1000 ? "ClearAfter is from 1 to 1,000 windows."
            : TooShort(r.EscalateAfter) || TooShort(r.RemindEvery) || TooShort(r.FlapWithin) ? "times are at least 1 minute and at most 3,650 days."
            : (r.Owner?.Length ?? 0) + (r.Description?.Length ?? 0) + (r.RunBook?.Length ?? 0) > 4000 ? "owner, description and run book have more than 4,000 characters."
            : null;
    }

    private static bool TooShort(TimeSpan? time) => time is { } t && (t < TimeSpan.FromMinutes(1) || t > TimeSpan.FromDays(3650));
}
