using System.Globalization;

namespace Mlops.Sdk.Monitoring;

/// <summary>What a cause is about.</summary>
public enum CauseKind
{
    /// <summary>A feature whose values changed.</summary>
    Feature,

    /// <summary>A segment of the rows.</summary>
    Segment,
}

/// <summary>Something that may explain a change.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Name">The feature or segment.</param>
/// <param name="Share">Its share of all that moves, in [0, 1]; of one list of causes all shares add up to 1, unless nothing moves.</param>
/// <param name="Contribution">What it adds to the change, signed, in the change's unit; null where only its size relative to the others is known.</param>
/// <param name="Sentence">What happened, for a person.</param>
public sealed record Cause(CauseKind Kind, string Name, double Share, double? Contribution, string Sentence);

/// <summary>What explains a change, most telling first. Immutable.</summary>
/// <param name="About">The change that is explained, such as <c>the mean answer</c> or <c>accuracy</c>.</param>
/// <param name="How">How the causes were ranked, for a person: what the shares mean.</param>
/// <param name="Causes">The causes, largest share first.</param>
public sealed record RootCauses(string About, string How, IReadOnlyList<Cause> Causes)
{
    /// <summary>Gets the top causes in one sentence.</summary>
    public string Summary => Causes.Count == 0
        ? $"Nothing that explains {About} was found."
        : $"What explains {About}: {string.Join(' ', Causes.Take(3).Select(c => c.Sentence))}";

    /// <summary>Ranks features by how far they moved, weighed by how much the model listens to them.</summary>
    /// <param name="report">The comparison of a window with its reference.</param>
    /// <param name="importance">The importance of each feature to the model, at least 0, in any unit; one that is not named counts as 0. Null when it is not known: then all count alike.</param>
    /// <returns>The inputs that moved, with shares of importance times total variation: the share of rows that changed place.</returns>
    /// <remarks>Total variation is used since it is a share of rows and so comparable between numbers and texts; missing values that moved count with the larger of both. A ranking, not a decomposition: <see cref="PredictionShift"/> gives contributions that add up.</remarks>
    /// <exception cref="ArgumentException">An importance is negative or not finite.</exception>
    public static RootCauses Rank(DriftReport report, IReadOnlyDictionary<string, double>? importance = null)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (importance?.FirstOrDefault(i => !(i.Value >= 0 && double.IsFinite(i.Value))) is { Key: not null } bad)
        {
            throw new ArgumentException($"The importance of '{bad.Key}' is {bad.Value}; it must be finite and at least 0.", nameof(importance));
        }

        (FeatureDrift Feature, double Weight)[] moved =
        [
            .. report.Features.Where(f => f.Role == Data.FeatureRole.Input && f.Status is DriftStatus.Drifted or DriftStatus.Watch)
                .Select(f => (f, Moved(f) * (importance is null ? 1 : importance.GetValueOrDefault(f.Name))))
                .OrderByDescending(f => f.Item2).ThenBy(f => f.f.Name, StringComparer.Ordinal),
        ];
        double all = moved.Sum(m => m.Weight);
        return new RootCauses(
            $"the drift of {report.Model} version {report.Version}",
            importance is null ? "Inputs that moved, by the share of rows that changed place; how much the model listens to each is not known." : "Inputs that moved, by importance to the model times the share of rows that changed place.",
            [.. moved.Select(m => new Cause(CauseKind.Feature, m.Feature.Name, all > 0 ? m.Weight / all : 0, null, string.Create(CultureInfo.InvariantCulture, $"{m.Feature.Name} moved in {Moved(m.Feature) * 100:0.#} % of rows: {m.Feature.Change}.")))]);
    }

    /// <summary>Turns a shift of the mean answer into causes.</summary>
    /// <param name="shift">The shift.</param>
    /// <param name="report">The comparison of the same rows, to say how each feature moved; null to leave that out.</param>
    /// <returns>The features; shares are of the sum of the contributions' sizes.</returns>
    public static RootCauses Of(PredictionShift shift, DriftReport? report = null)
    {
        ArgumentNullException.ThrowIfNull(shift);
        double all = shift.Features.Sum(f => Math.Abs(f.Contribution));
        return new RootCauses(
            string.Create(CultureInfo.InvariantCulture, $"the mean answer going from {shift.Before:0.####} to {shift.Now:0.####}"),
            string.Create(CultureInfo.InvariantCulture, $"Contributions add up to the shift; over {shift.Pairs} pairs of rows."),
            [
                .. shift.Features.Where(f => f.Contribution != 0).Select(f => new Cause(CauseKind.Feature, f.Feature, Math.Abs(f.Contribution) / all, f.Contribution,
                    string.Create(CultureInfo.InvariantCulture, $"{f.Feature} moves it by {f.Contribution:+0.####;-0.####;0} (± {1.96 * f.StandardError:0.####}){ChangeOf(report, f.Feature)}."))),
            ]);
    }

    /// <summary>Turns a change of a metric into causes.</summary>
    /// <param name="change">The change.</param>
    /// <returns>The segments; shares are of the sum of the contributions' sizes.</returns>
    public static RootCauses Of(MetricChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        double all = change.Segments.Sum(s => Math.Abs(s.Total));
        return new RootCauses(
            string.Create(CultureInfo.InvariantCulture, $"{change.Metric} going from {change.Before:0.####} to {change.Now:0.####}"),
            string.Create(CultureInfo.InvariantCulture, $"Contributions add up to the change: {change.Rate:+0.####;-0.####;0} by what happened in segments, {change.Mix:+0.####;-0.####;0} by their shares."),
            [.. change.Segments.Where(s => s.Total != 0).Select(s => new Cause(CauseKind.Segment, s.Segment, Math.Abs(s.Total) / all, s.Total, s.Sentence))]);
    }

    private static string ChangeOf(DriftReport? report, string feature) =>
        report?.Features.FirstOrDefault(f => f.Name == feature && f.Role == Data.FeatureRole.Input) is { Change.Length: > 0 } found ? $": {found.Change}" : string.Empty;

    private static double Moved(FeatureDrift feature) => feature.Shares.Where(s => s.Status is DriftStatus.Watch or DriftStatus.Drifted).Select(s => Math.Abs(s.Current - s.Reference)).Append(feature.TotalVariation).Max();
}
