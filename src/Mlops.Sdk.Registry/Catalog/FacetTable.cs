namespace Mlops.Sdk.Registry;

/// <summary>Numbers the values by which results are counted, so that counting is adding to an array.</summary>
internal sealed class FacetTable
{
    internal static readonly string[] Names = ["task", "owner", "stage", "algorithm", "format", "signature", "approval", "drift", "deprecated", "age", "tag", "rating"];
    internal const int Age = 9;
    internal const int Tag = 10;
    internal const int Rating = 11;
    private static readonly string[] AgeNames = ["today", "week", "month", "quarter", "year", "older"];
    private static readonly long[] AgeDays = [1, 7, 30, 91, 365];
    private static readonly string[] StarNames = ["1", "2", "3", "4", "5"];
    private static readonly string[] TaskNames = [.. Enum.GetNames<ModelTask>().Select(n => n.ToLowerInvariant())];
    private static readonly string[] DriftNames = [.. Enum.GetNames<CatalogDrift>().Select(n => n.ToLowerInvariant())];
    private readonly Dictionary<(int Facet, string Value), int> _ids = [];
    private readonly List<(int Facet, string Value)> _values = [];

    internal FacetTable() => Clear();

    internal int Count => _values.Count;

    internal (int Facet, string Value) this[int id] => _values[id];

    internal static string Name(ModelTask task) => TaskNames[(int)task];

    internal static string Name(CatalogDrift drift) => DriftNames[(int)drift];

    internal void Clear()
    {
        _ids.Clear();
        _values.Clear();
        foreach (string age in AgeNames)
        {
            Id(Age, age); // so that an age's id is its place
        }
    }

    internal static int AgeOf(long ticks)
    {
        int age = 0;
        while (age < AgeDays.Length && ticks >= AgeDays[age] * TimeSpan.TicksPerDay)
        {
            age++;
        }

        return age;
    }

    /// <summary>The ids of a version's values, without its age.</summary>
    internal int[] Of(VersionFacts version)
    {
        if (version.Facets is { } there)
        {
            return there;
        }

        List<int> ids =
        [
            Id(2, version.StageName),
            Id(5, version.Signed ? "signed" : "unsigned"),
            Id(6, version.Approvals.Count > 0 ? "approved" : "unapproved"),
            Id(7, Name(version.Drift)),
            Id(8, version.Deprecated ? "yes" : "no"),
        ];
        AddIf(0, version.Task is { } task ? Name(task) : null);
        AddIf(1, version.Model.Owner);
        AddIf(3, version.Algorithm);
        AddIf(4, version.Format);
        AddIf(Rating, version.Model.Feedback.Summary is { } rating ? StarNames[(int)rating.Mean - 1] : null);
        foreach ((string key, _) in version.Tags)
        {
            ids.Add(Id(Tag, key));
        }

        foreach ((string key, _) in version.Model.Tags)
        {
            if (!Pairs.Find(version.Tags, key, out _))
            {
                ids.Add(Id(Tag, key));
            }
        }

        return version.Facets = [.. ids];

        void AddIf(int facet, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                ids.Add(Id(facet, value));
            }
        }
    }

    private int Id(int facet, string value)
    {
        if (!_ids.TryGetValue((facet, value), out int id))
        {
            id = _values.Count;
            _ids.Add((facet, value), id);
            _values.Add((facet, value));
        }

        return id;
    }
}
