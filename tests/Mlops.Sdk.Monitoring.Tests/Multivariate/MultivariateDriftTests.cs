using System.Globalization;
using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class MultivariateDriftTests
{
    private static readonly EncodedTable Reference = Rows(new DriftingData(1), 0, 4000);
    private static readonly EncodedTable Quiet = Rows(new DriftingData(1), 4000, 2000);
    private static readonly EncodedTable Turned = Rows(new DriftingData(1, new InjectedDrift(DriftKind.Correlation, 0, 1)), 4000, 2000);
    private static readonly EncodedTable Moved = Rows(new DriftingData(1, new InjectedDrift(DriftKind.Covariate, 0, 1) { Feature = "Age" }), 4000, 2000);

    [Fact]
    public void A_turned_correlation_is_seen_by_all_of_them_and_by_no_single_feature()
    {
        ReferenceProfile profile = ReferenceProfile.Of(Reference);
        Assert.Equal(DriftStatus.Stable, DriftDetector.Compare(profile, MonitorWindow.Of("w", "m", 1, profile, Turned)).Status);

        DomainDrift domain = DomainClassifier.Compare(Reference, Turned);
        Assert.Equal(DriftStatus.Drifted, domain.Status);
        Assert.True(domain.RocAuc > 0.85 && domain.Low > 0.8 && domain.PValue < 1e-10);
        Assert.Equal(["Spend", "Usage"], domain.Features.Take(2).Select(f => f.Name).Order());
        Assert.Equal(DriftStatus.Drifted, PcaReconstruction.Fit(Reference).Compare(Turned).Status);
        Assert.Equal(DriftStatus.Drifted, MeanDiscrepancy.Compare(Reference, Turned).Status);
    }

    [Fact]
    public void Rows_of_the_same_world_are_stable()
    {
        DomainDrift domain = DomainClassifier.Compare(Reference, Quiet);
        Assert.Equal(DriftStatus.Stable, domain.Status);
        Assert.InRange(domain.RocAuc, 0.46, 0.54);
        Assert.Equal(DriftStatus.Stable, PcaReconstruction.Fit(Reference).Compare(Quiet).Status);
        Assert.Equal(DriftStatus.Stable, MeanDiscrepancy.Compare(Reference, Quiet).Status);
    }

    [Fact]
    public void The_classifier_names_the_feature_that_moved_and_states_what_it_used()
    {
        DomainDrift domain = DomainClassifier.Compare(Reference, Moved, new DomainClassifierOptions { MaxRows = 1500, Threads = 2 });
        Assert.Equal("Age", domain.Features[0].Name);
        Assert.True(domain.Features[0].Share > 0.5);
        Assert.Equal((4000L, 2000L, 1500L, 1500L), (domain.ReferenceRows, domain.Rows, domain.ReferenceUsed, domain.Used));
        Assert.StartsWith("A classifier tells the rows from the reference: ROC AUC 0.7", domain.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void One_seed_gives_one_answer_whatever_the_threads()
    {
        var options = new DomainClassifierOptions { MaxRows = 1000, Seed = 7 };
        DomainDrift one = DomainClassifier.Compare(Reference, Quiet, options);
        DomainDrift two = DomainClassifier.Compare(Reference, Quiet, options with { Threads = 2 });
        Assert.Equal((one.RocAuc, one.PValue), (two.RocAuc, two.PValue));
        Assert.NotEqual(one.RocAuc, DomainClassifier.Compare(Reference, Quiet, options with { Seed = 8 }).RocAuc);
        Assert.Equal(MeanDiscrepancy.Compare(Reference, Quiet), MeanDiscrepancy.Compare(Reference, Quiet));
    }

    [Fact]
    public void Two_tables_are_compared_without_a_model()
    {
        var data = new DriftingData(1, new InjectedDrift(DriftKind.NewCategory, 5000, 0.4));
        DomainDrift domain = DomainClassifier.Compare(data.Table(0, 2000), data.Table(5000, 2000));
        Assert.Equal((DriftStatus.Drifted, "Region"), (domain.Status, domain.Features[0].Name));
        Assert.Equal(DriftStatus.Drifted, PcaReconstruction.Fit(data.Table(0, 2000)).Compare(data.Table(5000, 2000)).Status);
        Assert.Equal(DriftStatus.Drifted, MeanDiscrepancy.Compare(data.Table(0, 2000), data.Table(5000, 2000)).Status);
    }

    [Fact]
    public void Few_rows_are_too_few_whatever_they_hold()
    {
        EncodedTable few = Rows(new DriftingData(2, new InjectedDrift(DriftKind.Covariate, 0, 9)), 0, 40);
        MultivariateDrift[] all = [DomainClassifier.Compare(Reference, few), PcaReconstruction.Fit(Reference).Compare(few), MeanDiscrepancy.Compare(Reference, few)];
        Assert.All(all, d => Assert.Equal(DriftStatus.TooFew, d.Status));
        Assert.All(all, d => Assert.Empty(d.ToSignals("m", 1, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)));
        Assert.Equal("monitoring.too_few_rows", Assert.Throws<MlopsDataException>(() => PcaReconstruction.Fit(few)).Code);
    }

    [Fact]
    public void Constants_missing_and_infinite_values_do_no_harm()
    {
        double[] odd = [.. Enumerable.Range(0, 1000).Select(i => (i % 4) switch { 0 => double.NaN, 1 => double.PositiveInfinity, 2 => double.NegativeInfinity, _ => i })];
        Table table = new(
        [
            new NumberColumn("constant", [.. Enumerable.Repeat(7.0, 1000)]),
            new NumberColumn("missing", [.. Enumerable.Repeat(double.NaN, 1000)]),
            new NumberColumn("odd", odd),
            new TextColumn("text", [.. Enumerable.Repeat(-1, 1000)], []),
        ]);
        Assert.Equal(DriftStatus.Stable, DomainClassifier.Compare(table, table).Status);
        PcaDrift pca = PcaReconstruction.Fit(table).Compare(table);
        Assert.Equal(DriftStatus.Stable, pca.Status);
        Assert.True(double.IsFinite(pca.Error));
        Assert.Equal(DriftStatus.Stable, MeanDiscrepancy.Compare(table, table).Status);
    }

    [Fact]
    public void Results_become_signals()
    {
        DateTimeOffset from = DateTimeOffset.UnixEpoch;
        MonitorSignal auc = Assert.Single(DomainClassifier.Compare(Reference, Moved, new DomainClassifierOptions { MaxRows = 1000 }).ToSignals("loans", 3, from, from.AddHours(1), "country=SE"));
        Assert.Equal(("loans", 3, "country=SE", "drift.domain_auc", 1000L, 0.5), (auc.Model, auc.Version, auc.Segment, auc.Name, auc.Rows, auc.Reference!.Value));
        Assert.True(auc.Low < auc.Value && auc.Value < auc.High && auc.PValue < 0.01);
        Assert.Equal("drift.pca_error", Assert.Single(PcaReconstruction.Fit(Reference).Compare(Moved).ToSignals("m", 1, from, from)).Name);
        Assert.Equal("drift.mmd_squared", Assert.Single(MeanDiscrepancy.Compare(Reference, Moved).ToSignals("m", 1, from, from)).Name);
    }

    [Fact]
    public void Embeddings_that_move_are_found_and_quiet_ones_are_not()
    {
        var random = new SeededRandom(4);
        float[][] reference = Vectors(random, 600, 0);
        EmbeddingDrift moved = EmbeddingDrift.Compare(reference, Vectors(random, 600, 0.6));
        EmbeddingDrift quiet = EmbeddingDrift.Compare(reference, Vectors(random, 600, 0));
        Assert.Equal((DriftStatus.Drifted, DriftStatus.Stable), (moved.Status, quiet.Status));
        Assert.True(moved.MeanCosineDistance > 5 * quiet.MeanCosineDistance);
        Assert.Equal(3, moved.ToSignals("m", 1, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch).Count);
        Assert.True(int.Parse(moved.Domain.Features[0].Name, CultureInfo.InvariantCulture) < 8);
    }

    [Fact]
    public void Odd_rows_are_cut_off_by_few_cuts()
    {
        IsolationForest forest = IsolationForest.Fit(Reference);
        double[] ordinary = [.. Enumerable.Range(0, 300).Select(row => forest.ScoreOf([.. Quiet.Numbers.Select(n => n[row])], [.. Quiet.Texts.Select(t => t[row])]))];
        float[] usual = [30_000, 45, 50, 200, 3, 5, 4];
        double typical = forest.ScoreOf(usual, ["North", "Web"]);
        double odd = forest.ScoreOf([900_000, 95, 110, 20, 15, 60, 0], ["Nowhere", null]);
        Assert.InRange(typical, 0.3, 0.45);
        Assert.True(odd > 0.65 && odd > ordinary.Max());
        Assert.InRange(ordinary.Average(), 0.35, 0.5);
        Assert.Equal(odd, IsolationForest.Fit(Reference).ScoreOf([900_000, 95, 110, 20, 15, 60, 0], ["Nowhere", null]));
        Assert.InRange(forest.ScoreOf([float.NaN, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN], [null, null]), 0.3, 0.5);
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => IsolationForest.Fit(Reference, trees: 1)).Code);
    }

    [Fact]
    public void Embeddings_that_cannot_be_compared_are_refused()
    {
        Assert.Equal("monitoring.bad_embedding", Assert.Throws<MlopsDataException>(() => EmbeddingDrift.Compare([[1f, 2f]], [[1f]])).Code);
        Assert.Equal("monitoring.bad_embedding", Assert.Throws<MlopsDataException>(() => EmbeddingDrift.Compare([[1f, float.NaN]], [[1f, 2f]])).Code);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => DomainClassifier.Compare(Reference, Quiet, new DomainClassifierOptions { Watch = 0.9, Alert = 0.6 })).Code);
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => PcaReconstruction.Fit(Reference, new PcaOptions { Variance = 1 })).Code);
        Assert.Equal("monitoring.invalid_option", Assert.Throws<MlopsException>(() => MeanDiscrepancy.Compare(Reference, Quiet, new MeanDiscrepancyOptions { Significance = 0.001 })).Code);
    }

    /// <summary>MLOPS_TEST_MULTIVARIATE_TRIALS scales it; 1,000 trials are written down in docs/guides/multivariate-drift.md.</summary>
    [Fact]
    public void False_alarms_on_a_stable_world_stay_near_what_was_asked_for()
    {
        int trials = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_MULTIVARIATE_TRIALS") ?? "5", CultureInfo.InvariantCulture);
        int significant = 0;
        int drifted = 0;
        int pca = 0;
        int discrepancy = 0;
        for (int trial = 0; trial < trials; trial++)
        {
            var data = new DriftingData(1000 + trial);
            EncodedTable reference = Rows(data, 0, 2000);
            EncodedTable current = Rows(data, 2000, 1000);
            DomainDrift domain = DomainClassifier.Compare(reference, current, new DomainClassifierOptions { Seed = trial });
            significant += domain.PValue <= 0.05 ? 1 : 0;
            drifted += domain.Status != DriftStatus.Stable ? 1 : 0;
            pca += PcaReconstruction.Fit(reference).Compare(current).Status == DriftStatus.Drifted ? 1 : 0;
            discrepancy += MeanDiscrepancy.Compare(reference, current, new MeanDiscrepancyOptions { MaxRows = 200, Permutations = 99, Significance = 0.05, Seed = trial }).PValue <= 0.05 ? 1 : 0;
        }

        TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant($"{trials} trials: classifier p <= 0.05 in {significant}, not stable in {drifted}; PCA drifted in {pca}; MMD p <= 0.05 in {discrepancy}"));
        double limit = (0.05 * trials) + 2 + (4 * Math.Sqrt(0.05 * trials)); // the mean and four standard deviations
        Assert.True(significant <= limit && discrepancy <= limit && drifted <= 1 + (0.02 * trials) && pca <= 2 + (0.03 * trials));
    }

    private static float[][] Vectors(SeededRandom random, int rows, double shift) =>
        [.. Enumerable.Range(0, rows).Select(_ => (float[])[.. Enumerable.Range(0, 32).Select(i => (float)(1 + random.NextNormal() - (i < 8 ? shift : 0)))])];

    private static EncodedTable Rows(DriftingData data, long first, int count) => EncodedTable.From(data.Table(first, count), DriftingData.Schema);
}
