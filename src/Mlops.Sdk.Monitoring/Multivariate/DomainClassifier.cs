using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Tells whether current rows can be told from reference rows: a classifier tries, and the area under its ROC curve says how well. Pure and thread-safe.</summary>
/// <remarks>
/// Boosted trees learn which rows are current, in stratified folds; each row is scored by trees that did not see it. The area is the mean
/// over the folds; 0.5 says that nothing tells them apart. The interval is DeLong's over the folds' held-out rows. The p-value is that of
/// the rank-sum test of the held-out scores against 0.5, one-sided, with ties corrected. Both variances are multiplied by
/// 1 + K / (K - 1), K the folds, since areas learned from overlapping rows hang together. Any change of the joint distribution that trees
/// can see shows, correlations included; times are left out, since they always move.
/// <para>
/// Sources: S. Rabanser et al., Failing loudly, NeurIPS 2019; E. DeLong et al., Biometrics 44, 1988; C. Nadeau, Y. Bengio, Inference for
/// the generalization error, Machine Learning 52, 2003.
/// </para>
/// </remarks>
public static class DomainClassifier
{
    /// <summary>Compares the inputs of a model.</summary>
    /// <param name="reference">The reference rows.</param>
    /// <param name="current">The current rows, of the same schema.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the learning.</param>
    /// <returns>How well they can be told apart, and by which features.</returns>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public static DomainDrift Compare(EncodedTable reference, EncodedTable current, DomainClassifierOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
        return Compare(BoostingFrame.From(reference), BoostingFrame.From(current), options, cancellationToken);
    }

    /// <summary>Compares the number and text columns of two tables.</summary>
    /// <param name="reference">The reference rows.</param>
    /// <param name="current">The current rows, with the same columns.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the learning.</param>
    /// <returns>How well they can be told apart, and by which columns.</returns>
    /// <exception cref="ArgumentException">The columns are others.</exception>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public static DomainDrift Compare(Table reference, Table current, DomainClassifierOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
        return Compare(BoostingFrame.From(reference), BoostingFrame.From(current), options, cancellationToken);
    }

    internal static DomainDrift Compare(BoostingFrame reference, BoostingFrame current, DomainClassifierOptions? options, CancellationToken cancellationToken, int maxBins = 128)
    {
        options ??= new DomainClassifierOptions();
        options.Check();
        int[] first = new SeededRandom(options.Seed, 1).Sample(reference.Rows, options.MaxRows);
        int[] second = new SeededRandom(options.Seed, 2).Sample(current.Rows, options.MaxRows);
        if (Math.Min(first.Length, second.Length) < options.MinimumRows)
        {
            return Result(reference, current, first.Length, second.Length, DriftStatus.TooFew, new Area(0.5, 0, 1, 1), [],
                FormattableString.Invariant($"Too few rows to judge: {first.Length} and {second.Length} of at least {options.MinimumRows}."));
        }

        BoostingFrame both = reference.Take(first).Append(current.Take(second));
        BoostingBins bins = BoostingBins.Of(both, maxBins, options.Seed);
        byte[][] binned = bins.Apply(both);
        float[] target = new float[both.Rows];
        target.AsSpan(first.Length).Fill(1);
        int[] folds = Folds(first.Length, second.Length, options);
        var learning = new BoostingOptions { Loss = BoostingLoss.Logistic, Rounds = 40, LearningRate = 0.1, MaxLeaves = 15, MaxDepth = 4, MaxBins = maxBins, Seed = options.Seed, Threads = options.Threads };
        var pooled = new FoldedArea(options.Folds);
        double[] gains = new double[bins.Features];
        for (int fold = 0; fold < options.Folds; fold++)
        {
            int[] learned = [.. Enumerable.Range(0, both.Rows).Where(row => folds[row] != fold)];
            int[] held = [.. Enumerable.Range(0, both.Rows).Where(row => folds[row] == fold)];
            BoostingModel model = HistogramBoosting.Fit(bins, binned, target, learned, learning, cancellationToken);
            double[] scores = model.Predict([.. binned.Select(b => Array.ConvertAll(held, row => b[row]))], held.Length);
            pooled.Add(Array.ConvertAll(scores, s => (float)s), Array.ConvertAll(held, row => row >= first.Length));
            for (int f = 0; f < gains.Length; f++)
            {
                gains[f] += model.Gains[f];
            }
        }

        Area area = pooled.Of();
        double all = gains.Sum();
        TellingFeature[] features =
        [
            .. gains.Select((gain, f) => new TellingFeature(bins.Names[f], all > 0 ? gain / all : 0)).Where(f => f.Share > 0)
                .OrderByDescending(f => f.Share).ThenBy(f => f.Name, StringComparer.Ordinal),
        ];
        DriftStatus status = area.PValue > options.Significance || area.Value < options.Watch ? DriftStatus.Stable
            : area.Value < options.Alert ? DriftStatus.Watch : DriftStatus.Drifted;
        return Result(reference, current, first.Length, second.Length, status, area, features, Summarise(area, features, status));
    }

    private static DomainDrift Result(BoostingFrame reference, BoostingFrame current, int referenceUsed, int used, DriftStatus status, Area area, TellingFeature[] features, string summary) => new()
    {
        Status = status,
        ReferenceRows = reference.Rows,
        Rows = current.Rows,
        ReferenceUsed = referenceUsed,
        Used = used,
        RocAuc = area.Value,
        Low = area.Low,
        High = area.High,
        PValue = area.PValue,
        Features = features,
        Summary = summary,
    };

    private static string Summarise(Area area, TellingFeature[] features, DriftStatus status)
    {
        string how = string.Create(CultureInfo.InvariantCulture, $"ROC AUC {area.Value:0.000} ({area.Low:0.000} to {area.High:0.000}), p = {area.PValue:0.####}");
        string by = string.Join(", ", features.Take(3).Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Name} {f.Share * 100:0} %")));
        return status == DriftStatus.Stable ? $"A classifier cannot tell the rows from the reference: {how}." : $"A classifier tells the rows from the reference: {how}, by {by}.";
    }

    /// <summary>Deals the rows of each side evenly over the folds, in random order.</summary>
    private static int[] Folds(int first, int second, DomainClassifierOptions options)
    {
        int[] folds = new int[first + second];
        var random = new SeededRandom(options.Seed, 3);
        Span<int> reference = folds.AsSpan(0, first);
        Span<int> current = folds.AsSpan(first);
        for (int i = 0; i < first; i++)
        {
            reference[i] = i % options.Folds;
        }

        for (int i = 0; i < second; i++)
        {
            current[i] = i % options.Folds;
        }

        random.Shuffle(reference);
        random.Shuffle(current);
        return folds;
    }
}

/// <summary>How well a classifier tells current rows from reference rows.</summary>
public sealed record DomainDrift : MultivariateDrift
{
    /// <summary>Gets the area under the ROC curve, in [0, 1]: the chance that a current row scores above a reference row. 0.5 when nothing tells them apart.</summary>
    public required double RocAuc { get; init; }

    /// <summary>Gets the lower end of its 95 % interval.</summary>
    public required double Low { get; init; }

    /// <summary>Gets the upper end of its 95 % interval.</summary>
    public required double High { get; init; }

    /// <summary>Gets the probability of an area at least this large when nothing has changed.</summary>
    public required double PValue { get; init; }

    /// <summary>Gets the features that tell them apart, most telling first. Where nothing has changed, chance ranks them.</summary>
    public required IReadOnlyList<TellingFeature> Features { get; init; }

    private protected override IEnumerable<MultivariateNumber> Numbers() => [new("domain_auc", RocAuc, Low, High, PValue, 0.5)];
}

/// <summary>How <see cref="DomainClassifier"/> compares.</summary>
public sealed record DomainClassifierOptions
{
    /// <summary>Gets how many rows of each side are used at most; of more, a sample.</summary>
    /// <value>From 100 to 1,000,000. The default is 10,000.</value>
    public int MaxRows { get; init; } = 10_000;

    /// <summary>Gets how many rows each side must have to be judged.</summary>
    /// <value>At least 50. The default is 200.</value>
    public int MinimumRows { get; init; } = 200;

    /// <summary>Gets how many folds the rows are dealt into.</summary>
    /// <value>From 2 to 20. The default is 5.</value>
    public int Folds { get; init; } = 5;

    /// <summary>Gets the area from which a significant difference is worth watching.</summary>
    /// <value>From 0.5 to below <see cref="Alert"/>. The default is 0.55.</value>
    public double Watch { get; init; } = 0.55;

    /// <summary>Gets the area from which a significant difference is drift.</summary>
    /// <value>Above <see cref="Watch"/>, at most 1. The default is 0.65.</value>
    public double Alert { get; init; } = 0.65;

    /// <summary>Gets the p-value up to which a difference is significant.</summary>
    /// <value>In (0, 0.5]. The default is 0.01.</value>
    public double Significance { get; init; } = 0.01;

    /// <summary>Gets the seed of sample and folds.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Gets how many threads learn at most; the result is the same for any number.</summary>
    /// <value>At least 1. The default is 1.</value>
    public int Threads { get; init; } = 1;

    internal void Check()
    {
        if (MaxRows is < 100 or > 1_000_000 || MinimumRows < 50 || Folds is < 2 or > 20 || Threads < 1 || !(Watch >= 0.5 && Watch < Alert && Alert <= 1) || !(Significance is > 0 and <= 0.5))
        {
            throw new MlopsException("monitoring.invalid_option", FormattableString.Invariant($"Domain classifier: {nameof(MaxRows)} ({MaxRows}) must be from 100 to 1,000,000, {nameof(MinimumRows)} ({MinimumRows}) at least 50, {nameof(Folds)} ({Folds}) from 2 to 20, {nameof(Threads)} ({Threads}) at least 1, 0.5 <= {nameof(Watch)} ({Watch}) < {nameof(Alert)} ({Alert}) <= 1, {nameof(Significance)} ({Significance}) in (0, 0.5]."));
        }
    }
}
