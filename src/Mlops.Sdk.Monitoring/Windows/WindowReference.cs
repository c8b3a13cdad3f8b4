using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>What a window is compared with. Immutable.</summary>
public sealed class WindowReference
{
    private readonly Func<MonitorWindow, IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)>>? _spans;

    private WindowReference(string name, Func<MonitorWindow, IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)>>? spans) => (Name, _spans) = (name, spans);

    /// <summary>Gets the rows that the version was trained on.</summary>
    public static WindowReference Training { get; } = new("training", null);

    /// <summary>Gets what it is, for people.</summary>
    public string Name { get; }

    /// <summary>Windows of one span of time, such as the first good week in service.</summary>
    /// <param name="from">When it begins.</param>
    /// <param name="to">When it ends.</param>
    /// <returns>The reference.</returns>
    public static WindowReference Fixed(DateTimeOffset from, DateTimeOffset to) => from < to
        ? new($"{from:u} to {to:u}", _ => [(from, to)])
        : throw new ArgumentException($"A span that ends after it begins is expected; {from:u} to {to:u} does not.", nameof(to));

    /// <summary>Windows right before the one that is compared.</summary>
    /// <param name="length">How far back.</param>
    /// <returns>The reference.</returns>
    public static WindowReference Moving(TimeSpan length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(length, TimeSpan.Zero);
        return new($"the {length} before", window => [(window.From - length, window.From)]);
    }

    /// <summary>Windows of the same span in seasons before, such as the same hours of the last four weeks.</summary>
    /// <param name="period">The length of a season, such as 7 days.</param>
    /// <param name="times">How many seasons, from 1 to 100.</param>
    /// <returns>The reference.</returns>
    public static WindowReference Season(TimeSpan period, int times = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(times, 100);
        return new($"{times} times {period} before", window => [.. Enumerable.Range(1, times).Select(t => (window.From - (t * period), window.To - (t * period)))]);
    }

    /// <summary>Tells which spans of time it is made of; null for training.</summary>
    internal IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)>? SpansFor(MonitorWindow window) => _spans?.Invoke(window);

    /// <summary>Makes a reference of a window's counts: bins and categories stay those of training, so that windows counted by them compare.</summary>
    internal static ReferenceProfile Of(MonitorWindow window, ReferenceProfile training)
    {
        Dictionary<(string, FeatureRole), ReferenceFeature> known = training.Features.ToDictionary(f => (f.Name, f.Role));
        return new ReferenceProfile { Rows = window.Rows, Features = [.. window.Features.Select(f => Of(f, window, known.GetValueOrDefault((f.Name, f.Role))))] };
    }

    private static ReferenceFeature Of(WindowFeature counted, MonitorWindow window, ReferenceFeature? training)
    {
        bool number = counted.Kind == InputKind.Number;
        if (training is null || training.Kind != counted.Kind || (number ? training.Counts.Length : training.Categories.Length) != counted.Counts.Length)
        {
            throw new MlopsDataException("monitoring.profile_mismatch", $"Window '{window.Id}' of {window.Model} v{window.Version} counts '{counted.Name}' by other bins than the reference has. Give the reference that it was counted by.");
        }

        double values = counted.Values;
        return new ReferenceFeature
        {
            Name = counted.Name,
            Kind = counted.Kind,
            Role = counted.Role,
            Edges = training.Edges,
            Counts = number ? counted.Counts : [],
            Categories = training.Categories,
            CategoryCounts = number ? [] : counted.Counts,
            Other = counted.Unseen,
            Missing = counted.Missing,
            Infinite = counted.Infinite,
            Mean = counted.Mean,
            StandardDeviation = values > 0 ? Math.Sqrt(counted.SquaredDeviations / values) : 0,
            Minimum = counted.Minimum,
            Maximum = counted.Maximum,
        };
    }
}
