using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Mlops.Sdk.Monitoring;

/// <summary>What a span of signals means for a model's alerts: entries to write, and where its series stand then. Pure, so that it can be decided at the end of the ledger.</summary>
/// <param name="Drafts">Alerts raised and closed.</param>
/// <param name="Series">How series changed.</param>
internal sealed record AlertDecision(IReadOnlyList<LedgerDraft> Drafts, IReadOnlyList<SeriesDelta> Series)
{
    internal const string ResourceKind = "model";
    private const int MostNumbers = 40;

    /// <summary>Decides.</summary>
    /// <param name="state">Where the model stands.</param>
    /// <param name="policies">The model's policies.</param>
    /// <param name="signals">What was measured, ordered by time.</param>
    /// <param name="source">The id of the window or report: the same one never raises an alert twice.</param>
    /// <param name="causes">What changed most.</param>
    /// <param name="now">The time.</param>
    /// <param name="actor">Who; null for the current actor.</param>
    /// <param name="report">The comparison with the reference, for alerts about drift; null without a window.</param>
    internal static AlertDecision Of(AlertBook.ModelState state, IReadOnlyList<AlertPolicy> policies, IReadOnlyList<MonitorSignal> signals, string source, IReadOnlyList<AlertCause> causes, DateTimeOffset now, Actor? actor, DriftReport? report = null)
    {
        var judge = new AlertJudge(state.StateOf);
        var drafts = new List<LedgerDraft>();
        var series = new List<SeriesDelta>();
        var raised = new HashSet<string>(StringComparer.Ordinal);
        foreach (AlertPolicy policy in policies)
        {
            // each span in its turn, so that a quorum counts the signals of one span
            foreach (IGrouping<DateTimeOffset, MonitorSignal> span in signals.GroupBy(s => s.To))
            {
                foreach (Judgement judged in judge.Judge(policy, [.. span], now))
                {
                    if (judged.Changed)
                    {
                        series.Add(judged.Delta);
                    }

                    if (judged.Move is SeriesMove.Raised or SeriesMove.Repeated)
                    {
                        string id = IdOf(judged, source, raised);
                        drafts.Add(Raising(judged, id, source, causes, state, now, actor, report));
                        judge.Set(judged.Key, judge.StateOf(judged.Key).Raise(id, now));
                    }
                    else if (judged.Move == SeriesMove.Resolved && judge.StateOf(judged.Key).AlertId is { } open)
                    {
                        int calm = state.StateOf(judged.Key).Calm + 1;
                        drafts.Add(Closing(open, judged.Signal.Model, judged.Key.Version, $"{calm} {(policy.Name == AlertPolicy.DriftName ? "stable" : "calm")} windows in a row.", actor));
                        judge.Set(judged.Key, judge.StateOf(judged.Key).Close());
                    }
                }
            }
        }

        return new AlertDecision(drafts, series);
    }

    internal static LedgerDraft Closing(string alert, string model, int version, string reason, Actor? actor) =>
        Draft(MonitoringKinds.AlertClosed, model, version, reason, new AlertClosedNote(alert, model, version), MonitoringJson.Default.AlertClosedNote, actor) with
        {
            Id = $"alert_closed:{alert}",
            Correlation = alert,
        };

    internal static LedgerDraft Draft<T>(string kind, string model, int? version, string reason, T note, JsonTypeInfo<T> type, Actor? actor) =>
        new(kind, new LedgerResource(ResourceKind, model, version), Shorten(reason), JsonSerializer.SerializeToElement(note, type)) { Actor = actor };

    private static string Shorten(string reason)
    {
        const int longest = 2_000;
        return reason.Length <= longest ? reason : string.Concat(reason.AsSpan(0, char.IsHighSurrogate(reason[longest - 1]) ? longest - 1 : longest), "...");
    }

    /// <summary>The id of what raised it makes the alert's: the same window never raises two.</summary>
    private static string IdOf(Judgement judged, string source, HashSet<string> raised)
    {
        string id = source;
        if (judged.Policy.Name != AlertPolicy.DriftName || judged.Key.Segment is not null)
        {
            byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{judged.Key.Policy}\n{judged.Key.Version}\n{judged.Key.Segment}\n{judged.Key.Signal}\n{judged.Signal.To.UtcTicks}"));
            id = $"{source}-{Convert.ToHexStringLower(hash.AsSpan(0, 6))}";
        }

        return raised.Add(id) ? id : $"{id}-{raised.Count}";
    }

    private static LedgerDraft Raising(Judgement judged, string id, string source, IReadOnlyList<AlertCause> causes, AlertBook.ModelState state, DateTimeOffset now, Actor? actor, DriftReport? report)
    {
        MonitorSignal signal = judged.Signal;
        AlertRule rule = judged.Policy.Rule;
        bool drift = judged.Policy.Name == AlertPolicy.DriftName && report is not null;
        string message = drift ? report!.Summary : AlertJudge.Say(judged);
        var facts = new AlertFacts(id, signal.Model, signal.Version, judged.Policy.Name, message, drift ? NumbersOf(report!) : NumbersOf(judged))
        {
            Policy = judged.Policy.Digest,
            Severity = rule.Severity,
            Signal = judged.Key.Signal,
            Segment = signal.Segment,
            WindowId = source,
            From = signal.From,
            To = signal.To,
            Causes = causes.Count > 0 ? [.. causes.Where(c => double.IsFinite(c.Weight)).Take(MonitorAlert.MostCauses)] : null,
            Owner = rule.Owner,
            Description = rule.Description,
            RunBook = rule.RunBook,
        };
        facts = facts with { Silenced = facts.ToAlert(now) is { } alert && state.IsSilenced(alert, now) };
        return Draft(LedgerKinds.AlertRaised, signal.Model, signal.Version, message, facts, MonitoringJson.Default.AlertFacts, actor) with
        {
            Id = $"alert:{id}",
            Correlation = id,
        };
    }

    private static SortedDictionary<string, double> NumbersOf(Judgement judged)
    {
        var numbers = new SortedDictionary<string, double>(StringComparer.Ordinal) { ["value"] = judged.Signal.Value, ["rows"] = judged.Signal.Rows };
        Add("low", judged.Signal.Low);
        Add("high", judged.Signal.High);
        Add("reference", judged.Signal.Reference);
        Add("p_value", judged.Signal.PValue);
        Add("level", judged.Policy.Rule.Level);
        if (judged.Policy.Rule.IsQuorum)
        {
            foreach (MonitorSignal broken in judged.Broken.Take(MostNumbers / 2))
            {
                numbers[broken.Name] = broken.Value;
            }
        }

        return numbers;

        void Add(string name, double? value)
        {
            if (value is { } v)
            {
                numbers[name] = v;
            }
        }
    }

    private static SortedDictionary<string, double> NumbersOf(DriftReport report)
    {
        var numbers = new SortedDictionary<string, double>(StringComparer.Ordinal)
        {
            ["rows"] = report.Rows,
            ["drifted"] = report.Drifted,
            ["judged"] = report.Judged,
        };
        foreach (FeatureDrift feature in report.Features.Where(f => f.Status == DriftStatus.Drifted).Take(MostNumbers / 2))
        {
            numbers[$"psi.{feature.Name}"] = feature.Psi;
            foreach (ShareChange share in feature.Shares.Where(s => s.Status == DriftStatus.Drifted))
            {
                numbers[$"{share.Kind.ToString().ToLowerInvariant()}.{feature.Name}"] = share.Current - share.Reference;
            }
        }

        return numbers;
    }
}
