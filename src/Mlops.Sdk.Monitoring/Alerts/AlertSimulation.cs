using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Mlops.Sdk.Monitoring;

/// <summary>Replays signals and says what policies would have raised: the same decisions as on the ledger, at the times of the signals. Pure.</summary>
public static class AlertSimulation
{
    /// <summary>Replays signals.</summary>
    /// <param name="policies">The policies.</param>
    /// <param name="signals">The signals, of any models, in any order; those of one span are judged together.</param>
    /// <returns>What would have been raised.</returns>
    public static SimulationResult Run(IReadOnlyList<AlertPolicy> policies, IEnumerable<MonitorSignal> signals)
    {
        ArgumentNullException.ThrowIfNull(policies);
        ArgumentNullException.ThrowIfNull(signals);
        MonitorSignal[] ordered = [.. signals.Where(s => s is not null && SignalDocument.WhyNot(s) is null).OrderBy(s => s.To).ThenBy(s => s.From)];
        var alerts = new List<SimulatedAlert>();
        foreach (IGrouping<string, MonitorSignal> model in ordered.GroupBy(s => s.Model, StringComparer.Ordinal))
        {
            Replay(policies, [.. model], alerts);
        }

        DateTimeOffset from = ordered.Length > 0 ? ordered.Min(s => s.From) : default;
        DateTimeOffset to = ordered.Length > 0 ? ordered[^1].To : default;
        return new SimulationResult(from, to, ordered.Length, [.. policies.Select(p => p.Name)], [.. alerts.OrderBy(a => a.RaisedAt).ThenBy(a => a.Policy, StringComparer.Ordinal).ThenBy(a => a.Signal, StringComparer.Ordinal)]);
    }

    /// <summary>Compares two sets of policies on the same signals.</summary>
    /// <param name="before">The first set.</param>
    /// <param name="after">The second set.</param>
    /// <param name="signals">The signals.</param>
    /// <returns>Both results, and which alerts only one of them raises.</returns>
    public static SimulationComparison Compare(IReadOnlyList<AlertPolicy> before, IReadOnlyList<AlertPolicy> after, IEnumerable<MonitorSignal> signals)
    {
        MonitorSignal[] all = [.. signals];
        SimulationResult first = Run(before, all);
        SimulationResult second = Run(after, all);
        return new SimulationComparison(first, second, [.. first.Alerts.Where(a => !second.Alerts.Any(a.Meets))], [.. second.Alerts.Where(b => !first.Alerts.Any(b.Meets))]);
    }

    private static void Replay(IReadOnlyList<AlertPolicy> policies, MonitorSignal[] signals, List<SimulatedAlert> alerts)
    {
        var judge = new AlertJudge(_ => SeriesState.Empty);
        var open = new Dictionary<SeriesKey, SimulatedAlert>();
        int newest = 0;
        for (int at = 0; at < signals.Length;)
        {
            int next = at;
            while (next < signals.Length && signals[next].To == signals[at].To)
            {
                next++;
            }

            var span = new ArraySegment<MonitorSignal>(signals, at, next - at);
            DateTimeOffset now = signals[at].To;
            int version = span.Max(s => s.Version);
            if (version > newest)
            {
                foreach ((SeriesKey key, SimulatedAlert alert) in open.Where(o => o.Key.Version > 0 && o.Key.Version < version).ToArray())
                {
                    alerts.Add(alert with { EndedAt = now });
                    open.Remove(key);
                }

                newest = version;
            }

            MonitorSignal[] judged = [.. span.Where(s => s.Version == 0 || s.Version >= newest)];
            foreach (AlertPolicy policy in policies)
            {
                judge.Judge(policy, judged, now).ForEach(j => Take(j, now, judge, open, alerts));
            }

            at = next;
        }

        alerts.AddRange(open.Values);
    }

    private static void Take(Judgement judged, DateTimeOffset now, AlertJudge judge, Dictionary<SeriesKey, SimulatedAlert> open, List<SimulatedAlert> alerts)
    {
        if (judged.Move is SeriesMove.Raised or SeriesMove.Repeated)
        {
            if (open.Remove(judged.Key, out SimulatedAlert? replaced))
            {
                alerts.Add(replaced with { EndedAt = now });
            }

            MonitorSignal signal = judged.Signal;
            open[judged.Key] = new SimulatedAlert(judged.Policy.Name, signal.Model, signal.Version, judged.Key.Segment, judged.Key.Signal, judged.Policy.Severity, now, AlertJudge.Say(judged)) { Windows = 1, Worst = signal.Value };
            judge.Set(judged.Key, judge.StateOf(judged.Key).Raise("-", now));
            return;
        }

        ref SimulatedAlert alert = ref CollectionsMarshal.GetValueRefOrNullRef(open, judged.Key);
        if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref alert))
        {
            return;
        }

        if (judged.Move == SeriesMove.Resolved)
        {
            alerts.Add(alert with { EndedAt = now });
            open.Remove(judged.Key);
            judge.Set(judged.Key, judge.StateOf(judged.Key).Close());
        }
        else if (judged.Verdict == Verdict.Breach)
        {
            bool down = judged.Policy.Rule.Below is not null;
            alert = alert with { Windows = alert.Windows + 1, Worst = down ? Math.Min(alert.Worst, judged.Signal.Value) : Math.Max(alert.Worst, judged.Signal.Value) };
        }
    }
}

/// <summary>An alert that would have been raised.</summary>
/// <param name="Policy">The policy's name.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version's number; 0 for the model as a whole.</param>
/// <param name="Segment">The part of the rows, or null.</param>
/// <param name="Signal">The signal, or the pattern of a quorum.</param>
/// <param name="Severity">How much it matters.</param>
/// <param name="RaisedAt">When.</param>
/// <param name="Message">What would have been said.</param>
public sealed record SimulatedAlert(string Policy, string Model, int Version, string? Segment, string Signal, AlertSeverity Severity, DateTimeOffset RaisedAt, string Message)
{
    /// <summary>Gets when it would have ended; null when it would still be open at the end of the signals.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Gets how many windows broke the policy while it was open, the first one included.</summary>
    public int Windows { get; init; }

    /// <summary>Gets the value that was farthest over the level: the smallest for a policy with <see cref="AlertPolicyBuilder.Below"/>, else the largest.</summary>
    public double Worst { get; init; }

    /// <summary>Tells whether two alerts are about the same thing at the same time.</summary>
    internal bool Meets(SimulatedAlert other) => Model == other.Model && Policy == other.Policy && Signal == other.Signal && Segment == other.Segment && Version == other.Version
        && RaisedAt <= (other.EndedAt ?? DateTimeOffset.MaxValue) && other.RaisedAt <= (EndedAt ?? DateTimeOffset.MaxValue);
}

/// <summary>What policies would have raised.</summary>
/// <param name="From">When the signals begin.</param>
/// <param name="To">When they end.</param>
/// <param name="Signals">How many there are.</param>
/// <param name="Policies">The policies' names.</param>
/// <param name="Alerts">The alerts, in the order in which they would have been raised.</param>
public sealed record SimulationResult(DateTimeOffset From, DateTimeOffset To, int Signals, IReadOnlyList<string> Policies, IReadOnlyList<SimulatedAlert> Alerts)
{
    /// <summary>Gets how many alerts in 30 days that is, of a policy or of all.</summary>
    /// <param name="policy">The policy's name; null for all.</param>
    /// <returns>The rate; 0 when the signals span no time.</returns>
    public double PerMonth(string? policy = null) => To > From ? Of(policy).Count() * (TimeSpan.FromDays(30) / (To - From)) : 0;

    /// <summary>Gets for how long alerts would have been open, of a policy or of all.</summary>
    /// <param name="policy">The policy's name; null for all.</param>
    /// <returns>The sum; an alert still open counts to the end of the signals.</returns>
    public TimeSpan OpenFor(string? policy = null) => Of(policy).Aggregate(TimeSpan.Zero, (sum, a) => sum + ((a.EndedAt ?? To) - a.RaisedAt));

    /// <summary>Writes a table: for each policy how often, how long, and when last.</summary>
    /// <returns>Lines of text with columns of a fixed width.</returns>
    public string ToText()
    {
        int width = Math.Max(6, Policies.Select(p => p.Length).DefaultIfEmpty(0).Max());
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Signals} signals from {From:u} to {To:u}\n{"policy".PadRight(width)}  alerts  a month      open  last\n");
        foreach (string policy in Policies)
        {
            SimulatedAlert? last = Of(policy).LastOrDefault();
            string when = last is null ? "-" : $"{last.RaisedAt.UtcDateTime:yyyy-MM-dd HH:mm} {(last.EndedAt is null ? "open" : "ended")}";
            text.Append(CultureInfo.InvariantCulture, $"{policy.PadRight(width)}  {Of(policy).Count(),6}  {PerMonth(policy),7:0.0}  {OpenFor(policy).TotalHours,6:0.0} h  {when}\n");
        }

        return text.ToString();
    }

    private IEnumerable<SimulatedAlert> Of(string? policy) => policy is null ? Alerts : Alerts.Where(a => a.Policy == policy);
}

/// <summary>What two sets of policies would have raised on the same signals.</summary>
/// <param name="Before">The first set.</param>
/// <param name="After">The second set.</param>
/// <param name="Lost">Alerts of the first set that the second has none for about the same thing at the same time.</param>
/// <param name="Won">Alerts of the second set that the first has none for.</param>
public sealed record SimulationComparison(SimulationResult Before, SimulationResult After, IReadOnlyList<SimulatedAlert> Lost, IReadOnlyList<SimulatedAlert> Won);
