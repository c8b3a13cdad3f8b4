using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class TableComparisonTests
{
    private static readonly Table Reference = Make(1, 3000);

    [Fact]
    public void Two_tables_of_one_world_are_stable_and_a_shift_is_found_by_name()
    {
        #region compare-tables
        DriftReport same = DriftDetector.Compare(Reference, Make(2, 2000));
        DriftReport moved = DriftDetector.Compare(Reference, Make(3, 2000, shift: 0.8));
        FeatureDrift most = moved.Features[0];
        #endregion
        Assert.Equal((DriftStatus.Stable, DriftStatus.Drifted), (same.Status, moved.Status));
        Assert.Equal(("age", DriftStatus.Drifted), (most.Name, most.Status));
        Assert.Equal((3000, 2000), (moved.ReferenceRows, moved.Rows));
        Assert.Equal([DriftMethod.PopulationStability, DriftMethod.ChiSquare], most.Statistics.Select(s => s.Method));
        Assert.Equal(most.Psi, most.Statistics[0].Value);
    }

    [Fact]
    public void A_reference_sorted_once_gives_the_same_report_as_the_table()
    {
        #region reuse-reference
        DriftReference reference = DriftReference.Of(Reference);
        DriftReport monday = DriftDetector.Compare(reference, Make(4, 1000));
        DriftReport tuesday = DriftDetector.Compare(reference, Make(5, 1000));
        #endregion
        Assert.Equal(DriftDetector.Compare(Reference, Make(4, 1000)).ToJson(), monday.ToJson());
        Assert.Equal(DriftStatus.Stable, tuesday.Status);
    }

    [Fact]
    public void Features_have_methods_of_their_own_and_further_measures_where_asked_for()
    {
        #region choose-methods
        var options = new DriftOptions
        {
            Choices =
            {
                ["age"] = new DriftChoice { Method = DriftMethod.KolmogorovSmirnov },
                ["plan"] = new DriftChoice { Method = DriftMethod.TotalVariation, Threshold = 0.05 },
            },
            Measures = { DriftMethod.NormalizedWasserstein, DriftMethod.Energy },
        };
        #endregion
        DriftReport report = DriftDetector.Compare(Reference, Make(3, 2000, shift: 0.15), options);
        FeatureDrift age = report.Of("age");
        Assert.Equal([DriftMethod.KolmogorovSmirnov, DriftMethod.NormalizedWasserstein, DriftMethod.Energy], age.Statistics.Select(s => s.Method));
        Assert.True(age.Statistics[0] is { Drifted: true, Threshold: 0.05, PValueKind: PValueKind.Exact, Basis: DriftBasis.Samples });
        Assert.True(age.Psi < 0.1); // the default rule would let it pass
        Assert.Equal([DriftMethod.TotalVariation], report.Of("plan").Statistics.Select(s => s.Method)); // no distance between texts
    }

    [Fact]
    public void Evidentlys_rule_takes_one_method_by_type_and_size()
    {
        #region evidently-rule
        var options = new DriftOptions { Selection = DriftSelection.BySize };
        #endregion
        DriftMethod[] Methods(DriftReport report) => [.. report.Features.OrderBy(f => f.Name, StringComparer.Ordinal).Select(f => f.Statistics[0].Method)];
        Assert.Equal([DriftMethod.NormalizedWasserstein, DriftMethod.NaturalJensenShannon, DriftMethod.NaturalJensenShannon], Methods(DriftDetector.Compare(Reference, Make(2, 500), options)));
        Assert.Equal([DriftMethod.KolmogorovSmirnov, DriftMethod.ShareZ, DriftMethod.ChiSquare], Methods(DriftDetector.Compare(Make(1, 1000), Make(2, 500), options)));
        // one of three features is not half of them
        Assert.Equal(DriftStatus.Watch, DriftDetector.Compare(Reference, Make(3, 2000, shift: 1), options).Status);
    }

    [Fact]
    public void Labels_and_predictions_keep_their_roles_and_times_are_not_judged()
    {
        DriftReport report = DriftDetector.Compare(
            new Table([new NumberColumn("label", new double[300]), new TimeColumn("when", [.. Enumerable.Range(0, 300).Select(i => (long)i)])]),
            new Table([new NumberColumn("label", [.. Enumerable.Repeat(1.0, 300)]), new TimeColumn("when", [.. Enumerable.Range(0, 300).Select(i => 1L << 50)])]),
            roles: new Dictionary<string, FeatureRole>(StringComparer.Ordinal) { ["label"] = FeatureRole.Label });
        Assert.Equal((FeatureRole.Label, DriftStatus.Drifted), (report.Of("label").Role, report.Of("label").Status));
        Assert.Equal(DriftStatus.Ignored, report.Of("when").Status);
    }

    [Fact]
    public void A_column_that_lost_all_its_values_is_missing_throughout_and_one_that_is_gone_is_refused()
    {
        Table gone = new([new TextColumn("age", [.. Enumerable.Repeat(-1, 500)], []), .. Make(2, 500).Columns.Skip(1)]);
        ShareChange missing = Assert.Single(DriftDetector.Compare(Reference, gone).Of("age").Shares);
        Assert.Equal((ShareKind.Missing, 1.0, DriftStatus.Drifted), (missing.Kind, missing.Current, missing.Status));
        MlopsDataException error = Assert.Throws<MlopsDataException>(() => DriftDetector.Compare(Reference, new Table([.. Make(2, 500).Columns.Skip(1)])));
        Assert.Equal("monitoring.columns_differ", error.Code);
        Assert.Contains("age", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_is_also_signals()
    {
        #region drift-signals
        DriftReport report = DriftDetector.Compare(Reference, Make(3, 2000, shift: 0.8)) with { Model = "churn", Version = 3 };
        IReadOnlyList<MonitorSignal> signals = DriftSignals.Of(report);
        MonitorSignal psi = signals.Single(s => s.Name == "drift.psi:age");
        #endregion
        Assert.Equal(("churn", 3, report.Of("age").Psi), (psi.Model, psi.Version, psi.Value));
        Assert.Equal(report.Of("age").AdjustedPValue, psi.PValue);
        Assert.Equal(report.Drifted / 3.0, signals.Single(s => s.Name == "drift.share_drifted").Value);
        Assert.Contains(signals, s => s.Name == "drift.chi_square:age");
    }

    [Fact]
    public void A_choice_without_a_threshold_is_refused_where_the_method_has_none() =>
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() =>
            DriftDetector.Compare(Reference, Reference, new DriftOptions { Choices = { ["age"] = new DriftChoice { Method = DriftMethod.Wasserstein } } })).Code);

    private static Table Make(int seed, int rows, double shift = 0)
    {
        var random = new Random(seed);
        return new Table(
        [
            new NumberColumn("age", [.. Enumerable.Range(0, rows).Select(_ => shift + (2 * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5)))]),
            new NumberColumn("member", [.. Enumerable.Range(0, rows).Select(_ => random.Next(2) * 1.0)]),
            new TextColumn("plan", [.. Enumerable.Range(0, rows).Select(_ => Math.Min(random.Next(4), 2))], ["basic", "plus", "pro"]),
        ]);
    }
}
