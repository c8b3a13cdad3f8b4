namespace Mlops.Sdk.Testing;

/// <summary>What changes in <see cref="DriftingData"/>.</summary>
public enum DriftKind
{
    /// <summary>
    /// The inputs move and the way the label follows from them stays. Of a number: its mean moves by <see cref="InjectedDrift.Size"/>
    /// standard deviations. Of a text: that share of rows, in [0, 1], gets its rarest category.
    /// </summary>
    Covariate,

    /// <summary>The label follows from the same inputs in another way: all effects are multiplied by 1 - 2 <see cref="InjectedDrift.Size"/>, so that at 1 they turn round. The inputs stay as they are.</summary>
    Concept,

    /// <summary>Yes becomes more frequent, and each class looks as before: in that share of rows, in [-1, 1], yes is forced (below 0: no) and inputs are drawn that go with it.</summary>
    Label,

    /// <summary>That share of rows, in [0, 1], loses its value. The label still follows from what it was.</summary>
    Missing,

    /// <summary>That share of rows, in [0, 1], gets a category that was never there before.</summary>
    NewCategory,

    /// <summary><see cref="DriftingRow.Usage"/> and <see cref="DriftingRow.Spend"/> go together in another way: their correlation is multiplied by 1 - 2 <see cref="InjectedDrift.Size"/>, so that at 1 it turns round. Each alone stays as it is.</summary>
    Correlation,

    /// <summary>A source changes its unit: numbers are multiplied by <see cref="InjectedDrift.Size"/>, such as 1,000, above 0. The label still follows from what they were.</summary>
    Unit,
}

/// <summary>How a change comes.</summary>
public enum DriftPattern
{
    /// <summary>All at once, and to stay.</summary>
    Sudden,

    /// <summary>Growing evenly from nothing to its full size over <see cref="InjectedDrift.Length"/> rows, and to stay.</summary>
    Gradual,

    /// <summary>Coming and going like a cosine, from nothing to its full size and back over each <see cref="InjectedDrift.Length"/> rows.</summary>
    Seasonal,
}

/// <summary>A change that <see cref="DriftingData"/> is told to make.</summary>
/// <param name="Kind">What changes.</param>
/// <param name="Onset">The first row that may be touched, from 0.</param>
/// <param name="Size">How much, in the unit that <see cref="DriftKind"/> says for each kind.</param>
public sealed record InjectedDrift(DriftKind Kind, long Onset, double Size)
{
    /// <summary>Gets which member of <see cref="DriftingRow"/> changes, where the kind is about one; null for the kind's usual one: <c>Income</c>, for new categories <c>Region</c>.</summary>
    public string? Feature { get; init; }

    /// <summary>Gets how the change comes.</summary>
    /// <value>The default is all at once.</value>
    public DriftPattern Pattern { get; init; } = DriftPattern.Sudden;

    /// <summary>Gets how many rows a gradual change takes to grow, or the period of a seasonal one.</summary>
    /// <value>At least 1. The default is 10,000.</value>
    public long Length { get; init; } = 10_000;

    /// <summary>Tells how much of the change is there at a row.</summary>
    /// <param name="row">The row, from 0.</param>
    /// <returns>From 0, nothing, to 1, its full size. A change of unit is made to that share of rows; every other one by that part of its size.</returns>
    public double StrengthAt(long row) => row < Onset ? 0 : Pattern switch
    {
        DriftPattern.Gradual => Math.Min(1, (row - Onset) / (double)Length),
        DriftPattern.Seasonal => (1 - Math.Cos(2 * Math.PI * ((row - Onset) % Length) / Length)) / 2,
        _ => 1,
    };

    internal string Target => Feature ?? (Kind == DriftKind.NewCategory ? nameof(DriftingRow.Region) : nameof(DriftingRow.Income));

    internal void Check()
    {
        bool text = Target is nameof(DriftingRow.Region) or nameof(DriftingRow.Channel);
        bool fits = Kind switch
        {
            DriftKind.Covariate => text ? Size is >= 0 and <= 1 : double.IsFinite(Size),
            DriftKind.Label => Size is >= -1 and <= 1,
            DriftKind.Unit => !text && Size > 0 && double.IsFinite(Size),
            DriftKind.NewCategory => text && Size is >= 0 and <= 1,
            _ => Size is >= 0 and <= 1,
        };
        if (!fits || Onset < 0 || Length < 1)
        {
            throw new ArgumentException(FormattableString.Invariant($"{Kind} of '{Target}' with size {Size}, onset {Onset} and length {Length} is not possible: see {nameof(DriftKind)} for the sizes of each kind; onset is at least 0, length at least 1."));
        }

        if (!DriftingWorld.Features.Contains(Target))
        {
            throw new ArgumentException($"'{Target}' does not drift; these do: {string.Join(", ", DriftingWorld.Features)}.");
        }
    }
}
