namespace Mlops.Sdk.Monitoring.Tests;

public sealed class AlertPolicyTests
{
    [Fact]
    public void A_value_below_its_level_raises_and_three_calm_windows_end_it() =>
        Assert.Equal(["2-5", "6-"], Signal.Spans(Policy(p => p.Below(0.8).DampFlapping(null)), 0.9, 0.7, 0.8, 0.9, 0.9, 0.6, 0.9));

    [Fact]
    public void Between_the_level_and_the_clear_level_windows_neither_count_nor_break_the_row() =>
        Assert.Equal(["1-6"], Signal.Spans(Policy(p => p.Below(0.8).ClearAt(0.85).ClearAfter(2)), 0.7, 0.82, 0.9, 0.84, 0.82, 0.86));

    [Fact]
    public void Two_of_three_windows_must_break_it()
    {
        AlertPolicy policy = Policy(p => p.Below(0.8).For(2, outOf: 3));
        Assert.Empty(Signal.Spans(policy, 0.7, 0.9, 0.9, 0.7, 0.9, 0.9));
        Assert.Equal(["3-"], Signal.Spans(policy, 0.7, 0.9, 0.7, 0.9));
        Assert.Equal(["2-"], Signal.Spans(policy, 0.7, 0.7));
    }

    [Fact]
    public void The_whole_interval_must_be_outside_the_reference()
    {
        AlertPolicy policy = Policy(p => p.OutsideReference(0.05));
        Assert.Equal(["2-4", "4-"], Signal.Spans(policy, [
            Signal.At(1, 0.7, reference: 0.8, low: 0.6, high: 0.8), // unsure
            Signal.At(2, 0.7, reference: 0.8, low: 0.66, high: 0.74),
            Signal.At(3, 0.7),
            Signal.At(4, 0.9, reference: 0.8, version: 2), // ends what was about version 1
        ]));
    }

    [Fact]
    public void A_band_is_made_of_usual_values_and_does_not_follow_what_breaks_it()
    {
        AlertPolicy policy = Policy(p => p.OutsideBand(3, windows: 5).ClearAfter(2));
        Assert.Equal(["7-10"], Signal.Spans(policy, 10, 11, 10, 9, 10, 10, 14, 14, 10, 10));
        Assert.Empty(Signal.Spans(policy, 10, 11, 10, 9, 14, 10)); // the band is not there before five usual values are
        Assert.Equal(["6-"], Signal.Spans(policy, 5, 5, 5, 5, 5, 5.001)); // what never moved
    }

    [Fact]
    public void A_change_is_judged_against_the_value_some_windows_ago()
    {
        AlertPolicy policy = Policy(p => p.Changed(0.2, windows: 2).ClearAfter(1));
        Assert.Equal(["4-6"], Signal.Spans(policy, 100, 110, 119, 133, 143, 150));
        Assert.Equal(["2-"], Signal.Spans(Policy(p => p.Changed(0.2)), 100, 79));
    }

    [Fact]
    public void Effect_without_significance_and_significance_without_effect_raise_nothing()
    {
        AlertPolicy policy = Policy(p => p.On("drift.psi:*").Above(0.25).Significant(0.01));
        Assert.Empty(Signal.Spans(policy, [Signal.At(1, 0.9, "drift.psi:age", p: 0.02), Signal.At(2, 0.1, "drift.psi:age", p: 1e-9), Signal.At(3, 0.9, "drift.psi:age")]));
        Assert.Equal(["1-"], Signal.Spans(policy, [Signal.At(1, 0.9, "drift.psi:age", p: 0.01)]));
    }

    [Fact]
    public void A_quorum_counts_the_signals_of_one_span()
    {
        AlertPolicy policy = Policy(p => p.On("drift.psi:*").Above(0.25).Quorum(2, share: 0.5));
        MonitorSignal[] Span(int minute, params double[] psi) => [.. psi.Select((v, i) => Signal.At(minute, v, $"drift.psi:f{i}"))];
        Assert.Empty(Signal.Spans(policy, [.. Span(1, 0.9, 0, 0, 0), .. Span(2, 0, 0.9, 0, 0), .. Span(3, 0.9, 0.9, 0, 0, 0)]));
        SimulatedAlert alert = Assert.Single(AlertSimulation.Run([policy], [.. Span(1, 0.9, 0.5, 0, 0)]).Alerts);
        Assert.Equal(("drift.psi:*", 2d), (alert.Signal, alert.Worst));
        Assert.Contains("drift.psi:f0 = 0.9, drift.psi:f1 = 0.5", alert.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Segments_are_judged_each_on_its_own_and_only_when_asked_for()
    {
        MonitorSignal[] signals = [Signal.At(1, 0.7, segment: "country=SE"), Signal.At(1, 0.9, segment: "country=NO"), Signal.At(1, 0.6, segment: "route=a")];
        Assert.Empty(AlertSimulation.Run([Policy(p => p.Below(0.8))], signals).Alerts);
        Assert.Equal("country=SE", Assert.Single(AlertSimulation.Run([Policy(p => p.Below(0.8).Segment("country=*"))], signals).Alerts).Segment);
    }

    [Fact]
    public void Flapping_needs_more_and_more_calm_windows_to_end()
    {
        double[] values = [.. Enumerable.Repeat<double[]>([0.7, 0.9, 0.9], 6).SelectMany(v => v)];
        Assert.Equal(6, Signal.Spans(Policy(p => p.Below(0.8).ClearAfter(1).DampFlapping(null)), values).Length);
        Assert.Equal(["1-2", "4-6", "7-"], Signal.Spans(Policy(p => p.Below(0.8).ClearAfter(1)), values));
    }

    [Fact]
    public void Few_rows_are_left_out() =>
        Assert.Empty(AlertSimulation.Run([Policy(p => p.Below(0.8).FromRows(2000))], [Signal.At(1, 0.1)]).Alerts);

    [Theory]
    [InlineData("drift.psi:*", "drift.psi:age", true)]
    [InlineData("*", "anything", true)]
    [InlineData("drift.*:age", "drift.psi:age", true)]
    [InlineData("drift.psi:age", "drift.psi:ages", false)]
    [InlineData("*a*b*c", "xxaxxbxxc", true)]
    [InlineData("*a*b*c", "xxaxxcxxb", false)]
    [InlineData("a*", "", false)]
    public void Patterns_match_with_stars(string pattern, string name, bool expected) => Assert.Equal(expected, AlertJudge.Like(pattern, name));

    [Fact]
    public void Patterns_agree_with_regular_expressions() => Gen.Select(Gen.Char["ab*"].Array[0, 6], Gen.Char["ab"].Array[0, 8]).Sample((pattern, name) =>
        AlertJudge.Like(new string(pattern), new string(name))
        == System.Text.RegularExpressions.Regex.IsMatch(new string(name), $"^{new string(pattern).Replace("*", ".*", StringComparison.Ordinal)}$", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(5)));

    [Fact]
    public void Equal_rules_have_equal_digests_and_every_part_changes_it()
    {
        Action<AlertPolicyBuilder>[] parts =
        [
            _ => { }, p => p.Below(0.7), p => p.Above(9), p => p.ClearAt(0.85), p => p.OutsideReference(1), p => p.OutsideBand(), p => p.OutsideBand(2), p => p.Changed(0.1), p => p.Significant(),
            p => p.FalseAlarms(1, TimeSpan.FromMinutes(5)), p => p.For(2), p => p.For(2, 3), p => p.ClearAfter(9), p => p.FromRows(5), p => p.Segment("a=*"), p => p.Severity(AlertSeverity.Critical),
            p => p.Owner("a"), p => p.Owner("a", "b"), p => p.Owner("a", "b", "c"), p => p.EscalateAfter(TimeSpan.FromHours(1)), p => p.RemindEvery(TimeSpan.FromHours(1)), p => p.DampFlapping(null), p => p.Quorum(3), p => p.On("x"),
        ];
        AlertPolicy[] policies = [.. parts.Select(part => Policy(p => part(p.Below(0.8))))];
        Assert.Equal(parts.Length, policies.Select(p => p.Digest).Distinct().Count());
        Assert.Equal(policies[5].Digest, Policy(p => p.OutsideBand().Below(0.8)).Digest);
        Assert.Equal("auc: performance.roc_auc; below 0.8; in 1 of 1 windows; ends after 3 calm windows; Warning; damped within 1.00:00:00", policies[0].ToString());
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "condition", "x" }, { "signal", "x" }, { "ClearAt", "x" }, { "64 windows", "x" }, { "finite", "x" }, { "significance", "x" }, { "budget", "x" }, { "quorum", "x" }, { "1 minute", "x" }, { "name", "Bad Name" }, { "name", "drift" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_contradicts_itself_is_refused_and_named(string part, string name)
    {
        MlopsException error = Assert.Throws<MlopsException>(() => AlertPolicy.Create(name, p => _ = part switch
        {
            "condition" => p.On("x"),
            "signal" => p.Below(1),
            "ClearAt" => p.On("x").Below(1).ClearAt(0.5),
            "64 windows" => p.On("x").Below(1).For(3, 65),
            "finite" => p.On("x").Below(double.NaN),
            "significance" => p.On("x").Significant(2),
            "budget" => p.On("x").FalseAlarms(0, TimeSpan.FromHours(1)),
            "quorum" => p.On("x").OutsideBand().Quorum(2),
            "1 minute" => p.On("x").Below(1).EscalateAfter(TimeSpan.FromSeconds(1)),
            _ => p.On("x").Below(1),
        }));
        Assert.Equal("monitoring.invalid_policy", error.Code);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_watch_refuses_two_policies_of_one_name_and_retraining_on_one_that_is_not_there()
    {
        AlertPolicy policy = Policy(p => p.Below(0.8));
        Assert.Equal("monitoring.invalid_policy", Assert.Throws<MlopsException>(() => new WatchBuilder("m").Alert(policy).Alert(policy)).Code);
        Assert.Contains("its policies are: auc, drift", Assert.Throws<MlopsException>(() => new WatchBuilder("m").Alert(policy).RetrainWhen(["auk"]).Build()).Message, StringComparison.Ordinal);
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => new WatchBuilder("m").RetrainWhen([], o => o.MostPerDay = 0)).Code);
    }

    [Fact]
    public void Every_move_is_a_legal_one() => Gen.Select(Gen.Int[1, 4], Gen.Int[0, 4], Gen.Int[1, 4], Gen.Double[0, 1].Array[1, 60]).Sample((breaches, more, clear, values) =>
    {
        AlertPolicy policy = Policy(p => p.Above(0.6).ClearAt(0.4).For(breaches, breaches + more).ClearAfter(clear));
        var judge = new AlertJudge(_ => SeriesState.Empty);
        AlertState before = AlertState.Ok;
        bool open = false;
        foreach (MonitorSignal signal in Signal.Series(values))
        {
            Judgement judged = Assert.Single(judge.Judge(policy, [signal], signal.To));
            AlertState after = judged.Delta.Phase;
            bool legal = (before, after, judged.Move) switch
            {
                (AlertState.Ok or AlertState.Pending, AlertState.Ok or AlertState.Pending, SeriesMove.None) => !open,
                (AlertState.Ok or AlertState.Pending, AlertState.Firing, SeriesMove.Raised) => !open,
                (AlertState.Firing or AlertState.Resolving, AlertState.Firing or AlertState.Resolving, SeriesMove.None) => open,
                (AlertState.Firing or AlertState.Resolving, AlertState.Ok, SeriesMove.Resolved) => open && signal.Value <= 0.4,
                _ => false,
            };
            Assert.True(legal, $"{before} -> {after} by {judged.Move}");
            open = judged.Move switch { SeriesMove.Raised => true, SeriesMove.Resolved => false, _ => open };
            if (judged.Move == SeriesMove.Raised)
            {
                judge.Set(judged.Key, judge.StateOf(judged.Key).Raise("a", signal.To));
            }
            else if (judged.Move == SeriesMove.Resolved)
            {
                judge.Set(judged.Key, judge.StateOf(judged.Key).Close());
            }

            before = after;
        }
    });

    private static AlertPolicy Policy(Action<AlertPolicyBuilder> configure) => AlertPolicy.Create("auc", p => configure(p.On("performance.roc_auc")));
}
