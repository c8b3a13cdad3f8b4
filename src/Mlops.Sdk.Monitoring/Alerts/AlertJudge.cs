using System.Globalization;
using System.Numerics;

namespace Mlops.Sdk.Monitoring;

/// <summary>What came of judging one series with one policy.</summary>
internal sealed record Judgement(AlertPolicy Policy, SeriesKey Key, MonitorSignal Signal, Verdict Verdict, SeriesMove Move, SeriesDelta Delta, bool Changed, IReadOnlyList<MonitorSignal> Broken);

/// <summary>Judges signals by policies: pure, so that the ledger, a simulation and a test decide alike.</summary>
/// <param name="stateOf">Finds where a series stands before the first signal.</param>
internal sealed class AlertJudge(Func<SeriesKey, SeriesState> stateOf)
{
    private readonly Dictionary<SeriesKey, SeriesState> _states = [];

    internal SeriesState StateOf(SeriesKey key) => _states.TryGetValue(key, out SeriesState? state) ? state : stateOf(key);

    internal void Set(SeriesKey key, SeriesState state) => _states[key] = state;

    /// <summary>Judges the signals of one span by one policy, in order.</summary>
    internal List<Judgement> Judge(AlertPolicy policy, IReadOnlyList<MonitorSignal> signals, DateTimeOffset now)
    {
        AlertRule rule = policy.Rule;
        MonitorSignal[] matching = [.. signals.Where(s => s.Rows >= rule.MinimumRows && double.IsFinite(s.Value) && Matches(rule, s))];
        var found = new List<Judgement>();
        if (matching.Length == 0)
        {
            return found;
        }

        if (!rule.IsQuorum)
        {
            foreach (MonitorSignal signal in matching)
            {
                var key = new SeriesKey(policy.Name, signal.Version, signal.Segment, signal.Name);
                Verdict verdict = VerdictOf(rule, signal, StateOf(key));
                found.Add(Step(policy, key, signal, verdict, verdict == Verdict.Breach ? [signal] : [], now));
            }

            return found;
        }

        foreach (IGrouping<(int Version, string? Segment, DateTimeOffset To), MonitorSignal> group in matching.GroupBy(s => (s.Version, s.Segment, s.To)))
        {
            MonitorSignal[] broken = [.. group.Where(s => VerdictOf(rule, s, SeriesState.Empty) == Verdict.Breach).OrderByDescending(s => s.Value)];
            int all = group.Count();
            bool breach = broken.Length >= (rule.Quorum ?? 1) && broken.Length >= (rule.QuorumShare ?? 0) * all;
            MonitorSignal counted = group.First() with { Name = rule.Signal, Value = broken.Length, Rows = group.Max(s => s.Rows), Low = null, High = null, PValue = null, Reference = null };
            found.Add(Step(policy, new SeriesKey(policy.Name, group.Key.Version, group.Key.Segment, rule.Signal), counted, breach ? Verdict.Breach : Verdict.Calm, breach ? broken : [], now));
        }

        return found;
    }

    /// <summary>Says what was found, for a person.</summary>
    internal static string Say(Judgement judged)
    {
        AlertRule rule = judged.Policy.Rule;
        MonitorSignal signal = judged.Signal;
        string what = rule.IsQuorum
            ? $"{signal.Value:0} of the signals {rule.Signal} break the policy: {string.Join(", ", judged.Broken.Take(3).Select(b => $"{b.Name} = {Number(b.Value)}"))}{(judged.Broken.Count > 3 ? ", ..." : string.Empty)}"
            : $"{signal.Name} is {Number(signal.Value)}{Wanted(rule)}";
        string where = signal.Segment is null ? string.Empty : $" for {signal.Segment}";
        string interval = signal is { Low: { } low, High: { } high } ? $", 95 % interval {Number(low)} to {Number(high)}" : string.Empty;
        string reference = signal.Reference is { } r ? $", reference {Number(r)}" : string.Empty;
        string p = signal.PValue is { } pv ? $", p = {pv.ToString("0.##e+0", CultureInfo.InvariantCulture)}" : string.Empty;
        string windows = rule.OutOf > 1 ? string.Create(CultureInfo.InvariantCulture, $" in {BitOperations.PopCount(judged.Delta.Hits)} of the last {rule.OutOf} windows") : string.Empty;
        return string.Create(CultureInfo.InvariantCulture, $"{what}{where}{windows}{interval}{reference}{p}, over {signal.Rows} rows.");
    }

    internal static bool Like(string pattern, string text)
    {
        // greedy wild cards: linear for one star, and never worse than pattern times text
        int p = 0, t = 0, star = -1, mark = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, mark, p) = (p, t, p + 1);
            }
            else if (p < pattern.Length && pattern[p] == text[t])
            {
                (p, t) = (p + 1, t + 1);
            }
            else if (star >= 0)
            {
                (p, t, mark) = (star + 1, mark + 1, mark + 1);
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*')
        {
            p++;
        }

        return p == pattern.Length;
    }

    private static string Wanted(AlertRule rule)
    {
        List<string> wanted = [];
        Add(rule.Above, "above");
        Add(rule.Below, "below");
        Add(rule.Margin, "outside its reference by more than");
        Add(rule.BandDeviations, "outside its usual band, in standard deviations");
        Add(rule.ChangeBy, "changed by more than the share");
        return wanted.Count == 0 ? string.Empty : $" ({string.Join(", ", wanted)})";

        void Add(double? value, string how)
        {
            if (value is { } v)
            {
                wanted.Add($"{how} {Number(v)}");
            }
        }
    }

    private static string Number(double value) => value.ToString("G5", CultureInfo.InvariantCulture);

    private static bool Matches(AlertRule rule, MonitorSignal signal) =>
        Like(rule.Signal, signal.Name) && (rule.Segment is null ? signal.Segment is null : signal.Segment is not null && Like(rule.Segment, signal.Segment));

    private static Verdict VerdictOf(AlertRule rule, MonitorSignal signal, SeriesState state)
    {
        double value = signal.Value;
        bool breach = true;
        bool unknown = false;
        breach &= rule.Above is not { } above || value > above;
        breach &= rule.Below is not { } below || value < below;
        breach &= rule.Level is not { } level || signal.PValue <= level;
        if (rule.Margin is { } margin)
        {
            breach &= signal.Reference is { } reference && ((signal.Low ?? value) > reference + margin || (signal.High ?? value) < reference - margin);
        }

        if (rule.BandDeviations is { } deviations)
        {
            unknown |= state.Usual.Length < rule.BandWindows;
            breach &= !unknown && IsOutside(state.Usual.AsSpan()[^Math.Min(state.Usual.Length, rule.BandWindows)..], value, deviations);
        }

        if (rule.ChangeBy is { } by)
        {
            bool early = state.Recent.Length < rule.ChangeOver;
            unknown |= early;
            breach &= !early && Math.Abs(value - state.Recent[^rule.ChangeOver]) > by * Math.Abs(state.Recent[^rule.ChangeOver]);
        }

        return breach ? Verdict.Breach
            : unknown ? Verdict.Neutral
            : rule.ClearAt is not { } clear || (rule.Above is not null ? value <= clear : value >= clear) ? Verdict.Calm
            : Verdict.Neutral;
    }

    /// <summary>Tells whether a value is outside mean ± k sample standard deviations; of values that never differ, any other value is.</summary>
    private static bool IsOutside(ReadOnlySpan<double> usual, double value, double deviations)
    {
        double mean = 0;
        foreach (double v in usual)
        {
            mean += v / usual.Length;
        }

        double squares = 0;
        foreach (double v in usual)
        {
            squares += (v - mean) * (v - mean);
        }

        double slack = 1e-12 * Math.Abs(mean); // of rounding
        return Math.Abs(value - mean) > (deviations * Math.Sqrt(squares / (usual.Length - 1))) + slack;
    }

    /// <summary>Ok → pending → firing → resolving → ok: every move there is.</summary>
    private Judgement Step(AlertPolicy policy, SeriesKey key, MonitorSignal signal, Verdict verdict, IReadOnlyList<MonitorSignal> broken, DateTimeOffset now)
    {
        AlertRule rule = policy.Rule;
        SeriesState before = StateOf(key);
        bool breach = verdict == Verdict.Breach;
        ulong hits = ((before.Hits << 1) | (breach ? 1ul : 0)) & (rule.OutOf >= 64 ? ulong.MaxValue : (1ul << rule.OutOf) - 1);
        int calm = 0;
        AlertState phase;
        SeriesMove move = SeriesMove.None;
        if (before.Phase is AlertState.Firing or AlertState.Resolving)
        {
            calm = verdict switch { Verdict.Breach => 0, Verdict.Calm => before.Calm + 1, _ => before.Calm };
            phase = breach ? AlertState.Firing : calm > 0 ? AlertState.Resolving : before.Phase;
            if (calm >= Needed(rule, before, now) && verdict == Verdict.Calm)
            {
                (phase, move, hits, calm) = (AlertState.Ok, SeriesMove.Resolved, 0, 0);
            }
            else if (breach && rule.RepeatAfter is { } after && before.Raised.Length > 0 && now - before.Raised[^1] >= after)
            {
                move = SeriesMove.Repeated;
            }
        }
        else if (breach && BitOperations.PopCount(hits) >= rule.Breaches)
        {
            (phase, move) = (AlertState.Firing, SeriesMove.Raised);
        }
        else
        {
            phase = hits == 0 ? AlertState.Ok : AlertState.Pending;
        }

        var delta = new SeriesDelta(key.Policy, key.Signal, key.Version, phase, hits, calm)
        {
            Segment = key.Segment,
            Recent = rule.ChangeBy is null ? null : signal.Value,
            KeepRecent = rule.ChangeBy is null ? 0 : rule.ChangeOver,
            Usual = rule.BandDeviations is null || breach ? null : signal.Value,
            KeepUsual = rule.BandDeviations is null || breach ? 0 : rule.BandWindows,
        };
        SeriesState next = before.Apply(delta);
        Set(key, next);
        return new Judgement(policy, key, signal, verdict, move, delta, delta.Recent is not null || delta.Usual is not null || next != before, broken);
    }

    private static int Needed(AlertRule rule, SeriesState state, DateTimeOffset now)
    {
        int earlier = rule.FlapWithin is { } within ? state.Raised.Count(r => now - r <= within) - 1 : 0;
        return rule.ClearAfter << Math.Clamp(earlier, 0, 4);
    }
}
