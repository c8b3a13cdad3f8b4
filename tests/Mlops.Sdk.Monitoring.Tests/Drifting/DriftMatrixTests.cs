using System.Globalization;
using System.Text;
using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>
/// Which detector sees which kind of drift: docs/guides/drift-matrix.md shows the table of a long run. MLOPS_TEST_DRIFT_MATRIX says how
/// many windows are made of each kind; the test prints the table.
/// </summary>
public sealed class DriftMatrixTests
{
    private const int ReferenceRows = 5000;
    private const int WindowRows = 2000;

    private static readonly (string Name, InjectedDrift? Drift)[] Kinds =
    [
        ("none", null),
        ("covariate, 0.25 sd of Usage", new(DriftKind.Covariate, ReferenceRows, 0.25) { Feature = "Usage" }),
        ("covariate, 1 sd of Usage", new(DriftKind.Covariate, ReferenceRows, 1) { Feature = "Usage" }),
        ("covariate, 30 % of rows to the rarest Channel", new(DriftKind.Covariate, ReferenceRows, 0.3) { Feature = "Channel" }),
        ("gradual, 0 to 1 sd of Usage over the window", new(DriftKind.Covariate, ReferenceRows, 1) { Feature = "Usage", Pattern = DriftPattern.Gradual, Length = WindowRows }),
        ("seasonal, 1 sd of Usage, one period in the window", new(DriftKind.Covariate, ReferenceRows, 1) { Feature = "Usage", Pattern = DriftPattern.Seasonal, Length = WindowRows }),
        ("concept, effects halved", new(DriftKind.Concept, ReferenceRows, 0.25)),
        ("concept, effects turned", new(DriftKind.Concept, ReferenceRows, 1)),
        ("label, yes forced in 10 % of rows", new(DriftKind.Label, ReferenceRows, 0.1)),
        ("label, yes forced in 50 % of rows", new(DriftKind.Label, ReferenceRows, 0.5)),
        ("missing, 5 % of Spend", new(DriftKind.Missing, ReferenceRows, 0.05) { Feature = "Spend" }),
        ("missing, 30 % of Spend", new(DriftKind.Missing, ReferenceRows, 0.3) { Feature = "Spend" }),
        ("new category, 2 % of Region", new(DriftKind.NewCategory, ReferenceRows, 0.02)),
        ("new category, 20 % of Region", new(DriftKind.NewCategory, ReferenceRows, 0.2)),
        ("correlation of Usage and Spend turned", new(DriftKind.Correlation, ReferenceRows, 1)),
        ("unit, Spend times 1,000", new(DriftKind.Unit, ReferenceRows, 1000) { Feature = "Spend" }),
    ];

    private static readonly string[] Detectors = ["features", "shares", "answers", "domain", "PCA", "MMD", "ADWIN", "Page–Hinkley", "CBPE"];

    [Fact]
    public void Each_kind_of_drift_is_seen_by_the_detectors_that_are_made_for_it()
    {
        int windows = int.Parse(Environment.GetEnvironmentVariable("MLOPS_TEST_DRIFT_MATRIX") ?? "1", CultureInfo.InvariantCulture);
        var table = new StringBuilder(FormattableString.Invariant($"{windows} windows of each kind\n| drift | {string.Join(" | ", Detectors)} |\n"));
        var shares = new Dictionary<(string, string), double>();
        foreach ((string name, InjectedDrift? drift) in Kinds)
        {
            int[] seen = new int[Detectors.Length];
            for (int window = 0; window < windows; window++)
            {
                bool[] found = Look(new DriftingData(1 + window, drift is null ? [] : [drift]));
                for (int d = 0; d < seen.Length; d++)
                {
                    seen[d] += found[d] ? 1 : 0;
                }
            }

            for (int d = 0; d < seen.Length; d++)
            {
                shares[(name, Detectors[d])] = seen[d] / (double)windows;
            }

            table.Append(CultureInfo.InvariantCulture, $"| {name} | {string.Join(" | ", seen.Select(s => FormattableString.Invariant($"{100.0 * s / windows:0}")))} |\n");
        }

        TestContext.Current.TestOutputHelper?.WriteLine(table.ToString());
        string[] must =
        [
            "covariate, 1 sd of Usage: features, domain, MMD", "covariate, 30 % of rows to the rarest Channel: features, domain",
            "gradual, 0 to 1 sd of Usage over the window: domain", "concept, effects turned: ADWIN, Page–Hinkley", "missing, 30 % of Spend: shares", "new category, 20 % of Region: shares",
            "correlation of Usage and Spend turned: domain, PCA, MMD", "unit, Spend times 1,000: features, domain, PCA, MMD",
        ];
        foreach ((string kind, string detector) in must.SelectMany(m => m.Split(": ")[1].Split(", ").Select(d => (m.Split(": ")[0], d))))
        {
            Assert.True(shares[(kind, detector)] >= 0.95, $"{detector} saw '{kind}' in {shares[(kind, detector)]:P0} of windows.");
        }

        // what a detector cannot see by its nature it must not claim to see
        Assert.All(Detectors, d => Assert.True(shares[("none", d)] <= 0.1));
        Assert.All(Detectors[..6].Append("CBPE"), d => Assert.True(shares[("concept, effects turned", d)] <= 0.1));
        Assert.Equal(0, shares[("correlation of Usage and Spend turned", "features")]);
    }

    private static bool[] Look(DriftingData data)
    {
        EncodedTable reference = EncodedTable.From(data.Table(0, ReferenceRows), DriftingData.Schema);
        EncodedTable current = EncodedTable.From(data.Table(ReferenceRows, WindowRows), DriftingData.Schema);
        DriftingRow[] rows = [.. data.Rows(0, ReferenceRows + WindowRows)];
        float[] answers = Array.ConvertAll(rows, r => (float)DriftingData.Probability(r));
        ReferenceProfile profile = ReferenceProfile.Of(reference, [answers[..ReferenceRows]]);
        DriftReport report = DriftDetector.Compare(profile, MonitorWindow.Of("w", "m", 1, profile, current, [answers[ReferenceRows..]]));
        bool Moved(FeatureDrift f) => f.Psi >= 0.1 && f.AdjustedPValue <= 0.05;
        double[] errors = [.. rows.Zip(answers, (r, p) => p > 0.5 == r.Bought ? 0.0 : 1)];
        return
        [
            report.Features.Any(f => f.Role == FeatureRole.Input && Moved(f)),
            report.Features.Any(f => f.Shares.Any(s => s.Status is DriftStatus.Watch or DriftStatus.Drifted)),
            report.Features.Any(f => f.Role == FeatureRole.Output && Moved(f)),
            DomainClassifier.Compare(reference, current, new DomainClassifierOptions { MaxRows = WindowRows }).Status is DriftStatus.Watch or DriftStatus.Drifted,
            PcaReconstruction.Fit(reference).Compare(current).Status == DriftStatus.Drifted,
            MeanDiscrepancy.Compare(reference, current, new MeanDiscrepancyOptions { Permutations = 199 }).Status == DriftStatus.Drifted,
            Changes(errors, new Adwin().Add),
            Changes(errors, ChangePointTests.ForErrors().Add),
            Estimate(rows, answers),
        ];
    }

    /// <summary>Whether the estimate of accuracy or ROC AUC without labels leaves the band that the reference's chunks span.</summary>
    private static bool Estimate(DriftingRow[] rows, float[] answers)
    {
        bool[] predicted = Array.ConvertAll(answers, a => a > 0.5f);
        bool[] truth = Array.ConvertAll(rows, r => r.Bought);
        PerformanceReference reference = PerformanceReference.Of(PerformanceRows.Binary(answers[..ReferenceRows], predicted[..ReferenceRows], truth[..ReferenceRows]));
        double[] classes = Array.ConvertAll(predicted[ReferenceRows..], p => p ? 1.0 : 0);
        IReadOnlyDictionary<string, MetricValue> estimated = ConfidenceEstimate.Of(reference, [answers[ReferenceRows..]], classes);
        return ((string[])[PerformanceNames.Accuracy, PerformanceNames.RocAuc]).Any(m =>
            reference.ThresholdsOf(m, WindowRows) is { } band && (estimated[m].Value < band.Low || estimated[m].Value > band.High));
    }

    /// <summary>Whether a change is called within the window; the reference's rows come first, as they do in service.</summary>
    private static bool Changes(double[] errors, Func<double, bool> add)
    {
        bool seen = false;
        for (int row = 0; row < errors.Length; row++)
        {
            seen |= add(errors[row]) && row >= ReferenceRows;
        }

        return seen;
    }
}
