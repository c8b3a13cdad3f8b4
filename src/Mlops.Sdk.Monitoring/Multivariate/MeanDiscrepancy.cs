using System.Globalization;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>Measures how far current rows are from reference rows by the maximum mean discrepancy (MMD), over all features at once. Pure and thread-safe.</summary>
/// <remarks>
/// MMD^2 = mean of k(r, r') + mean of k(c, c') - 2 mean of k(r, c) over pairs of different rows, the unbiased estimate, which may be a
/// little below 0. The kernel is k(x, y) = exp(-|x - y|^2 / (2 s^2)), s the median distance between rows of both samples together. The
/// p-value is the share of permutations of the rows over both samples, this one included, whose MMD^2 is at least as large. Features are
/// scaled as in <see cref="PcaReconstruction"/>. The work grows with the square of the rows, so a sample is drawn; since its size is
/// bounded, a large table that hardly moves does not alarm.
/// <para>Source: A. Gretton et al., A kernel two-sample test, Journal of Machine Learning Research 13, 2012.</para>
/// </remarks>
public static class MeanDiscrepancy
{
    /// <summary>Compares the inputs of a model.</summary>
    /// <param name="reference">The reference rows.</param>
    /// <param name="current">The current rows, of the same schema.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>The distance and its p-value.</returns>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public static MeanDiscrepancyDrift Compare(EncodedTable reference, EncodedTable current, MeanDiscrepancyOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
        return Compare(BoostingFrame.From(reference), BoostingFrame.From(current), options, cancellationToken);
    }

    /// <summary>Compares the number and text columns of two tables.</summary>
    /// <param name="reference">The reference rows.</param>
    /// <param name="current">The current rows, with the same columns.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>The distance and its p-value.</returns>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public static MeanDiscrepancyDrift Compare(Table reference, Table current, MeanDiscrepancyOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
        return Compare(BoostingFrame.From(reference), BoostingFrame.From(current), options, cancellationToken);
    }

    internal static MeanDiscrepancyDrift Compare(BoostingFrame reference, BoostingFrame current, MeanDiscrepancyOptions? options, CancellationToken cancellationToken)
    {
        options ??= new MeanDiscrepancyOptions();
        options.Check();
        RowScaler scaler = RowScaler.Of(reference);
        (int[] first, int[] second) = Draw(reference.Rows, current.Rows, options);
        return Compare(scaler.Apply(reference.Take(first)), scaler.Apply(current.Take(second)), scaler.Width, (reference.Rows, current.Rows), options, cancellationToken);
    }

    internal static (int[] Reference, int[] Current) Draw(int reference, int current, MeanDiscrepancyOptions options) =>
        (new SeededRandom(options.Seed, 1).Sample(reference, options.MaxRows), new SeededRandom(options.Seed, 2).Sample(current, options.MaxRows));

    /// <summary>Compares rows that are scaled already, row after row, shape [rows * width].</summary>
    internal static MeanDiscrepancyDrift Compare(double[] reference, double[] current, int width, (int Reference, int Current) all, MeanDiscrepancyOptions options, CancellationToken cancellationToken)
    {
        int m = reference.Length / width;
        int n = current.Length / width;
        bool judged = Math.Min(m, n) >= options.MinimumRows;
        (double squared, double scale, double p) = judged ? Test([.. reference, .. current], width, m, options, cancellationToken) : (0, 0, 1);
        DriftStatus status = !judged ? DriftStatus.TooFew : p <= options.Significance ? DriftStatus.Drifted : DriftStatus.Stable;
        string numbers = string.Create(CultureInfo.InvariantCulture, $"MMD^2 {squared:0.00000}, p = {p:0.####}, {m} and {n} rows");
        return new MeanDiscrepancyDrift
        {
            Status = status,
            ReferenceRows = all.Reference,
            Rows = all.Current,
            ReferenceUsed = m,
            Used = n,
            Squared = squared,
            KernelScale = scale,
            PValue = p,
            Summary = status switch
            {
                DriftStatus.TooFew => $"Too few rows to judge: {m} and {n} of at least {options.MinimumRows}.",
                DriftStatus.Drifted => $"The rows as a whole lie elsewhere than the reference's: {numbers}.",
                _ => $"The rows as a whole lie where the reference's do: {numbers}.",
            },
        };
    }

    private static (double Squared, double Scale, double PValue) Test(double[] rows, int width, int m, MeanDiscrepancyOptions options, CancellationToken cancellationToken)
    {
        int count = rows.Length / width;
        int n = count - m;
        double[] kernel = new double[count * count];
        double scale = Fill(kernel, rows, count, width, cancellationToken);
        double[] rowSums = new double[count];
        double total = 0;
        for (int i = 0; i < count; i++)
        {
            foreach (double value in kernel.AsSpan(i * count, count))
            {
                rowSums[i] += value;
            }

            total += rowSums[i];
        }

        double[] mask = new double[count];
        mask.AsSpan(0, m).Fill(1);
        double observed = Squared(kernel, rowSums, total, mask, m, n);
        // the same sum in another order differs by rounding: a permutation that ties counts as at least as large
        double threshold = observed - 1e-12;
        int[] order = [.. Enumerable.Range(0, count)];
        var random = new SeededRandom(options.Seed, 3);
        int atLeast = 1;
        for (int permutation = 0; permutation < options.Permutations; permutation++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            random.Shuffle(order);
            Array.Clear(mask);
            for (int i = 0; i < m; i++)
            {
                mask[order[i]] = 1;
            }

            atLeast += Squared(kernel, rowSums, total, mask, m, n) >= threshold ? 1 : 0;
        }

        return (observed, scale, atLeast / (options.Permutations + 1.0));
    }

    /// <summary>Fills in the kernel with zeros on the diagonal, so that sums are over different rows.</summary>
    private static double Fill(double[] kernel, double[] rows, int count, int width, CancellationToken cancellationToken)
    {
        double[] squares = new double[count * (count - 1) / 2];
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<double> row = rows.AsSpan(i * width, width);
            for (int j = i + 1; j < count; j++)
            {
                double square = Vectors.SquaredDistance(row, rows.AsSpan(j * width, width));
                squares[at++] = square;
                kernel[(i * count) + j] = square;
            }
        }

        Array.Sort(squares);
        double median = (Math.Sqrt(squares[(at - 1) / 2]) + Math.Sqrt(squares[at / 2])) / 2;
        double scale = median > 0 ? median : squares[^1] > 0 ? Math.Sqrt(squares[^1]) : 1;
        double factor = -1 / (2 * scale * scale);
        for (int i = 0; i < count; i++)
        {
            for (int j = i + 1; j < count; j++)
            {
                double value = Math.Exp(kernel[(i * count) + j] * factor);
                kernel[(i * count) + j] = value;
                kernel[(j * count) + i] = value;
            }
        }

        return scale;
    }

    private static double Squared(double[] kernel, double[] rowSums, double total, double[] mask, int m, int n)
    {
        // with A the rows of the mask: what A has with all, less what it has with itself, is what it has with the others
        double within = 0;
        double withAll = 0;
        for (int i = 0; i < mask.Length; i++)
        {
            if (mask[i] != 0)
            {
                within += Vectors.Dot(kernel.AsSpan(i * mask.Length, mask.Length), mask);
                withAll += rowSums[i];
            }
        }

        double across = withAll - within;
        double others = total - within - (2 * across);
        return (within / ((double)m * (m - 1))) + (others / ((double)n * (n - 1))) - (2 * across / ((double)m * n));
    }
}

/// <summary>How far current rows are from reference rows, by the maximum mean discrepancy.</summary>
public sealed record MeanDiscrepancyDrift : MultivariateDrift
{
    /// <summary>Gets the unbiased estimate of MMD^2: about 0 when nothing has changed, at most 2.</summary>
    public required double Squared { get; init; }

    /// <summary>Gets the kernel's scale: the median distance between rows.</summary>
    public required double KernelScale { get; init; }

    /// <summary>Gets the share of permutations, this one included, that are at least as far apart.</summary>
    public required double PValue { get; init; }

    private protected override IEnumerable<MultivariateNumber> Numbers() => [new("mmd_squared", Squared, PValue: PValue, Reference: 0)];
}

/// <summary>How <see cref="MeanDiscrepancy"/> compares.</summary>
public sealed record MeanDiscrepancyOptions
{
    /// <summary>Gets how many rows of each side are used at most; of more, a sample.</summary>
    /// <value>From 50 to 2,000. The default is 500.</value>
    public int MaxRows { get; init; } = 500;

    /// <summary>Gets how many rows each side must have to be judged.</summary>
    /// <value>At least 20. The default is 100.</value>
    public int MinimumRows { get; init; } = 100;

    /// <summary>Gets how many permutations are tried.</summary>
    /// <value>From 99 to 100,000. The default is 499.</value>
    public int Permutations { get; init; } = 499;

    /// <summary>Gets the p-value up to which the distance is drift.</summary>
    /// <value>In (0, 0.5], and at least 1 / (<see cref="Permutations"/> + 1). The default is 0.01.</value>
    public double Significance { get; init; } = 0.01;

    /// <summary>Gets the seed of sample and permutations.</summary>
    public long Seed { get; init; } = 1;

    internal void Check()
    {
        if (MaxRows is < 50 or > 2000 || MinimumRows < 20 || Permutations is < 99 or > 100_000 || !(Significance <= 0.5 && Significance * (Permutations + 1) >= 1))
        {
            throw new MlopsException("monitoring.invalid_option", FormattableString.Invariant($"Mean discrepancy: {nameof(MaxRows)} ({MaxRows}) must be from 50 to 2,000, {nameof(MinimumRows)} ({MinimumRows}) at least 20, {nameof(Permutations)} ({Permutations}) from 99 to 100,000, {nameof(Significance)} ({Significance}) at most 0.5 and at least 1 / ({nameof(Permutations)} + 1)."));
        }
    }
}
