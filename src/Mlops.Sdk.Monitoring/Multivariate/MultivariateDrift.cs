namespace Mlops.Sdk.Monitoring;

/// <summary>How rows as a whole stand against the rows of a reference: what no single feature shows. Immutable.</summary>
public abstract record MultivariateDrift
{
    private protected MultivariateDrift()
    {
    }

    /// <summary>Gets how they stand. <see cref="DriftStatus.TooFew"/> says that there are too few rows to judge.</summary>
    public required DriftStatus Status { get; init; }

    /// <summary>Gets how many rows the reference has.</summary>
    public required long ReferenceRows { get; init; }

    /// <summary>Gets how many rows were compared with it.</summary>
    public required long Rows { get; init; }

    /// <summary>Gets how many rows of the reference were used: fewer than there are when a sample was drawn.</summary>
    public required long ReferenceUsed { get; init; }

    /// <summary>Gets how many of the other rows were used.</summary>
    public required long Used { get; init; }

    /// <summary>Gets what was found in one sentence.</summary>
    public required string Summary { get; init; }

    /// <summary>Makes signals of the numbers, so that policies can judge them and reports draw them.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The number of the version; 0 for the model as a whole.</param>
    /// <param name="from">When the compared rows begin.</param>
    /// <param name="to">When they end.</param>
    /// <param name="segment">The part of the rows it is about, or null for all.</param>
    /// <returns>The signals, named <c>drift.MEASURE</c>; none when there are too few rows.</returns>
    public IReadOnlyList<MonitorSignal> ToSignals(string model, int version, DateTimeOffset from, DateTimeOffset to, string? segment = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        return Status == DriftStatus.TooFew
            ? []
            :
            [
                .. Numbers().Select(n => new MonitorSignal
                {
                    Model = model,
                    Version = version,
                    Segment = segment,
                    Name = SignalNames.Of(SignalNames.Drift, n.Measure),
                    From = from,
                    To = to,
                    Rows = Used,
                    Value = n.Value,
                    Low = n.Low,
                    High = n.High,
                    PValue = n.PValue,
                    Reference = n.Reference,
                }),
            ];
    }

    private protected abstract IEnumerable<MultivariateNumber> Numbers();

    private protected sealed record MultivariateNumber(string Measure, double Value, double? Low = null, double? High = null, double? PValue = null, double? Reference = null);
}

/// <summary>How much a feature helps to tell rows apart.</summary>
/// <param name="Name">The feature.</param>
/// <param name="Share">Its share of all that the classifier's splits gained, in (0, 1].</param>
public sealed record TellingFeature(string Name, double Share);
