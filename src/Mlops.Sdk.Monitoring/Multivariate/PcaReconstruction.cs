using System.Globalization;
using System.Text.Json;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>
/// Knows how the features of a reference hang together, and tells how badly rows fit that: they are projected on the principal components
/// that carry most of the variance, and the distance between row and projection is the error. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// Numbers are standardised on the reference (missing and infinite ones count as the mean), texts are the frequency of their category
/// there, standardised likewise. The first components that together carry more than 65 % of the variance are kept. The reference is cut
/// into chunks in the order of its rows; the mean error of current rows is drift when it lies outside the mean ± 3 standard deviations of
/// the chunks' mean errors, widened by sqrt(chunk rows / rows) where there are fewer rows than in a chunk. A larger window does not narrow
/// it, so that a long quiet window does not alarm. It finds features that stop going together, such as a correlation that turns round,
/// which no statistic of a single feature shows; it does not find changes along the components that are kept, unless they change how
/// far rows lie from them.
/// <para>Source: the multivariate drift of NannyML follows the same definition, and its limits are theirs.</para>
/// </remarks>
public sealed class PcaReconstruction
{
    private readonly RowScaler _scaler;
    private readonly double[] _components;
    private readonly double _spread;
    private readonly PcaOptions _options;

    private PcaReconstruction(RowScaler scaler, double[] components, double[] ratios, (double Error, double Spread) reference, int chunkRows, int rows, PcaOptions options)
    {
        (_scaler, _components, Components, ExplainedVariance, ChunkRows, ReferenceRows, _options) = (scaler, components, components.Length / scaler.Width, ratios, chunkRows, rows, options);
        (ReferenceError, _spread) = reference;
    }

    /// <summary>Gets how many components are kept.</summary>
    public int Components { get; }

    /// <summary>Gets the share of the variance that each component carries, largest first, kept or not; shape [features].</summary>
    public IReadOnlyList<double> ExplainedVariance { get; }

    /// <summary>Gets how many rows a chunk of the reference has.</summary>
    public int ChunkRows { get; }

    /// <summary>Gets how many rows the reference has.</summary>
    public int ReferenceRows { get; }

    /// <summary>Gets the mean of the chunks' mean errors, in standard deviations of a feature.</summary>
    public double ReferenceError { get; }

    /// <summary>Gets the standard deviation of the chunks' mean errors.</summary>
    public double ReferenceSpread => _spread;

    /// <summary>Learns how the features of a reference hang together.</summary>
    /// <param name="reference">The reference rows, in their natural order.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>What was learned.</returns>
    /// <exception cref="MlopsDataException">There are fewer than 20 rows for each chunk; code <c>monitoring.too_few_rows</c>.</exception>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public static PcaReconstruction Fit(EncodedTable reference, PcaOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return Fit(BoostingFrame.From(reference), options, cancellationToken);
    }

    /// <summary>Learns how the number and text columns of a table hang together.</summary>
    /// <param name="reference">The reference rows, in their natural order.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>What was learned.</returns>
    /// <exception cref="MlopsDataException">There are fewer than 20 rows for each chunk; code <c>monitoring.too_few_rows</c>.</exception>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public static PcaReconstruction Fit(Table reference, PcaOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return Fit(BoostingFrame.From(reference), options, cancellationToken);
    }

    /// <summary>Tells how badly rows fit the reference.</summary>
    /// <param name="current">The rows, of the reference's schema.</param>
    /// <returns>The mean error and whether it lies outside what the reference's chunks have.</returns>
    public PcaDrift Compare(EncodedTable current)
    {
        ArgumentNullException.ThrowIfNull(current);
        return Compare(BoostingFrame.From(current));
    }

    /// <summary>Tells how badly the rows of a table fit the reference.</summary>
    /// <param name="current">The rows, with the reference's columns.</param>
    /// <returns>The mean error and whether it lies outside what the reference's chunks have.</returns>
    public PcaDrift Compare(Table current)
    {
        ArgumentNullException.ThrowIfNull(current);
        return Compare(BoostingFrame.From(current));
    }

    /// <summary>Tells how badly one row fits the reference.</summary>
    /// <param name="numbers">The number inputs in schema order; NaN for a missing one.</param>
    /// <param name="texts">The text inputs in schema order; null for a missing one.</param>
    /// <returns>The distance between the row and its projection, in standard deviations of a feature; at least 0.</returns>
    public double ErrorOf(ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts)
    {
        const int Stacked = 256;
        Span<double> row = _scaler.Width <= Stacked ? stackalloc double[_scaler.Width] : new double[_scaler.Width];
        _scaler.Apply(numbers, texts, row);
        return Error(row);
    }

    /// <summary>Writes what was learned: means, deviations, components and the names of the reference's categories; no row.</summary>
    /// <returns>UTF-8 JSON with the version of its format.</returns>
    public byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(
        new PcaDocument
        {
            Names = [.. _scaler.Names],
            Means = _scaler.Means,
            Deviations = _scaler.Deviations,
            Frequencies = [.. _scaler.Frequencies],
            Components = _components,
            ExplainedVariance = [.. ExplainedVariance],
            ReferenceError = ReferenceError,
            ReferenceSpread = _spread,
            ReferenceRows = ReferenceRows,
            ChunkRows = ChunkRows,
            Variance = _options.Variance,
            Chunks = _options.Chunks,
            Range = _options.Deviations,
            MinimumRows = _options.MinimumRows,
        },
        PcaJson.Default.PcaDocument);

    /// <summary>Reads what was learned, so that rows can be compared where the reference's rows are not.</summary>
    /// <param name="json">What <see cref="Serialize"/> wrote, at most 64 MiB.</param>
    /// <returns>The same.</returns>
    /// <exception cref="MlopsIntegrityException">The bytes are not such (<c>monitoring.unreadable_model</c>) or of a newer format (<c>monitoring.newer_format</c>).</exception>
    public static PcaReconstruction Deserialize(ReadOnlySpan<byte> json)
    {
        PcaDocument d = PcaDocument.Read(json);
        Dictionary<string, double>[] frequencies = Array.ConvertAll(d.Frequencies, f => new Dictionary<string, double>(f, StringComparer.Ordinal));
        var options = new PcaOptions { Variance = d.Variance, Chunks = d.Chunks, Deviations = d.Range, MinimumRows = d.MinimumRows };
        return new PcaReconstruction(new RowScaler(d.Names, d.Means, d.Deviations, frequencies), d.Components, d.ExplainedVariance, (d.ReferenceError, d.ReferenceSpread), d.ChunkRows, d.ReferenceRows, options);
    }

    internal static PcaReconstruction Fit(BoostingFrame frame, PcaOptions? options, CancellationToken cancellationToken)
    {
        options ??= new PcaOptions();
        options.Check();
        int chunkRows = frame.Rows / options.Chunks;
        if (chunkRows < 20 || frame.Features < 2)
        {
            throw new MlopsDataException("monitoring.too_few_rows", $"A reference of {options.Chunks} chunks with at least 20 rows each and two features is needed; it has {frame.Rows} rows and {frame.Features} features. Use more rows, or fewer chunks.");
        }

        RowScaler scaler = RowScaler.Of(frame);
        double[] rows = scaler.Apply(frame);
        int width = scaler.Width;
        (double[] values, double[] vectors) = SymmetricEigen.Decompose(Covariance(rows, frame.Rows, width), width, cancellationToken);
        double all = values.Sum(v => Math.Max(0, v));
        double[] ratios = Array.ConvertAll(values, v => all > 0 ? Math.Max(0, v) / all : 0);
        int kept = 0;
        for (double sum = 0; kept < width - 1 && sum <= options.Variance;)
        {
            sum += ratios[kept++];
        }

        double[] components = vectors[..(kept * width)];
        var learned = new PcaReconstruction(scaler, components, ratios, (0, 0), chunkRows, frame.Rows, options);
        double[] errors = learned.Errors(rows);
        double[] chunks = [.. Enumerable.Range(0, options.Chunks).Select(c => errors.AsSpan(c * chunkRows, chunkRows).ToArray().Average())];
        return new PcaReconstruction(scaler, components, ratios, (chunks.Average(), Math.Sqrt(Intervals.Variance(chunks))), chunkRows, frame.Rows, options);
    }

    internal PcaDrift Compare(BoostingFrame frame)
    {
        double error = frame.Rows == 0 ? 0 : Errors(_scaler.Apply(frame)).Average();
        double spread = _spread * Math.Sqrt(Math.Max(1, (double)ChunkRows / Math.Max(1, frame.Rows)));
        double low = Math.Max(0, ReferenceError - (_options.Deviations * spread));
        double high = ReferenceError + (_options.Deviations * spread);
        DriftStatus status = frame.Rows < _options.MinimumRows ? DriftStatus.TooFew : error < low || error > high ? DriftStatus.Drifted : DriftStatus.Stable;
        string numbers = string.Create(CultureInfo.InvariantCulture, $"mean reconstruction error {error:0.000}, expected {low:0.000} to {high:0.000}");
        return new PcaDrift
        {
            Status = status,
            ReferenceRows = ReferenceRows,
            Rows = frame.Rows,
            ReferenceUsed = ReferenceRows,
            Used = frame.Rows,
            Error = error,
            ReferenceError = ReferenceError,
            Low = low,
            High = high,
            Summary = status switch
            {
                DriftStatus.TooFew => $"Too few rows to judge: {frame.Rows} of at least {_options.MinimumRows}.",
                DriftStatus.Drifted => $"The features hang together in another way than in the reference: {numbers}.",
                _ => $"The features hang together as in the reference: {numbers}.",
            },
        };
    }

    private static double[] Covariance(double[] rows, int count, int width)
    {
        // the columns have mean 0 by standardisation; the divisor does not matter for vectors and shares
        double[] sums = new double[width * width];
        for (int row = 0; row < count; row++)
        {
            ReadOnlySpan<double> x = rows.AsSpan(row * width, width);
            for (int i = 0; i < width; i++)
            {
                Vectors.AddScaled(sums.AsSpan((i * width) + i, width - i), x[i..], x[i]);
            }
        }

        for (int i = 0; i < width; i++)
        {
            for (int j = i; j < width; j++)
            {
                sums[(i * width) + j] /= count;
                sums[(j * width) + i] = sums[(i * width) + j];
            }
        }

        return sums;
    }

    private double[] Errors(double[] rows)
    {
        double[] errors = new double[rows.Length / _scaler.Width];
        for (int row = 0; row < errors.Length; row++)
        {
            errors[row] = Error(rows.AsSpan(row * _scaler.Width, _scaler.Width));
        }

        return errors;
    }

    /// <summary>The length of what the components do not carry: they are taken out of the row one after the other.</summary>
    private double Error(Span<double> row)
    {
        for (int c = 0; c < Components; c++)
        {
            ReadOnlySpan<double> component = _components.AsSpan(c * row.Length, row.Length);
            Vectors.AddScaled(row, component, -Vectors.Dot(row, component));
        }

        return Math.Sqrt(Vectors.Dot(row, row));
    }
}

/// <summary>How badly rows fit what the features of a reference have in common.</summary>
public sealed record PcaDrift : MultivariateDrift
{
    /// <summary>Gets the mean distance between the rows and their projections, in standard deviations of a feature.</summary>
    public required double Error { get; init; }

    /// <summary>Gets the mean of the same in the reference's chunks.</summary>
    public required double ReferenceError { get; init; }

    /// <summary>Gets the lower end of what is expected when nothing has changed.</summary>
    public required double Low { get; init; }

    /// <summary>Gets the upper end of what is expected when nothing has changed.</summary>
    public required double High { get; init; }

    private protected override IEnumerable<MultivariateNumber> Numbers() => [new("pca_error", Error, Reference: ReferenceError)];
}

/// <summary>How <see cref="PcaReconstruction"/> learns and compares.</summary>
public sealed record PcaOptions
{
    /// <summary>Gets the share of the variance that the kept components carry more than.</summary>
    /// <value>In (0, 1). The default is 0.65.</value>
    public double Variance { get; init; } = 0.65;

    /// <summary>Gets how many chunks the reference is cut into.</summary>
    /// <value>From 5 to 1,000. The default is 20.</value>
    public int Chunks { get; init; } = 20;

    /// <summary>Gets how many standard deviations of the chunks' errors the expected range reaches.</summary>
    /// <value>From 1 to 10. The default is 3.</value>
    public double Deviations { get; init; } = 3;

    /// <summary>Gets how many rows there must be to be judged.</summary>
    /// <value>At least 1. The default is 200.</value>
    public int MinimumRows { get; init; } = 200;

    internal void Check()
    {
        if (!(Variance is > 0 and < 1) || Chunks is < 5 or > 1000 || !(Deviations is >= 1 and <= 10) || MinimumRows < 1)
        {
            throw new MlopsException("monitoring.invalid_option", FormattableString.Invariant($"PCA reconstruction: {nameof(Variance)} ({Variance}) must be in (0, 1), {nameof(Chunks)} ({Chunks}) from 5 to 1,000, {nameof(Deviations)} ({Deviations}) from 1 to 10, {nameof(MinimumRows)} ({MinimumRows}) at least 1."));
        }
    }
}
