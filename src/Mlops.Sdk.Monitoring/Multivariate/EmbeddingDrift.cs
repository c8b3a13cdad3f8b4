using System.Globalization;

namespace Mlops.Sdk.Monitoring;

/// <summary>How the embeddings of texts, images or the like stand against those of a reference: three views of the same vectors.</summary>
public sealed record EmbeddingDrift : MultivariateDrift
{
    /// <summary>Gets the cosine distance between the mean vectors: 0 when they point the same way, 2 when against each other.</summary>
    public required double MeanCosineDistance { get; init; }

    /// <summary>Gets the maximum mean discrepancy of the vectors as they are.</summary>
    public required MeanDiscrepancyDrift Discrepancy { get; init; }

    /// <summary>Gets how well a classifier tells them apart; its features are named <c>0</c>, <c>1</c>, ... after the vectors' places.</summary>
    public required DomainDrift Domain { get; init; }

    /// <summary>Compares embeddings.</summary>
    /// <param name="reference">The reference's vectors, shape [rows][size].</param>
    /// <param name="current">The current vectors, shape [rows][size].</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>
    /// Drifted when the classifier says so (effect and significance); to watch when only the discrepancy is significant or the classifier
    /// says watch. With hundreds of places the classifier takes seconds: bound its rows.
    /// </returns>
    /// <exception cref="MlopsDataException">The vectors have different sizes or a value is not finite; code <c>monitoring.bad_embedding</c>.</exception>
    /// <exception cref="MlopsException">An option is out of range; code <c>monitoring.invalid_option</c>.</exception>
    public static EmbeddingDrift Compare(IReadOnlyList<float[]> reference, IReadOnlyList<float[]> current, EmbeddingDriftOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(current);
        options ??= new EmbeddingDriftOptions();
        options.Discrepancy.Check();
        options.Domain.Check();
        int size = reference.Count > 0 ? reference[0].Length : current.Count > 0 ? current[0].Length : 0;
        Check(reference, size, "reference");
        Check(current, size, "current");
        (int[] first, int[] second) = MeanDiscrepancy.Draw(reference.Count, current.Count, options.Discrepancy);
        MeanDiscrepancyDrift discrepancy = MeanDiscrepancy.Compare(Flat(reference, first), Flat(current, second), Math.Max(1, size), (reference.Count, current.Count), options.Discrepancy, cancellationToken);
        DomainDrift domain = DomainClassifier.Compare(Frame(reference, size), Frame(current, size), options.Domain, cancellationToken, maxBins: 32);
        double cosine = CosineDistance(Mean(reference, size), Mean(current, size));
        DriftStatus status = domain.Status switch
        {
            DriftStatus.TooFew or DriftStatus.Drifted => domain.Status,
            _ => discrepancy.Status == DriftStatus.Drifted ? DriftStatus.Watch : domain.Status,
        };
        return new EmbeddingDrift
        {
            Status = status,
            ReferenceRows = reference.Count,
            Rows = current.Count,
            ReferenceUsed = domain.ReferenceUsed,
            Used = domain.Used,
            MeanCosineDistance = cosine,
            Discrepancy = discrepancy,
            Domain = domain,
            Summary = string.Create(CultureInfo.InvariantCulture, $"{domain.Summary} {discrepancy.Summary} The mean vectors are {cosine:0.0000} apart (cosine distance)."),
        };
    }

    private protected override IEnumerable<MultivariateNumber> Numbers() =>
    [
        new("embedding_cosine", MeanCosineDistance, Reference: 0),
        new("embedding_mmd_squared", Discrepancy.Squared, PValue: Discrepancy.PValue, Reference: 0),
        new("embedding_auc", Domain.RocAuc, Domain.Low, Domain.High, Domain.PValue, 0.5),
    ];

    private static void Check(IReadOnlyList<float[]> vectors, int size, string name)
    {
        for (int i = 0; i < vectors.Count; i++)
        {
            if (vectors[i] is null || vectors[i].Length != size || size == 0 || !Array.TrueForAll(vectors[i], float.IsFinite))
            {
                throw new MlopsDataException("monitoring.bad_embedding", $"All vectors have the same size, at least 1, and finite values: {size} is expected, and vector {i} of the {name} has {vectors[i]?.Length.ToString(CultureInfo.InvariantCulture) ?? "none"} or a value that is not finite. Leave out what could not be embedded.");
            }
        }
    }

    private static double[] Flat(IReadOnlyList<float[]> vectors, int[] rows) => [.. rows.SelectMany(row => vectors[row].Select(v => (double)v))];

    private static BoostingFrame Frame(IReadOnlyList<float[]> vectors, int size)
    {
        var places = new float[size][];
        for (int place = 0; place < size; place++)
        {
            places[place] = new float[vectors.Count];
            for (int row = 0; row < vectors.Count; row++)
            {
                places[place][row] = vectors[row][place];
            }
        }

        return new BoostingFrame(vectors.Count, [.. Enumerable.Range(0, size).Select(i => i.ToString(CultureInfo.InvariantCulture))], places);
    }

    private static double[] Mean(IReadOnlyList<float[]> vectors, int size)
    {
        double[] mean = new double[size];
        foreach (float[] vector in vectors)
        {
            for (int i = 0; i < size; i++)
            {
                mean[i] += vector[i] / (double)vectors.Count;
            }
        }

        return mean;
    }

    private static double CosineDistance(double[] x, double[] y)
    {
        double lengths = Math.Sqrt(Vectors.Dot(x, x) * Vectors.Dot(y, y));
        return lengths > 0 ? Math.Clamp(1 - (Vectors.Dot(x, y) / lengths), 0, 2) : 0;
    }
}

/// <summary>How <see cref="EmbeddingDrift"/> compares.</summary>
public sealed record EmbeddingDriftOptions
{
    /// <summary>Gets how the discrepancy is measured.</summary>
    public MeanDiscrepancyOptions Discrepancy { get; init; } = new();

    /// <summary>Gets how the classifier is run.</summary>
    /// <value>The default uses at most 2,000 rows of each side.</value>
    public DomainClassifierOptions Domain { get; init; } = new() { MaxRows = 2000 };
}
