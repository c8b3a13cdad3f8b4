namespace Mlops.Sdk.Monitoring;

/// <summary>What a boosted model minimises.</summary>
internal enum BoostingLoss
{
    /// <summary>Half the squared difference; predictions are numbers.</summary>
    Squared,

    /// <summary>The log loss of targets 0 and 1 (or shares between); predictions are probabilities.</summary>
    Logistic,
}

/// <summary>How <see cref="HistogramBoosting"/> learns.</summary>
internal sealed record BoostingOptions
{
    /// <summary>Gets the loss.</summary>
    internal BoostingLoss Loss { get; init; } = BoostingLoss.Squared;

    /// <summary>Gets how many trees are grown.</summary>
    internal int Rounds { get; init; } = 50;

    /// <summary>Gets how much of each tree's answer is taken, in (0, 1].</summary>
    internal double LearningRate { get; init; } = 0.1;

    /// <summary>Gets how many leaves a tree has at most, at least 2.</summary>
    internal int MaxLeaves { get; init; } = 31;

    /// <summary>Gets how many splits lie between root and leaf at most.</summary>
    internal int MaxDepth { get; init; } = 6;

    /// <summary>Gets how many rows a leaf has at least.</summary>
    internal int MinRowsPerLeaf { get; init; } = 20;

    /// <summary>Gets the weight that pulls a leaf's answer to 0, in rows of unit curvature.</summary>
    internal double Shrinkage { get; init; } = 1;

    /// <summary>Gets how many bins a feature has at most, missing included, 3 to 256.</summary>
    internal int MaxBins { get; init; } = 256;

    /// <summary>Gets the share of rows that each tree sees, in (0, 1]; drawn anew for each tree.</summary>
    internal double RowShare { get; init; } = 1;

    /// <summary>Gets the seed of the drawing.</summary>
    internal long Seed { get; init; } = 1;

    /// <summary>Gets how many threads work at most. The result is the same for any number.</summary>
    internal int Threads { get; init; } = 1;
}
