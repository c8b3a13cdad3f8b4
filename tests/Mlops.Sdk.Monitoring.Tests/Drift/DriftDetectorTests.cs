using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class DriftDetectorTests
{
    private static readonly ReferenceProfile Reference = ReferenceProfile.Of(TestData.Sample(1, 8000));

    [Fact]
    public void Rows_of_the_same_world_are_stable()
    {
        DriftReport report = TestData.Compare(Reference, TestData.Sample(2, 3000));
        Assert.Equal(DriftStatus.Stable, report.Status);
        Assert.All(report.Features, f => Assert.Equal(DriftStatus.Stable, f.Status));
        Assert.Equal("No drift: 3 features, 3000 rows.", report.Summary);
    }

    [Fact]
    public void Missing_values_that_grow_are_drift_even_though_the_values_are_as_before()
    {
        DriftReport report = TestData.Compare(Reference, TestData.Sample(3, 3000, missing: 0.34));
        FeatureDrift speed = report.Of("Speed");
        Assert.Equal((DriftStatus.Drifted, DriftStatus.Drifted), (report.Status, speed.Status));
        Assert.True(speed.Psi < 0.02);
        ShareChange missing = Assert.Single(speed.Shares);
        Assert.Equal(ShareKind.Missing, missing.Kind);
        Assert.InRange(missing.Reference, 0.10, 0.14);
        Assert.InRange(missing.Current, 0.31, 0.37);
        Assert.True(missing.PValue < 1e-50);
        Assert.StartsWith("missing 12", speed.Change, StringComparison.Ordinal);
        Assert.Equal("Speed", report.Features[0].Name);
    }

    [Fact]
    public void A_shift_of_a_number_is_found_with_both_means()
    {
        FeatureDrift speed = TestData.Compare(Reference, TestData.Sample(3, 3000, mean: 125)).Of("Speed");
        Assert.Equal(DriftStatus.Drifted, speed.Status);
        Assert.InRange(speed.Psi, 0.5, 3);
        Assert.InRange(speed.Mean!.Value - speed.ReferenceMean!.Value, 22, 28);
        Assert.InRange(speed.StandardDeviation!.Value, 18, 22);
        Assert.True(speed.KolmogorovSmirnov!.Value.Distance > 0.3);
        Assert.Contains("mean ", speed.Change, StringComparison.Ordinal);
    }

    [Fact]
    public void A_significant_change_too_small_to_matter_is_stable_at_a_million_rows()
    {
        FeatureDrift speed = TestData.Compare(Reference, TestData.Sample(3, 1_000_000, mean: 103)).Of("Speed");
        Assert.True(speed.AdjustedPValue < 1e-10);
        Assert.Equal(DriftStatus.Stable, speed.Status);
    }

    [Fact]
    public void A_change_between_the_thresholds_is_watched()
    {
        DriftReport report = TestData.Compare(Reference, TestData.Sample(3, 5000, mean: 108));
        Assert.InRange(report.Of("Speed").Psi, 0.1, 0.25);
        Assert.Equal((DriftStatus.Watch, DriftStatus.Watch), (report.Status, report.Of("Speed").Status));
    }

    [Fact]
    public void Five_rows_are_too_few_whatever_they_hold()
    {
        DriftReport report = TestData.Compare(Reference, TestData.Rows([1e9, 1e9, 1e9, 1e9, 1e9], ["X", "X", "X", "X", "X"]));
        Assert.Equal(DriftStatus.TooFew, report.Status);
        Assert.All(report.Features, f => Assert.Equal(DriftStatus.TooFew, f.Status));
        Assert.Equal("Too few rows to judge: 5 of at least 200.", report.Summary);
    }

    [Fact]
    public void New_categories_are_drift_and_counted_as_unseen()
    {
        FeatureDrift op = TestData.Compare(Reference, TestData.Sample(3, 3000, operators: ["ACME", "ACME", "ACME", "BIRD", "BIRD", "DOVE"])).Of("Operator");
        Assert.Equal(DriftStatus.Drifted, op.Status);
        Assert.Equal(ShareKind.Unseen, Assert.Single(op.Shares).Kind);
        Assert.InRange(op.Bins.Single(b => b.Label == DriftBin.Unseen).Current, 400, 600);
        Assert.Contains("unseen 0 % -> 1", op.Change, StringComparison.Ordinal);
    }

    [Fact]
    public void Categories_that_change_their_weights_are_drift()
    {
        FeatureDrift op = TestData.Compare(Reference, TestData.Sample(3, 3000, operators: ["ACME", "CROW", "CROW", "CROW", "BIRD", "BIRD"])).Of("Operator");
        Assert.Equal(DriftStatus.Drifted, op.Status);
        Assert.Empty(op.Shares);
    }

    [Fact]
    public void All_missing_is_drift_and_nothing_is_divided_by_zero()
    {
        DriftReport report = TestData.Compare(Reference, TestData.Rows(Enumerable.Repeat(double.NaN, 500).ToArray(), new string?[500]));
        Assert.All(report.Features, f => Assert.Equal(DriftStatus.Drifted, f.Status));
        Assert.All(report.Features, f => Assert.Equal((0d, 1d), (f.Psi, f.ChiSquare.PValue)));
        Assert.Null(report.Of("Speed").Mean);
    }

    [Fact]
    public void A_constant_is_stable_while_it_stays_and_drifts_when_it_moves()
    {
        double[] Constant(double value) => Enumerable.Repeat(value, 1000).ToArray();
        string?[] op = Enumerable.Repeat((string?)"A", 1000).ToArray();
        var constant = ReferenceProfile.Of(TestData.Rows(Constant(7), op));
        Assert.Equal((DriftStatus.Stable, 0d), (TestData.Compare(constant, TestData.Rows(Constant(7), op)).Status, TestData.Compare(constant, TestData.Rows(Constant(7), op)).Of("Speed").Psi));
        foreach (double other in (double[])[-7, 0, 6.999, 7.001, 1e30])
        {
            Assert.Equal(DriftStatus.Drifted, TestData.Compare(constant, TestData.Rows(Constant(other), op)).Of("Speed").Status);
        }
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.5)]
    [InlineData(0.95)]
    public void A_yes_or_no_is_compared_by_its_share_however_lopsided(double ones)
    {
        double[] Flags(double share) => [.. Enumerable.Range(0, 2000).Select(i => i % 100 < share * 100 ? 1d : 0d)];
        string?[] op = Enumerable.Repeat((string?)"A", 2000).ToArray();
        var profile = ReferenceProfile.Of(TestData.Rows(Flags(ones), op));
        Assert.Equal(DriftStatus.Stable, TestData.Compare(profile, TestData.Rows(Flags(ones), op)).Status);
        Assert.Equal(DriftStatus.Drifted, TestData.Compare(profile, TestData.Rows(Flags(ones > 0.6 ? 0.6 : 0.9), op)).Of("Speed").Status);
    }

    [Fact]
    public void Infinities_are_told_apart_and_left_out_of_the_distribution()
    {
        EncodedTable sane = TestData.Sample(5, 1000);
        double[] speed = [.. sane.Numbers[0].Select((v, i) => i % 4 == 0 ? double.PositiveInfinity : i % 50 == 1 ? double.NegativeInfinity : v)];
        EncodedTable wild = TestData.Rows(speed, [.. Enumerable.Range(0, 1000).Select(i => sane.Texts[0][i])], [.. sane.Numbers[1].Select(v => (double)v)]);
        FeatureDrift feature = TestData.Compare(Reference, wild).Of("Speed");
        Assert.Equal(DriftStatus.Drifted, feature.Status);
        Assert.Equal(0.27, feature.Shares.Single(s => s.Kind == ShareKind.Infinite).Current, 1e-9);
        Assert.True(feature.Psi < 0.1);
        Assert.True(double.IsFinite(feature.Mean!.Value));
    }

    [Fact]
    public void Ignored_features_are_reported_and_never_judged()
    {
        var options = new DriftOptions { Ignored = { "Speed" } };
        DriftReport report = TestData.Compare(Reference, TestData.Sample(3, 3000, mean: 200), options);
        Assert.Equal((DriftStatus.Stable, DriftStatus.Ignored), (report.Status, report.Of("Speed").Status));
        Assert.True(report.Of("Speed").Psi > 1);
        Assert.Equal("Speed", report.Features[^1].Name);
    }

    [Fact]
    public void How_many_features_make_an_alert_is_the_users_choice()
    {
        EncodedTable moved = TestData.Sample(3, 3000, mean: 200);
        Assert.Equal(DriftStatus.Drifted, TestData.Compare(Reference, moved).Status);
        Assert.Equal(DriftStatus.Watch, TestData.Compare(Reference, moved, alerts: new AlertOptions { Features = 2 }).Status);
        Assert.Equal(DriftStatus.Watch, TestData.Compare(Reference, moved, alerts: new AlertOptions { Share = 0.5 }).Status);
    }

    [Theory]
    [InlineData(700)]
    [InlineData(1500)]
    [InlineData(20_000)]
    public void A_text_with_very_many_values_does_not_drift_by_chance(int values)
    {
        string[] many = [.. Enumerable.Range(0, values).Select(i => $"city-{i}")];
        var profile = ReferenceProfile.Of(TestData.Sample(1, 8000, operators: many));
        for (int seed = 10; seed < 30; seed++)
        {
            FeatureDrift op = TestData.Compare(profile, TestData.Sample(seed, 400, operators: many)).Of("Operator");
            Assert.Equal(DriftStatus.Stable, op.Status);
        }
    }

    [Fact]
    public void A_rare_category_that_becomes_common_stands_alone()
    {
        string[] many = [.. Enumerable.Range(0, 500).Select(i => $"city-{i}")];
        var profile = ReferenceProfile.Of(TestData.Sample(1, 8000, operators: many));
        FeatureDrift op = TestData.Compare(profile, TestData.Sample(2, 400, operators: [.. many, .. Enumerable.Repeat("city-3", 500)])).Of("Operator");
        Assert.Equal(DriftStatus.Drifted, op.Status);
        Assert.Contains(op.Bins, b => b.Label == "city-3" && b.Current > 150);
    }

    [Fact]
    public void Stable_data_raises_hardly_any_false_alarm()
    {
        // 2,000 windows of three features each: with effect and significance together, at most 1 in 1,000 may alarm
        int alarms = 0;
        int watched = 0;
        for (int seed = 0; seed < 2000; seed++)
        {
            DriftReport report = TestData.Compare(Reference, TestData.Sample(1000 + seed, 200 + (seed % 5 * 100)));
            alarms += report.Status == DriftStatus.Drifted ? 1 : 0;
            watched += report.Status == DriftStatus.Watch ? 1 : 0;
        }

        Assert.True(alarms <= 2, $"{alarms} false alarms in 2,000 windows.");
        Assert.True(watched <= 40, $"{watched} windows to watch in 2,000.");
    }

    [Fact]
    public void Options_that_contradict_each_other_are_refused()
    {
        MlopsException error = Assert.Throws<MlopsException>(() => TestData.Compare(Reference, TestData.Sample(2, 300), new DriftOptions { Watch = 0.3 }));
        Assert.Equal("monitoring.invalid_option", error.Code);
        Assert.Throws<MlopsException>(() => TestData.Compare(Reference, TestData.Sample(2, 300), new DriftOptions { ShareWatch = 0.2 }));
        Assert.Throws<MlopsException>(() => TestData.Compare(Reference, TestData.Sample(2, 300), new DriftOptions { Alert = double.NaN }));
    }

    [Fact]
    public void A_window_of_another_reference_is_refused()
    {
        MonitorWindow window = MonitorWindow.Of("w", "m", 1, Reference, TestData.Sample(2, 300));
        var other = ReferenceProfile.Of(TestData.Sample(1, 8000), bins: 5);
        Assert.Equal("monitoring.profile_mismatch", Assert.Throws<MlopsDataException>(() => DriftDetector.Compare(other, window)).Code);
    }

    [Fact]
    public void The_same_input_gives_the_same_report()
    {
        MonitorWindow window = MonitorWindow.Of("w", "m", 1, Reference, TestData.Sample(2, 3000, mean: 120));
        Assert.Equal(DriftDetector.Compare(Reference, window).ToJson(), DriftDetector.Compare(Reference, window).ToJson());
    }
}
