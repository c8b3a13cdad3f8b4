using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>The code of docs/guides/multivariate-drift.md and docs/guides/drift-matrix.md.</summary>
public sealed class MultivariateSnippets
{
    [Fact]
    public void Compare_two_tables()
    {
        Table lastMonth = new DriftingData(1).Table(0, 5000);
        Table today = new DriftingData(1, new InjectedDrift(DriftKind.Correlation, 0, 1)).Table(5000, 2000);

        #region compare
        DomainDrift domain = DomainClassifier.Compare(lastMonth, today);
        // A classifier tells the rows from the reference: ROC AUC 0.8..., by Usage ... %, Spend ... %.
        Console.WriteLine(domain.Summary);

        PcaReconstruction learned = PcaReconstruction.Fit(lastMonth);
        Console.WriteLine(learned.Compare(today).Summary);

        MeanDiscrepancyDrift discrepancy = MeanDiscrepancy.Compare(lastMonth, today);
        Console.WriteLine(discrepancy.Summary);
        #endregion

        Assert.Equal(DriftStatus.Drifted, domain.Status);
        Assert.Equal(DriftStatus.Drifted, discrepancy.Status);
    }

    [Fact]
    public void Make_signals()
    {
        Table lastMonth = new DriftingData(1).Table(0, 2000);
        Table today = new DriftingData(1).Table(2000, 1000);
        DateTimeOffset from = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);
        var signals = new List<MonitorSignal>();

        #region signals
        PcaReconstruction learned = PcaReconstruction.Fit(lastMonth);
        signals.AddRange(learned.Compare(today).ToSignals("shop", version: 3, from, from.AddDays(1)));
        signals.AddRange(DomainClassifier.Compare(lastMonth, today).ToSignals("shop", version: 3, from, from.AddDays(1)));
        #endregion

        Assert.Equal(["drift.pca_error", "drift.domain_auc"], signals.Select(s => s.Name));
    }

    [Fact]
    public void Compare_embeddings()
    {
        var random = new SeededRandom(1);
        float[][] Embed(double shift) => [.. Enumerable.Range(0, 400).Select(_ => (float[])[.. Enumerable.Range(0, 16).Select(_ => (float)(random.NextNormal() + shift))])];
        float[][] trainingTexts = Embed(0);
        float[][] todaysTexts = Embed(1);

        #region embeddings
        EmbeddingDrift drift = EmbeddingDrift.Compare(trainingTexts, todaysTexts);
        if (drift.Status == DriftStatus.Drifted)
        {
            Console.WriteLine(drift.Summary);
        }
        #endregion

        Assert.Equal(DriftStatus.Drifted, drift.Status);
    }

    [Fact]
    public void Watch_a_stream()
    {
        bool[] wrong = [.. new DriftingData(1, new InjectedDrift(DriftKind.Concept, 3000, 1)).Rows(0, 5000).Select(r => DriftingData.Probability(r) > 0.5 != r.Bought)];
        int changedAt = 0;

        #region stream
        var errors = new Adwin(delta: 0.002);
        for (int i = 0; i < wrong.Length; i++)
        {
            if (errors.Add(wrong[i] ? 1 : 0))
            {
                changedAt = i;
                break;
            }
        }

        byte[] state = errors.Serialize(); // a restarted host goes on with Adwin.Deserialize(state)
        #endregion

        Assert.InRange(changedAt, 3000, 3500);
        Assert.Equal(errors.Window, Adwin.Deserialize(state).Window);
    }

    [Fact]
    public void Find_when_a_level_changed()
    {
        DateTimeOffset start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        MonitorSignal[] history =
        [
            .. Enumerable.Range(0, 40).Select(day => new MonitorSignal
            {
                Model = "shop", Version = 3, Name = "performance.roc_auc", From = start.AddDays(day), To = start.AddDays(day + 1), Rows = 900,
                Value = (day < 25 ? 0.81 : 0.74) + (0.002 * (day % 3)),
            }),
        ];

        #region find
        foreach (ChangePoint change in ChangePoints.Find(history))
        {
            Console.WriteLine($"{change.Name} went from {change.Before:0.00} to {change.After:0.00} on {change.At:yyyy-MM-dd}");
        }
        #endregion

        Assert.Equal(start.AddDays(25), Assert.Single(ChangePoints.Find(history)).At);
    }

    [Fact]
    public void Make_data_that_drifts()
    {
        #region generator
        var data = new DriftingData(
            seed: 7,
            new InjectedDrift(DriftKind.Covariate, Onset: 10_000, Size: 1) { Feature = "Usage", Pattern = DriftPattern.Gradual, Length = 5_000 },
            new InjectedDrift(DriftKind.NewCategory, Onset: 12_000, Size: 0.1));

        Table training = data.Table(first: 0, count: 5_000);
        foreach (DriftingRow row in data.Rows(first: 10_000, count: 100))
        {
            double answer = DriftingData.Probability(row); // a perfect model of the world before the drift
            bool truth = row.Bought;
        }
        #endregion

        Assert.Equal(5000, training.Rows);
        Assert.Equal(2, data.Drifts.Count);
    }
}
